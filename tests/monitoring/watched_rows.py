"""Predictions and labels as the log and the label store give them."""

from volant.evidence.model import Label, Outcome, Prediction
from volant.evidence.tables import prediction_table

START = 1_700_000_000_000_000
SECOND = 1_000_000


def prediction(number, *, at=None, **changes):
    rows = len(changes.get("values", [0]))
    fields = {
        "id": f"{number:032x}",
        "request_id": None,
        "at": START + number * SECOND if at is None else at,
        "model": "bikes",
        "version": 1,
        "arm": "champion",
        "epoch": 1,
        "columns": {"x": [float(number)] * rows, "city": ["Lyon"] * rows},
        "values": [float(number % 5)],
        "scores": None,
        "keys": None,
        "event_times": None,
        "latency_us": 300,
        "outcome": Outcome.OK,
    }
    return Prediction(**fields | changes)


def table(predictions):
    return prediction_table(predictions).sort("epoch", "at", "prediction_id")


def label(number, value, *, known_at, key=None, row=0, recorded_at=None):
    subject = {"key": key} if key is not None else {"prediction_id": f"{number:032x}.{row}"}
    return Label(**subject, value=value, known_at=known_at, recorded_at=known_at if recorded_at is None else recorded_at)
