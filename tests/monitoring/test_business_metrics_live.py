"""Business metrics of logged predictions: windows, rollouts, and what is to be expected before labels come."""

import io

import numpy as np
import polars as pl
import pytest

from volant.config.metric_text import metric_text
from volant.config.model import Amount, BusinessMetric, GateConfig, GateKind, Goal, Margin, StepConfig, StepKind, Task
from volant.deployments.arms import CHAMPION, SHADOW
from volant.deployments.compared import compared
from volant.deployments.evidence import LOG_HARM, log_loss
from volant.deployments.model import Phase, Rollout, Stage
from volant.evidence.model import Label, Outcome, Prediction, Trial
from volant.evidence.tables import prediction_table
from volant.gates.holdout import Holdout
from volant.gates.model import Verdict
from volant.gates.rules import evaluate
from volant.gates.service import predictions_parquet
from volant.monitoring.bounds import from_loss, in_metric
from volant.monitoring.estimating import estimate_of, expected_losses
from volant.monitoring.estimator_fitting import HeldOut, fitted
from volant.monitoring.performance import Question, watched_windows
from volant.monitoring.reference import answers_in, target_in
from volant.monitoring.trial_losses import Allowed, allowed_by, trial_losses
from volant.stats.blocks import mean_of_dependent
from volant.stats.metrics import row_losses, score
from volant.stats.names import metric_named
from volant.stats.predicted import Predicted

PROFIT = metric_text(
    BusinessMetric(name="profit", expression="if(prediction == 1, if(label == 1, amount, -8), 0)", goal=Goal.MAXIMIZE, unit="EUR")
)
COST = metric_text(
    BusinessMetric(name="cost", expression="if(prediction == 1, if(label == 1, -amount, 8), 0)", goal=Goal.MINIMIZE, unit="EUR")
)
ROLLOUT = Rollout(
    model="m",
    id="r1",
    phase=Phase.SHADOW,
    candidate=2,
    champion=1,
    steps=(StepConfig(kind=StepKind.SHADOW, rows=100),),
    stages=(Stage(epoch=1, step=0, share=0.5, live=False),),
)


def rows(count, seed=0):
    """Amounts, labels, good answers and answers that block nobody."""
    random = np.random.default_rng(seed)
    amounts = np.round(np.exp(random.normal(3, 0.7, count)), 2)
    labels = (random.random(count) < 0.4).astype(int)
    good = np.where(random.random(count) < 0.8, labels, 1 - labels)
    return amounts, labels, good


def earned(amounts, labels, answers):
    return np.where(answers == 1, np.where(labels == 1, amounts, -8.0), 0.0)


def answer(name, arm, value, amount, *, at, pair=None):
    return Prediction(
        id=name,
        request_id=None,
        at=at,
        model="m",
        version=1 if arm == CHAMPION else 2,
        arm=arm,
        epoch=1,
        columns={"amount": [amount]} if amount is not None else {"other": [1.0]},
        values=[int(value)],
        scores=None,
        keys=None,
        event_times=None,
        latency_us=10,
        outcome=Outcome.OK,
        trial=Trial(rollout="r1", epoch=1, rows=1, pair=pair, assigned=None),
    )


def told(labels, head):
    return [
        Label(prediction_id=f"{head}{n}.0", value=int(value), known_at=10**6 + n, recorded_at=10**6 + n) for n, value in enumerate(labels)
    ]


def question(metric, rows_each=50):
    return Question(metric=metric, task=Task.BINARY, size=Amount(rows=rows_each), known_by=10**12)


def windows(metric, amounts, labels, answers):
    logged = [answer(f"c{n}", CHAMPION, a, float(x), at=n) for n, (a, x) in enumerate(zip(answers, amounts, strict=True))]
    return watched_windows(prediction_table(logged), told(labels, "c"), question(metric), epoch=1)


def test_live_windows_show_what_was_earned_with_bounds_on_both_sides_of_zero():
    amounts, labels, answers = rows(150)
    found = windows(PROFIT, amounts, labels, answers)
    values = earned(amounts, labels, answers)
    assert [window.value for window in found] == [pytest.approx(values[start : start + 50].mean()) for start in (0, 50, 100)]
    assert all(window.low < window.value < window.high for window in found)
    assert [window.loss for window in found] == [pytest.approx(-window.value) for window in found]
    nothing_earned = windows(PROFIT, amounts, np.zeros(150), np.ones(150))
    assert [window.value for window in nothing_earned] == [-8.0, -8.0, -8.0]


def test_what_is_minimised_mirrors_what_is_maximised():
    amounts, labels, answers = rows(100, seed=4)
    profit, cost = windows(PROFIT, amounts, labels, answers), windows(COST, amounts, labels, answers)
    for one, other in zip(profit, cost, strict=True):
        assert (one.value, one.low, one.high) == (pytest.approx(-other.value), pytest.approx(-other.high), pytest.approx(-other.low))
        assert (one.loss, one.loss_variance) == (other.loss, other.loss_variance)


