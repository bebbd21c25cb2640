"""What counts as having moved, column by column, and how much it matters that it has."""

import numpy as np
import polars as pl
import pytest

from volant.config.model import DriftConfig
from volant.models.ports import Answer
from volant.monitoring.alert_model import Severity
from volant.monitoring.concerns import DRIFT, concerns
from volant.monitoring.drift import IGNORED, judged_windows
from volant.monitoring.drift_model import DriftReport, WindowShape
from volant.monitoring.drift_reference import reference_of
from volant.monitoring.importance import importances
from volant.monitoring.model import Estimate, LiveReport, Reference, WindowPerformance
from volant.monitoring.shaping import column_shapes

HOUR = 3_600_000_000


def rows(count, seed, shift=0.0):
    random = np.random.default_rng(seed)
    columns = {f"f:{name}": random.standard_normal(count) + shift for name in ("temp", "hum", "note")}
    return pl.DataFrame({**columns, "prediction": random.standard_normal(count) + shift})


def reference(importance=None):
    frame = rows(6_000, 1)
    return reference_of({name: frame[name] for name in frame.columns}, model="bikes", version=1, importance=importance or {})


def judged(known, part, rules=None):
    shapes = column_shapes(part.with_columns(pl.lit(0).alias("_window")), known)
    columns = {name: one[0] for name, one in shapes.items()}
    at = {"number": 0, "from_us": 0, "to_us": HOUR, "rows": part.height, "version": 1}
    windows = [WindowShape(model="bikes", epoch=1, arm="champion", columns=columns, **at)]
    return judged_windows(windows, known) if rules is None else judged_windows(windows, known, rules)


def moved(found):
    return {column.name for column in found.columns if column.drifting}


def report(found, version=1):
    return DriftReport(
        model="bikes", epoch=1, version=version, recorded_at=0, lines=1, asked="", reference_rows=6_000, windows=found.windows,
        columns=found.columns, first=0, last=0,
    )  # fmt: skip


def said(found):
    (concern,) = concerns((), None, drift=report(found))
    assert concern.cause == DRIFT
    return concern


def test_a_column_with_a_tolerance_of_its_own_may_move_by_that_much_and_not_by_more():
    known, rules = reference(), DriftConfig(columns={"temp": 0.5, "prediction": 0.5})
    assert moved(judged(known, rows(1_000, 2, shift=0.35))) == {"temp", "hum", "note", "the prediction"}
    found = judged(known, rows(1_000, 2, shift=0.35), rules)
    assert moved(found) == {"hum", "note"}
    assert {column.name: column.tolerance for column in found.columns}["temp"] == 0.5
    assert moved(judged(known, rows(1_000, 2, shift=0.9), rules)) == {"temp", "hum", "note", "the prediction"}
    assert moved(judged(known, rows(1_000, 2, shift=0.35), DriftConfig(tolerance=0.6))) == set()


def test_a_column_that_is_ignored_is_shown_with_its_pictures_and_is_never_an_alarm():
    found = judged(reference(), rows(1_000, 3, shift=2.0), DriftConfig(ignore=("temp", "prediction")))
    assert moved(found) == {"hum", "note"}
    temp = next(column for column in found.columns if column.name == "temp")
    assert temp.left_out == IGNORED
    assert temp.bars
    assert "f:temp" not in found.windows[0].columns


def test_drift_of_what_the_champion_does_not_look_at_is_a_note_and_else_a_ticket_and_never_a_page():
    part = rows(1_000, 4).with_columns(pl.col("f:note") + 1.0)
    unused = said(judged(reference({"f:temp": 0.8, "f:hum": 0.3, "f:note": 0.001}), part))
    assert unused.severity is Severity.INFO
    assert "hardly hang on it" in unused.sentence
    assert unused.facts["importance"] == 0.001
    for importance in ({"f:note": 0.3}, {}):
        used = said(judged(reference(importance), part))
        assert used.severity is Severity.WARNING
        assert "volant retrain" in used.sentence
    answers = said(judged(reference({"f:temp": 0.001, "f:hum": 0.001, "f:note": 0.001}), rows(1_000, 5, shift=1.0)))
    assert answers.severity is Severity.WARNING


