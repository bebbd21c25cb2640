"""Three verdicts, each in a sentence that can be read alone."""

import math

import numpy as np
import pytest
from gate_rows import check, rows, share
from hypothesis import given, settings
from hypothesis import strategies as st

from volant.gates.facts import Facts
from volant.gates.model import Measured, Verdict
from volant.gates.rules import evaluate, overall
from volant.gates.slicing import MISSING, MOST_VALUES, OTHERS, slices_of
from volant.stats.predicted import Predicted

RANDOM = np.random.default_rng(17)
N = 800
TARGET = RANDOM.normal(100, 30, N)
NOISE = RANDOM.normal(0, 1, (4, N))


def model(spread, noise=0, bias=0.0):
    return Predicted(TARGET + bias + spread * NOISE[noise])


def one(gate, candidate, champion=None, target=TARGET, metric="mae", **others):
    holdout = rows(target) if not hasattr(target, "names") else target
    return evaluate(
        (gate,), holdout, {"candidate": candidate, "champion": champion, **others}, metric=metric, champion_name="champion v3", seed=1
    )


@pytest.mark.parametrize(
    ("spread", "noise", "margin", "verdict", "words"),
    [
        (5.0, 1, 0.0, Verdict.PASS, "better"),
        (15.0, 1, 0.0, Verdict.FAIL, "worse, even at the favourable bound"),
        (9.8, 1, 0.0, Verdict.NOT_ENOUGH, "more labels would decide it"),
        (9.8, 1, 0.1, Verdict.PASS, "within what is allowed"),
        (10.0, 0, 0.01, Verdict.FAIL, "no better"),
    ],
)
def test_the_champion_check_has_three_verdicts(spread, noise, margin, verdict, words):
    (found,) = one(check("champion", margin=share(margin)), model(spread, noise), model(10.0))
    assert found.verdict is verdict, found.sentence
    assert words in found.sentence
    assert "champion v3" in found.sentence
    assert found.rows == N


def test_a_score_metric_is_better_when_higher_and_keeps_its_own_sign():
    target = (TARGET > 100).astype(int)
    good, bad = ((TARGET + s * NOISE[1] > 100).astype(int) for s in (5, 40))
    (found,) = one(check("champion", metric="accuracy"), Predicted(good), Predicted(bad), target, metric="accuracy")
    assert found.verdict is Verdict.PASS
    assert found.difference > 0
    assert not found.lower_is_better
    (reverse,) = one(check("champion", metric="accuracy"), Predicted(bad), Predicted(good), target, metric="accuracy")
    assert reverse.verdict is Verdict.FAIL
    assert (reverse.low, reverse.high) == pytest.approx((-found.high, -found.low))


@pytest.mark.parametrize("metric", ["rmse", "r2"])
def test_metrics_that_are_no_means_are_compared_by_resampling_blocks(metric):
    (found,) = one(check("champion", metric=metric), model(5.0, 1), model(10.0))
    assert found.verdict is Verdict.PASS
    assert found.low < found.difference < found.high


def test_the_baseline_check_names_the_hardest_baseline_on_these_rows():
    others = {"last known value": model(20.0, 2), "median": Predicted(np.full(N, np.median(TARGET)))}
    (found,) = one(check("baseline"), model(5.0), **others)
    assert (found.verdict, found.other_name) == (Verdict.PASS, "last known value")
    (lost,) = one(check("baseline"), model(60.0), **others)
    assert lost.verdict is Verdict.FAIL


def test_without_a_champion_its_checks_are_skipped_and_say_so():
    for gate in (check("champion"), check("slices", slices=("season",))):
        (found,) = one(gate, model(5.0))
        assert (found.verdict, found.rows) == (Verdict.PASS, 0)
        assert "no champion yet" in found.sentence


def test_a_slice_that_got_worse_fails_though_the_whole_got_better():
    season = np.where(np.arange(N) % 4 == 0, "winter", "summer")
    values = np.where(season == "winter", TARGET + 25 + NOISE[1], TARGET + NOISE[1])
    holdout = rows(TARGET, slices={"season": season})
    gates = (check("champion"), check("slices", slices=("season",), margin=share(0.05)))
    found = evaluate(gates, holdout, {"candidate": Predicted(values), "champion": model(12.0)}, metric="mae")
    assert [(c.slice_value, c.verdict.value) for c in found] == [(None, "pass"), ("summer", "pass"), ("winter", "fail")]
    assert found[2].sentence.startswith("season = winter: mae ")
    assert overall(found) is Verdict.FAIL


