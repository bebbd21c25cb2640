"""The wheel turns by itself: it notices, retrains, decides, and carries on after a kill, each decision kept once."""

import signal

import pytest
from journey_parts import edit, query, served, start, volant


def grow(root, days=3):
    """More of the example's days: the last ones again, each a week later."""
    import polars as pl

    data = next(root.rglob("*.csv"))
    frame = pl.read_csv(data, try_parse_dates=True)
    name = next(column for column, kind in frame.schema.items() if isinstance(kind, pl.Datetime))
    last = frame.filter(pl.col(name) > frame[name].max() - pl.duration(days=days))
    frame.vstack(last.with_columns(pl.col(name) + pl.duration(days=days))).write_csv(data)


def decided(root):
    """Actions of the stream of decisions in order."""
    import json

    rows = query(root, "SELECT kind, data FROM event WHERE stream LIKE 'loop/%' ORDER BY position")
    return [json.loads(data).get("action", kind) for kind, data in rows]


def automatic(root):
    edit(root / "volant.yaml", "autonomy: propose", "autonomy: autopilot")
    text = (root / "volant.yaml").read_text(encoding="utf-8")
    begin = text.index("retrain:")
    (root / "volant.yaml").write_text(text[:begin] + "retrain:\n  when: [{data: new}]\n", encoding="utf-8")
    return root


@pytest.fixture
def released(plain_trained):
    """Version 1 serves, and the policy retrains on new data and releases what passes."""
    volant(plain_trained, "approve", "toy@1", "--override", "--reason", "to begin with")
    return automatic(plain_trained)


def test_a_dry_run_says_what_would_happen_and_why_and_changes_nothing(released):
    before = decided(released)
    (line,) = volant(released, "retrain", "--dry-run").json["decisions"]
    assert line["action"] == "wait"
    assert "the source holds nothing new" in line["sentence"]
    grow(released)
    (line,) = volant(released, "retrain", "--dry-run").json["decisions"]
    assert (line["action"], line["trigger"]) == ("retrain", "data")
    assert decided(released) == before


def test_new_data_are_noticed_trained_on_tested_and_decided_upon_while_it_serves(released):
    with served(released) as server:
        server.until(lambda: server.serving() == 1)
        grow(released)
        server.until(lambda: decided(released)[-1:] == ["cycle_ended"], seconds=90)
        assert decided(released)[-3] == "retrain"
        if decided(released)[-2] == "promote":
            server.until(lambda: server.serving() == 2)
    policy = volant(released, "policy", "show").json
    assert policy["decisions"][1]["trigger"] == "data"
    assert "no training has learned from" in policy["decisions"][1]["sentence"]


def test_a_pause_holds_until_it_is_resumed(released):
    grow(released)
    volant(released, "policy", "pause", "--reason", "the data are being repaired")
    (line,) = volant(released, "retrain", "--dry-run").json["decisions"]
    assert "paused: by ann: the data are being repaired" in line["sentence"]
    volant(released, "policy", "resume", "--reason", "repaired")
    (line,) = volant(released, "retrain", "--dry-run").json["decisions"]
    assert line["action"] == "retrain"


@pytest.mark.parametrize("point", ["loop.decided", "run.data_frozen", "run.gated", "run.registered", "loop.turned"])
def test_a_cycle_that_was_killed_is_carried_on_and_happens_once(released, point):
    grow(released)
    with start(released, "retrain", "--reason", "to be killed", "--json", environment={"VOLANT_CRASH_AT": point}) as process:
        process.communicate(timeout=120)
    assert process.returncode not in {0, -signal.SIGSEGV}
    assert decided(released).count("cycle_ended") == 0
    found = volant(released, "retrain", "--reason", "carry on", expect=None).json
    assert found["end"]["error"] is None
    assert decided(released).count("retrain") == 1
    assert decided(released).count("cycle_ended") == 1
    assert [number for (number,) in query(released, "SELECT number FROM model_version ORDER BY number")] == [1, 2]
    finished = "SELECT count(*) FROM run JOIN run_tag ON run.id = run_id WHERE key = 'volant.decision' AND status = 'FINISHED'"
    assert query(released, finished) == [(1,)]
    assert query(released, "SELECT count(*) FROM run WHERE status = 'RUNNING'") == [(0,)]
    judged = "SELECT count(*) FROM gate_report GROUP BY package"
    assert query(released, judged) == [(1,), (1,)], "each version is judged once"
    assert len([line for line in volant(released, "policy", "decisions").json["decisions"] if line["version"] == 2]) == 1
    assert volant(released, "replay", "--lived").json["same"]
    assert volant(released, "audit", "verify").json["intact"]


def test_a_failing_training_is_kept_with_its_reason_and_not_repeated_until_something_changed(released):
    grow(released)
    edit(released / "opening.py", "SHIFT = 0", "SHIFT = 1 / 0")
    found = volant(released, "retrain", "--reason", "try", expect=1).json
    assert found["end"]["error"]
    assert query(released, "SELECT cause, is_open FROM alert") == [("training", 1)]
    (line,) = volant(released, "retrain", "--dry-run").json["decisions"]
    assert line["action"] == "wait"
    assert "the last training failed" in line["sentence"]
    edit(released / "opening.py", "SHIFT = 1 / 0", "SHIFT = 0")
    (line,) = volant(released, "retrain", "--dry-run").json["decisions"]
    assert line["action"] == "retrain"
    assert volant(released, "retrain", "--reason", "repaired", expect=None).json["end"]["error"] is None
    assert query(released, "SELECT cause, is_open FROM alert") == [("training", 0)]
