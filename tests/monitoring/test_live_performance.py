"""Windows of realised performance: how they are cut, when they are evidence, and what revises them."""

import math
import random

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from watched_rows import SECOND, START, label, prediction, table

from volant.config.model import Amount, Task
from volant.evidence.model import Outcome
from volant.monitoring.performance import Question, live_windows, watched, watched_windows
from volant.monitoring.windows import UNIT, WINDOW, cut
from volant.stats.blocks import mean_of_dependent

HOUR = 3600 * SECOND


HUNDRED = Amount(rows=100)


def ask(lines, labels, *, size=HUNDRED, metric="mae", task=Task.REGRESSION, **more):
    return watched_windows(lines, labels, Question(metric=metric, task=task, size=size, **more), epoch=1)


def traffic(count, **changes):
    return table(prediction(number, **changes) for number in range(count))


def labels_of(numbers, *, error=1.0, delay=HOUR):
    return [label(n, float(n % 5) + error, known_at=START + n * SECOND + delay) for n in numbers]


def test_full_windows_give_the_mean_loss_with_the_variance_of_dependent_rows():
    noise = np.random.default_rng(1).normal(size=200)
    labels = [label(n, float(n % 5) + noise[n], known_at=START + n * SECOND) for n in range(200)]
    first, second = live_windows(traffic(200), labels, metric="mae", task=Task.REGRESSION, target_dtype="float", window_rows=100, epoch=1)
    expected = mean_of_dependent(np.abs(noise[:100]), np.arange(100))
    assert (first.rows, first.labelled, second.rows) == (100, 100, 100)
    assert first.loss == pytest.approx(expected.mean)
    assert first.loss_variance == pytest.approx(expected.variance)
    assert first.df == expected.df
    assert second.loss == pytest.approx(np.abs(noise[100:]).mean())


def test_a_window_that_is_still_filling_is_shown_and_is_no_evidence():
    windows = ask(traffic(130), labels_of(range(130)))
    assert [(w.rows, w.waits) for w in windows] == [(100, None), (30, "is still filling")]
    assert (
        len(
            live_windows(
                traffic(130), labels_of(range(130)), metric="mae", task=Task.REGRESSION, target_dtype=None, window_rows=100, epoch=1
            )
        )
        == 1
    )


def test_early_labels_do_not_stand_for_a_window_whose_labels_had_no_time_to_arrive():
    lines, labels = traffic(200), labels_of([*range(100), *range(100, 140)])
    now = START + 200 * SECOND + HOUR // 2
    waiting = ask(lines, labels, known_by=now, label_delay_us=HOUR)[1]
    assert waiting.waits is not None
    assert waiting.coverage == pytest.approx(0.4)
    assert "40%" in waiting.waits
    due = START + 199 * SECOND + HOUR
    assert not ask(lines, labels, known_by=due - 1, label_delay_us=HOUR)[1].ready
    after = ask(lines, labels, known_by=due, label_delay_us=HOUR)[1]
    assert after.ready
    assert after.labelled == 40


def test_a_share_as_usual_makes_a_window_ready_before_the_delay_has_passed():
    labels = labels_of(n for n in range(300) if n % 4)  # three of four are ever labelled
    windows = ask(traffic(300), labels, known_by=START + 310 * SECOND, label_delay_us=200 * SECOND)
    assert [w.ready for w in windows] == [False, False, False]  # no window is complete, so none says what is usual
    labels = [label(n, 1.0, known_at=START + n * SECOND) for n in range(300) if n % 4]
    windows = ask(traffic(300), labels, known_by=START + 310 * SECOND, label_delay_us=200 * SECOND)
    assert [w.ready for w in windows] == [True, True, True]


def test_labels_that_take_longer_than_declared_teach_how_long_to_wait():
    labels = labels_of(range(150), delay=HOUR)
    windows = ask(traffic(200), labels, known_by=START + 300 * SECOND, label_delay_us=0)
    assert windows[1].waits is not None
    assert windows[1].waits.startswith("waits for labels: 50%")


def test_windows_whose_labels_never_came_say_so_and_are_no_evidence():
    window = ask(traffic(100), [], known_by=START + 10 * HOUR, label_delay_us=HOUR)[0]
    assert (window.labelled, window.loss, window.waits) == (0, None, "no labels came in time")


