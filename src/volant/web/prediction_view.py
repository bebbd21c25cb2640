"""One logged prediction as people read it: what was asked, what was answered, and what turned out to be true."""

from typing import Any

Json = dict[str, Any]
INPUT = "f:"  # what columns of the log are called that were inputs
LATENCY = "latency_us"


def prediction_view(found: Json) -> Json:
    """``inputs`` by name, ``labels`` oldest first, and the rest as it was logged; missing parts are None or empty."""
    labels = [label for label in found.get("labels") or () if isinstance(label, dict)]
    return {
        "id": found.get("prediction_id"),
        "at": found.get("at"),
        "event_at": found.get("event_time"),
        "key": found.get("key"),
        "request_id": found.get("request_id"),
        "model": found.get("model"),
        "version": found.get("version"),
        "arm": found.get("arm"),
        "source": found.get("source"),
        "outcome": found.get("outcome"),
        "error": found.get("error"),
        "latency_us": found.get(LATENCY),
        "answer": found.get("prediction"),
        "scores": [score for score in found.get("scores") or () if isinstance(score, int | float)],
        "inputs": {name.removeprefix(INPUT): value for name, value in found.items() if name.startswith(INPUT)},
        "labels": [
            {
                "value": label.get("value"),
                "known_at": label.get("known_at"),
                "recorded_at": label.get("recorded_at"),
                "source": label.get("source"),
            }
            for label in labels
        ],
    }