def test_rows_whose_log_lacks_the_column_count_as_not_measured():
    logged = [answer(f"c{n}", CHAMPION, 1, None if n % 2 else 10.0, at=n) for n in range(50)]
    (window,) = watched_windows(prediction_table(logged), told([1] * 50, "c"), question(PROFIT), epoch=1)
    assert (window.rows, window.labelled, window.value) == (50, 25, 10.0)
    bare = [answer(f"c{n}", CHAMPION, 1, None, at=n) for n in range(50)]
    (window,) = watched_windows(prediction_table(bare), told([1] * 50, "c"), question(PROFIT), epoch=1)
    assert (window.rows, window.labelled, window.value) == (50, 0, None)


def shadowed(amounts, champion, candidate):
    logged = []
    for n, (amount, one, other) in enumerate(zip(amounts, champion, candidate, strict=True)):
        logged.append(answer(f"c{n}", CHAMPION, one, float(amount), at=n))
        logged.append(answer(f"s{n}", SHADOW, other, float(amount), at=n, pair=f"c{n}"))
    return logged


def weighed(metric, amounts, labels, champion, candidate, allowed=None):  # noqa: PLR0917
    lines = prediction_table(shadowed(amounts, champion, candidate))
    losses = trial_losses(lines, told(labels, "c"), ROLLOUT, question(metric), allowed or Allowed(), revision=1)
    return losses, Rollout(**{name: getattr(ROLLOUT, name) for name in ROLLOUT.__struct_fields__} | {"losses": losses})


@pytest.mark.parametrize("metric", [PROFIT, COST])
def test_a_shadow_that_earns_less_is_harm_and_one_that_earns_more_is_not(metric):
    amounts, labels, good = rows(600, seed=1)
    idle = np.zeros(600)
    _, worse = weighed(metric, amounts, labels, good, idle)
    assert log_loss(worse) >= LOG_HARM
    _, better = weighed(metric, amounts, labels, idle, good)
    assert log_loss(better) < 0
    (found,) = compared(worse)
    values = earned(amounts, labels, good)
    sign = 1 if metric == PROFIT else -1
    assert (found.metric, found.champion) == (f"{'profit' if sign == 1 else 'cost'} (EUR)", pytest.approx(sign * values.mean()))
    assert found.candidate == pytest.approx(0.0)


def test_one_huge_row_cannot_decide_a_rollout():
    amounts, labels, good = rows(600, seed=2)
    amounts[300], labels[300], good[300] = 1e9, 1, 1
    candidate = good.copy()
    candidate[300] = 0
    losses, state = weighed(PROFIT, amounts, labels, good, candidate)
    assert log_loss(state) < LOG_HARM
    assert losses.cap < 1000
    assert all(-1 <= part.wager.total / max(part.wager.pairs, 1) <= 1 for part in losses.parts)


def test_a_relative_margin_is_a_share_of_what_the_champion_earns():
    gate = GateConfig(kind=GateKind.CHAMPION, metric=PROFIT, margin=Margin(value=0.5, relative=True))
    allowed = allowed_by((gate,), PROFIT)
    assert allowed == Allowed(typical_share=0.5)
    amounts, labels, good = rows(1500, seed=3)
    candidate = np.where(np.arange(1500) % 5 == 0, 0, good)
    losses, strict = weighed(PROFIT, amounts, labels, good, candidate)
    _, lenient = weighed(PROFIT, amounts, labels, good, candidate, allowed)
    assert log_loss(strict) >= LOG_HARM > log_loss(lenient)
    assert losses.typical == pytest.approx(-earned(amounts, labels, good)[:20].mean())


def test_what_is_to_be_expected_weighs_what_each_label_would_earn():
    random = np.random.default_rng(5)
    chance = random.uniform(0.02, 0.98, 4000)
    amounts, labels = np.round(np.exp(random.normal(3, 0.5, 4000)), 2), (random.random(4000) < chance).astype(int)
    answers = (chance > 0.3).astype(int)
    predicted = Predicted(answers, np.column_stack([1 - chance, chance]), (0, 1), {"amount": amounts})
    held = HeldOut(labels[:2000], predicted.take(np.arange(2000)), np.arange(2000), {})
    estimator = fitted(PROFIT, Task.BINARY, held, {"f:amount": pl.Series(amounts)})
    late = predicted.take(np.arange(2000, 4000))
    expected = expected_losses(estimator, late, Task.BINARY, {})
    by_hand = -np.where(answers == 1, chance * amounts - 8 * (1 - chance), 0.0)[2000:]
    assert np.corrcoef(expected, by_hand)[0, 1] > 0.98
    found = estimate_of(estimator, PROFIT, expected, np.arange(2000), {})
    realised = earned(amounts, labels, answers)[2000:].mean()
    assert found.low < realised < found.high
    assert found.value == pytest.approx(-found.loss)