def test_late_and_corrected_labels_revise_a_window():
    lines, labels = traffic(100), labels_of(range(100))
    corrected = [*labels, *(label(n, float(n % 5) + 3.0, known_at=START + 2 * HOUR) for n in range(50))]
    before, after = ask(lines, labels)[0], ask(lines, corrected)[0]
    assert before.loss == pytest.approx(1.0)
    assert after.loss == pytest.approx(2.0)


def test_repeated_traffic_is_no_further_evidence():
    keys = [f'["{n}"]' for n in range(150)]
    once = [prediction(n, keys=[keys[n]]) for n in range(150)]
    again = [prediction(1000 + n, at=START + (200 + n) * SECOND, keys=[keys[n]]) for n in range(150)]
    labels = [label(n, float(n % 5) + 1.0, known_at=START, key=keys[n]) for n in range(150)]
    single, doubled = ask(table(once), labels, size=Amount(rows=150)), ask(table(once + again), labels, size=Amount(rows=150))
    assert [w.rows for w in doubled] == [150]
    assert doubled[0].evidence() == single[0].evidence()


def test_errors_fill_windows_but_are_not_counted_as_answers():
    lines = table(
        prediction(n, outcome=Outcome.ERROR, values=[], columns={"x": [1.0]}) if n % 10 == 0 else prediction(n) for n in range(100)
    )
    window = ask(lines, labels_of(range(100)))[0]
    assert (window.rows, window.labelled, window.ready) == (90, 90, True)


def test_other_arms_and_earlier_epochs_do_not_count():
    lines = table(
        [
            *(prediction(n) for n in range(100)),
            *(prediction(500 + n, arm="canary") for n in range(100)),
            *(prediction(900 + n, epoch=0) for n in range(100)),
        ]
    )
    assert sum(w.rows for w in ask(lines, [])) == 100