def test_what_the_champion_hangs_on_is_named_before_what_moved_further():
    part = rows(1_000, 6).with_columns(pl.col("f:note") + 1.5, pl.col("f:temp") + 0.5)
    found = report(judged(reference({"f:temp": 0.9, "f:hum": 0.5, "f:note": 0.05}), part))
    assert [column.name for column in found.drifting] == ["temp", "note"]
    alone = report(judged(reference(), part))
    assert [column.name for column in alone.drifting] == ["note", "temp"]
    assert found.basis().rules == DriftConfig()


def frame(count=500):
    random = np.random.default_rng(7)
    return pl.DataFrame(
        {"a": random.standard_normal(count), "b": random.standard_normal(count), "c": random.choice(["x", "y"], count), "d": [1.0] * count}
    )


def test_importance_is_how_far_answers_move_when_a_column_is_shuffled():
    def numbers(given):
        return Answer(values=(3 * given["a"] + 1.0 * given["b"]).to_numpy())

    found = importances(numbers, frame(), ["a", "b", "c", "d"])
    assert 0.8 < found["a"] <= 1.1
    assert 0.2 < found["b"] < 0.5
    assert (found["c"], found["d"]) == (0.0, 0.0)

    def classes(given):
        yes = (given["c"] == "x").to_numpy()
        return Answer(values=np.where(yes, "yes", "no"), scores=np.column_stack([1.0 - yes, 1.0 * yes]))

    assert importances(classes, frame(), ["a", "c"])["c"] > 0.8
    words = importances(lambda given: Answer(values=classes(given).values), frame(), ["a", "c"])
    assert (words["a"], words["c"] > 0.8) == (0.0, True)


@pytest.mark.parametrize(("values", "count"), [(np.ones, 300), (lambda n: np.full(n, np.nan), 300), (np.arange, 1), (np.arange, 0)])
def test_answers_that_do_not_differ_or_cannot_be_used_say_nothing(values, count):
    assert importances(lambda given: Answer(values=values(given.height)), frame()[:count], ["a", "b"]) == {}


def live(loss, **changes):
    fields = {"low_loss": loss - 1, "high_loss": loss + 1, "value": loss, "low": loss - 1, "high": loss + 1, "bias_variance": 0.1}
    newest = Estimate(**{"rows": 50, "loss": loss, "loss_variance": 0.1, "df": 9, "bias_df": 9} | fields | changes)
    window = WindowPerformance(number=1, from_us=0, to_us=1, rows=50, labelled=0, waits="waits for labels", estimate=newest)
    known = Reference(rows=500, loss=10.0, loss_variance=0.1, df=90, value=10.0)
    return LiveReport(
        model="bikes", epoch=1, version=1, metric="mae", lower_is_better=True, recorded_at=0, labels=0, lines=1, reference=known,
        windows=(window,),
    )  # fmt: skip


def test_a_loss_that_is_expected_to_grow_makes_a_ticket_of_a_note_and_is_said():
    found = report(judged(reference({"f:note": 0.001}), rows(1_000, 8).with_columns(pl.col("f:note") + 1.0)))

    def heard(performance):
        return next(concern for concern in concerns((), performance, drift=found) if concern.cause == DRIFT)

    as_before, worse, doubtful = heard(live(10.2)), heard(live(14.0)), heard(live(14.0, outside_column="note"))
    assert [concern.severity for concern in (as_before, worse, doubtful)] == [Severity.INFO, Severity.WARNING, Severity.INFO]
    assert "mae is expected to be 14 [13, 15]; on the held-out rows it was 10." in worse.sentence
    assert "expected" not in doubtful.sentence