def test_a_small_slice_is_not_enough_evidence_and_stops_nobody():
    season = np.where(np.arange(N) < N - 3, "common", "rare")
    holdout = rows(TARGET, slices={"season": season})
    gates = (check("champion"), check("slices", slices=("season",)))
    found = evaluate(gates, holdout, {"candidate": model(5.0, 1), "champion": model(10.0)}, metric="mae")
    assert found[2].verdict is Verdict.NOT_ENOUGH
    assert "does not stop the candidate" in found[2].sentence
    assert overall(found) is Verdict.PASS


def test_a_slice_that_became_better_is_named_and_one_that_is_alike_is_not():
    season = np.where(np.arange(N) % 2 == 0, "summer", "winter")
    spread = np.where(season == "summer", 5.0, 10.0)
    candidate = Predicted(TARGET + spread * NOISE[1])
    found = one(check("slices", slices=("season",), margin=share(0.3)), candidate, model(10.0, 2), rows(TARGET, slices={"season": season}))
    said = {result.slice_value: result.sentence for result in found}
    assert "and better there (q " in said["summer"]
    assert "better there" not in said["winter"]


def test_twenty_equal_slices_are_seldom_called_better():
    random, called = np.random.default_rng(4), 0
    for _ in range(40):
        target = random.normal(0, 1, 1000)
        pair = {name: Predicted(target + random.normal(0, 1, 1000)) for name in ("candidate", "champion")}
        holdout = rows(target, slices={"part": np.arange(1000) % 20})
        gate = check("slices", slices=("part",), margin=share(5.0))
        called += any("better there" in c.sentence for c in evaluate((gate,), holdout, pair, metric="mae"))
    assert called <= 6


def test_holm_keeps_twenty_equal_slices_from_failing_by_chance():
    random = np.random.default_rng(5)
    failed = 0
    for _ in range(60):
        target = random.normal(0, 1, 1000)
        holdout = rows(target, slices={"part": np.arange(1000) % 20})
        pair = {name: Predicted(target + random.normal(0, 1, 1000)) for name in ("candidate", "champion")}
        failed += any(c.verdict is Verdict.FAIL for c in evaluate((check("slices", slices=("part",)),), holdout, pair, metric="mae"))
    assert failed <= 8


def test_an_unknown_slice_column_fails_and_lists_the_columns():
    holdout = rows(TARGET, slices={"season": np.zeros(N)})
    (found,) = one(check("slices", slices=("saeson",)), model(5.0), model(10.0), holdout)
    assert found.verdict is Verdict.FAIL
    assert "season" in found.sentence


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({"maximum": 6.0}, Verdict.PASS),
        ({"maximum": 3.0}, Verdict.FAIL),
        ({"maximum": 4.0}, Verdict.NOT_ENOUGH),
        ({"minimum": 1.0, "maximum": 9.0}, Verdict.PASS),
        ({"minimum": 9.0}, Verdict.FAIL),
    ],
)
def test_a_floor_needs_the_whole_interval(fields, verdict):
    (found,) = one(check("floor", **fields), model(5.0))
    assert found.verdict is verdict, found.sentence
    assert found.low < found.candidate < found.high


@pytest.mark.parametrize(("measured", "verdict"), [(15_000, Verdict.PASS), (25_000, Verdict.FAIL), (None, Verdict.NOT_ENOUGH)])
def test_latency_is_compared_with_its_limit(measured, verdict):
    (found,) = evaluate(
        (check("latency", latency_us=20_000),),
        rows(TARGET),
        {"candidate": model(1.0)},
        metric="mae",
        facts=Facts(measured=Measured(p99_us=measured)),
    )
    assert found.verdict is verdict
    assert "20 ms" in found.sentence


def test_a_single_unusable_answer_of_the_candidate_fails_and_one_of_the_champion_is_left_out():
    broken = model(5.0, 1).values.copy()
    broken[3] = math.nan
    (found,) = one(check("champion"), Predicted(broken), model(10.0))
    assert found.verdict is Verdict.FAIL
    assert "1 answer that cannot be used" in found.sentence
    (other,) = one(check("champion"), model(5.0, 1), Predicted(broken + 20))
    assert (other.verdict, other.rows) == (Verdict.PASS, N - 1)
    assert "left out" in other.sentence