def test_a_batch_is_cut_by_event_time_and_ties_are_not_parted():
    hours = [START + (n // 3) * HOUR for n in range(120)]
    order = list(range(120))
    random.Random(3).shuffle(order)
    batch = prediction(1, values=[float(n) for n in order], columns={"x": order}, event_times=[hours[n] for n in order])
    lines = cut(table([batch]), Amount(rows=50))
    assert [part.height for part in lines.partition_by(WINDOW, maintain_order=True)] == [51, 51, 18]
    assert lines["event_time"].is_sorted()
    assert lines.group_by(UNIT).len()["len"].to_list() == [3] * 40


def test_a_batch_without_times_keeps_the_order_of_its_file():
    lines = cut(table([prediction(1, values=[float(n) for n in range(120)], columns={"x": list(range(120))})]), Amount(rows=50))
    assert lines["prediction"].to_list() == [float(n) for n in range(120)]
    assert lines[WINDOW].value_counts().sort(WINDOW)["count"].to_list() == [50, 50, 20]
    assert lines[UNIT].n_unique() == 120


def test_windows_of_time_lie_on_the_clock_and_end_with_it():
    size = Amount(duration_us=60 * SECOND)
    lines = table(prediction(n, at=60 * SECOND * 1000 + n * SECOND) for n in range(150))
    labels = [label(n, 0.0, known_at=0) for n in range(150)]
    windows = ask(lines, labels, size=size, known_by=60 * SECOND * 1000 + 150 * SECOND)
    assert [(w.rows, w.ready) for w in windows] == [(60, True), (60, True), (30, False)]
    assert all(w.ready for w in ask(lines, labels, size=size, known_by=60 * SECOND * 1003))


@pytest.mark.parametrize(
    ("metric", "values", "truth", "expected"),
    [
        ("rmse", [1.0, 2.0], [2.0, 4.0], (math.sqrt(2.5), 2.5)),
        ("mae", [1.0, math.nan], [2.0, 4.0], (1.0, 1.0)),
    ],
)
def test_the_metric_is_shown_in_its_own_unit(metric, values, truth, expected):
    lines = table([prediction(1, values=values, columns={"x": [1, 2]})])
    window = ask(lines, [label(1, truth[row], known_at=START, row=row) for row in range(2)], metric=metric, size=Amount(rows=2))[0]
    assert (window.value, window.loss) == (pytest.approx(expected[0]), pytest.approx(expected[1]))


def test_classes_are_compared_whatever_their_type_and_scores_need_the_models_classes():
    lines = table(prediction(n, values=["up" if n % 2 else "down"], scores=[[0.2, 0.8] if n % 2 else [0.9, 0.1]]) for n in range(40))
    labels = [label(n, "up", known_at=START) for n in range(40)]
    accuracy = ask(lines, labels, metric="accuracy", task=Task.BINARY, size=Amount(rows=40), target_dtype="string")[0]
    assert (accuracy.value, accuracy.loss) == (0.5, 0.5)
    assert accuracy.low is not None
    assert accuracy.high is not None
    assert accuracy.low < 0.5 < accuracy.high
    brier = ask(lines, labels, metric="brier", task=Task.BINARY, size=Amount(rows=40), classes=("down", "up"))[0]
    assert brier.loss == pytest.approx((0.2**2 + 0.9**2) / 2)


def test_labels_of_another_type_than_the_targets_are_left_out():
    labels = [*labels_of(range(50)), *(label(n, "many", known_at=START) for n in range(50, 100))]
    window = ask(traffic(100), labels, target_dtype="float")[0]
    assert window.labelled == 50
    assert window.loss == pytest.approx(1.0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=200), st.integers(1, 40), st.randoms(use_true_random=False))
def test_every_row_is_in_one_window_whatever_the_order_in_which_lines_come(times, rows, order):
    predictions = [prediction(n, at=START + at, event_times=[START + at // 3]) for n, at in enumerate(times)]
    lines = table(predictions)
    shuffled = lines.sample(fraction=1.0, shuffle=True, seed=order.randint(0, 1000)) if lines.height else lines
    found, again = cut(lines, Amount(rows=rows)), cut(shuffled, Amount(rows=rows))
    assert found.equals(again)
    sizes = [part.height for part in found.partition_by(WINDOW, maintain_order=True)] if found.height else []
    assert sum(sizes) == len(times)
    assert all(size >= rows for size in sizes[:-1])
    assert found.select(pl.struct("at", "event_time").n_unique()).item() == (found[UNIT].n_unique() if found.height else 0)
    assert found.group_by(UNIT).agg(pl.col(WINDOW).n_unique())[WINDOW].to_list() == [1] * found[UNIT].n_unique()


def test_slices_are_of_complete_windows_only_and_cut_as_gates_cut_them():
    cities = ["Lyon", "Nice", None]
    lines = table(prediction(n, columns={"city": [cities[n % 3]], "x": [float(n)]}) for n in range(250))
    labels = [label(n, float(n % 5) + (3.0 if n % 3 == 1 else 1.0), known_at=START) for n in range(250)]
    question = Question(metric="mae", task=Task.REGRESSION, size=HUNDRED, slices=("city", "x", "absent"))
    found = watched(lines, labels, question, epoch=1)
    by_city = {part.of: part for part in found.slices if part.column == "city"}
    assert {name: part.value for name, part in by_city.items()} == {"Lyon": 1.0, "Nice": 3.0, "(missing)": 1.0}
    assert sum(part.rows for part in by_city.values()) == 200
    assert [part.rows for part in found.slices if part.column == "x"] == [50] * 4
    assert not [part for part in found.slices if part.column == "absent"]


def test_slices_need_a_complete_window():
    question = Question(metric="mae", task=Task.REGRESSION, size=HUNDRED, slices=("city",))
    assert watched(traffic(100), [], question, epoch=1).slices == ()
    assert watched(traffic(0), [], question, epoch=1).windows == ()


def test_bounds_stay_where_the_metric_can_be():
    lines = table(prediction(n, values=["up"]) for n in range(12))
    labels = [label(n, "down" if n == 3 else "up", known_at=START) for n in range(12)]
    window = ask(lines, labels, metric="accuracy", task=Task.BINARY, size=Amount(rows=12))[0]
    assert window.high == 1.0
    spread = ask(traffic(4), [label(n, float(n % 5) + (50.0 if n == 1 else 0.0), known_at=START) for n in range(4)], size=Amount(rows=4))[0]
    assert spread.low == 0.0