def test_numbers_without_probabilities_are_estimated_below_zero_too():
    random = np.random.default_rng(6)
    x = random.normal(size=3000)
    target = x + random.normal(size=3000)
    text = metric_text(BusinessMetric(name="margin", expression="5 - abs(label - prediction)", goal=Goal.MAXIMIZE))
    held = HeldOut(target, Predicted(x), np.arange(3000), {"f:x": pl.Series(x)})
    estimator = fitted(text, Task.REGRESSION, held, {"f:x": pl.Series(x)})
    expected = expected_losses(estimator, Predicted(x), Task.REGRESSION, {"f:x": pl.Series(x)})
    assert expected.mean() == pytest.approx(row_losses(metric_named(text).row_loss, target, Predicted(x)).values.mean(), abs=0.05)
    assert expected.max() < 0


def test_what_a_gate_kept_is_read_back_with_scores_and_columns():
    amounts, labels, answers = rows(60, seed=9)
    scores = np.column_stack([1 - labels * 0.9, labels * 0.9])
    holdout = Holdout(np.arange(60).astype(str), np.arange(60), labels)
    kept = predictions_parquet(holdout, {"candidate": Predicted(answers, scores, (0, 1), {"amount": amounts})})
    text = metric_text(BusinessMetric(name="hoped", expression="probability * amount * label", goal=Goal.MAXIMIZE))
    table = pl.read_parquet(io.BytesIO(kept))
    found = score(text, target_in(table, text), answers_in(table, text))
    assert found.value == pytest.approx((0.9 * amounts * labels).mean())
    assert score(PROFIT, labels, answers_in(table, PROFIT)).value == pytest.approx(earned(amounts, labels, answers).mean())


def test_bounds_change_sides_with_the_sign():
    values = np.array([-3.0, -2.0, -4.0, -3.5, -2.5])
    value, low, high = in_metric(
        PROFIT, np.ones(5), Predicted(np.ones(5), columns={"amount": -values}), mean_of_dependent(values, np.arange(5))
    )
    assert low < value == 3.0 < high
    assert from_loss(PROFIT, -3.0) == 3.0
    assert from_loss(COST, -3.0) == -3.0


def gate_of(candidate, champion, target, **settings):
    check = GateConfig(**{"kind": GateKind.CHAMPION, "metric": PROFIT} | settings)
    count = len(target)
    holdout = Holdout(np.arange(count).astype(str), np.arange(count), target)
    (found, *_) = evaluate((check,), holdout, {"candidate": candidate, "champion": champion}, metric=PROFIT)
    return found


def test_a_gate_promotes_what_earns_more_though_it_is_wrong_more_often():
    amounts, labels, _ = rows(3000, seed=7)
    large = amounts > np.median(amounts)
    careful = np.where(large, 1, 0)  # blocks everything large
    exact = np.where(large & (labels == 1), 0, labels)  # right on what is small
    columns = {"amount": amounts}
    assert (careful == labels).mean() < (exact == labels).mean()
    found = gate_of(Predicted(careful, columns=columns), Predicted(exact, columns=columns), labels)
    assert found.verdict is Verdict.PASS
    assert "profit (EUR)" in found.sentence
    by_accuracy = gate_of(Predicted(careful, columns=columns), Predicted(exact, columns=columns), labels, metric="accuracy")
    assert by_accuracy.verdict is Verdict.FAIL


def test_rows_that_lack_a_column_are_left_out_counted_and_shown_and_nobody_is_blamed():
    amounts, _, good = rows(400, seed=8)
    columns = {"amount": np.where(np.arange(400) % 10 == 0, np.nan, amounts)}
    good[::10] = 0  # with these answers the metric has a value there, with the candidate's it has none
    found = gate_of(Predicted(np.ones(400), columns=columns), Predicted(good, columns=columns), np.ones(400))
    assert (found.rows, found.verdict) == (360, Verdict.PASS)
    assert "40 rows, 10 %, left out" in found.sentence


def test_a_candidate_whose_answers_alone_leave_the_metric_without_a_value_fails():
    text = metric_text(BusinessMetric(name="gain", expression="log(prediction)", goal=Goal.MAXIMIZE))
    found = gate_of(Predicted(np.r_[np.full(99, 9.0), -1.0]), Predicted(np.full(100, 2.0)), np.ones(100), metric=text)
    assert found.verdict is Verdict.FAIL
    assert "1 answer that cannot be used" in found.sentence
