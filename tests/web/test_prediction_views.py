from web_seed import EVIL

from volant.kernel.errors import NotFoundError
from volant.web.prediction_view import prediction_view
from volant.web.rendering import environment

LOGGED = {
    "prediction_id": "a.0",
    "at": 1_700_000_000_000_000,
    "event_time": None,
    "key": EVIL,
    "request_id": None,
    "model": "bikes",
    "version": 2,
    "arm": "champion",
    "f:temperature": 1019.6,
    f"f:{EVIL}": EVIL,
    "prediction": 61.2,
    "scores": None,
    "source": "http",
    "outcome": "ok",
    "error": None,
    "latency_us": 2477,
    "labels": [{"value": 60, "known_at": 1, "recorded_at": 1, "source": ""}, {"value": 58, "known_at": 2, "recorded_at": 2, "source": ""}],
}


def shown(view):
    found = {
        "node": "prediction:a.0",
        "noun": "prediction",
        "name": "a.0",
        "url": None,
        "facts": {},
        "prediction": view,
        "from": [],
        "used_for": [],
    }
    shell = {"title": "", "project": "bikes", "path": "/lineage", "user": None, "role": None, "twin": None}
    page = {"node": "a.0", "starts": [], "found": found}
    return environment().get_template("lineage.html").render(view=page, shell=shell, now=1_700_000_100_000_000)


def test_a_prediction_is_split_into_inputs_answer_and_truth():
    view = prediction_view(LOGGED)
    assert view["inputs"] == {"temperature": 1019.6, EVIL: EVIL}
    assert (view["answer"], [label["value"] for label in view["labels"]]) == (61.2, [60, 58])
    text = shown(view)
    assert EVIL not in text
    for part in ("61.20", "58", "corrected 1 time", "2.48\u00a0ms", "1019.6"):
        assert part in text, part


def test_a_prediction_that_failed_says_why_and_one_without_a_label_says_so():
    text = shown(prediction_view({"prediction_id": "a.0", "outcome": "error", "error": "ValueError: no", "at": 0}))
    assert "ValueError: no" in text
    assert "none yet" in text


def test_a_prediction_id_that_is_not_in_the_log_is_not_found(site):
    answer = site.get("/lineage?node=zzzzzz", accept="application/json")
    assert answer.json["error"]["code"] == NotFoundError.code