def test_a_champion_that_answers_only_nan_leaves_it_open():
    (found,) = one(check("champion"), model(5.0), Predicted(np.full(N, np.nan)))
    assert found.verdict is Verdict.NOT_ENOUGH


@pytest.mark.parametrize("count", [0, 1])
def test_hardly_any_rows_are_not_enough_evidence(count):
    gates = (check("champion"), check("baseline"), check("floor", maximum=1.0), check("slices", slices=("s",)))
    holdout = rows(TARGET[:count], slices={"s": np.zeros(count)})
    part = {name: Predicted(TARGET[:count]) for name in ("candidate", "champion", "median")}
    found = evaluate(gates, holdout, part, metric="mae")
    assert {c.verdict for c in found} == {Verdict.NOT_ENOUGH}
    assert overall(found) is Verdict.NOT_ENOUGH


def test_a_constant_target_is_a_statement():
    flat = np.full(50, 7.0)
    (r2,) = one(check("champion", metric="r2"), Predicted(flat), Predicted(flat + 1), flat)
    assert (r2.verdict, r2.difference) == (Verdict.NOT_ENOUGH, None)
    assert "constant" in r2.sentence
    (mae,) = one(check("baseline"), Predicted(flat), None, flat, median=Predicted(flat))
    assert mae.verdict is Verdict.FAIL
    assert "no better" in mae.sentence


def test_a_metric_of_probabilities_fails_for_a_model_without_them():
    (found,) = one(check("floor", metric="auc", minimum=0.5), Predicted(np.ones(N)), None, np.ones(N))
    assert found.verdict is Verdict.FAIL
    assert "class probabilities" in found.sentence


def test_auc_with_one_class_in_the_holdout_is_not_enough_evidence():
    answers = Predicted(np.ones(N, dtype=int), np.tile([0.4, 0.6], (N, 1)), (0, 1))
    (found,) = one(check("champion", metric="auc"), answers, answers, np.ones(N, dtype=int))
    assert found.verdict is Verdict.NOT_ENOUGH
    assert "only 1" in found.sentence


def test_the_same_seed_gives_the_same_report():
    gates = (check("champion", metric="rmse"),)
    pair = {"candidate": model(8.0, 1), "champion": model(10.0)}
    assert evaluate(gates, rows(TARGET), pair, metric="mae", seed=4) == evaluate(gates, rows(TARGET), pair, metric="mae", seed=4)


def test_slices_of_a_long_tail_and_of_numbers_are_few():
    many = slices_of(np.array([f"id{number}" for number in range(100)]))
    assert len(many) == MOST_VALUES + 1
    assert len(many[OTHERS]) == 100 - MOST_VALUES
    assert len(slices_of(np.append(np.arange(99.0), np.nan))) == 5
    assert set(slices_of(np.array(["a", None], dtype=object))) == {"a", MISSING}
    assert set(slices_of(np.array([1.0, 2.0, np.nan]))) == {"1", "2", MISSING}


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_hostile_answers_never_crash_a_gate_or_leave_nan_in_it(data):
    number = st.floats(-1e9, 1e9) | st.sampled_from([math.nan, math.inf, -math.inf, 1e308])
    size = data.draw(st.integers(0, 12))
    target, first, second = (np.array(data.draw(st.lists(number, min_size=size, max_size=size)), dtype=float) for _ in range(3))
    times = np.array(data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)), dtype=np.int64)
    holdout = rows(target, times=np.sort(times), slices={"s": times})
    gates = tuple(
        check(kind, metric=metric, slices=("s",), maximum=1.0)
        for kind in ("champion", "slices", "floor")
        for metric in ("mae", "mape", "rmse", "r2")
    )
    for found in evaluate(gates, holdout, {"candidate": Predicted(first), "champion": Predicted(second)}, metric="mae"):
        numbers = [found.candidate, found.other, found.difference, found.low, found.high, found.allowed]
        assert all(value is None or math.isfinite(value) for value in numbers), found
        assert "nan" not in found.sentence
