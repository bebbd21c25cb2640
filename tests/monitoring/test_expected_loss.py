"""The loss that is to be expected of answers before labels are known."""

import numpy as np
import polars as pl
import pytest

from volant.config.model import Task
from volant.kernel.codec import canonical, decode
from volant.monitoring.estimate_model import LossEstimator, Method
from volant.monitoring.estimating import estimate_of, expected_losses, outside, with_gap
from volant.monitoring.estimator_fitting import HeldOut, fitted
from volant.stats.metrics import row_losses
from volant.stats.predicted import Predicted

ROWS = 4000
NAMES = ("dry", "rain")


def scored(random, rows, *, overconfident=2.0, centre=0.0):
    """Labels, and a model that is too sure of itself; ``centre``: how easy the rows are."""
    logit = random.normal(centre, 1.2, rows)
    target = np.array(NAMES, dtype=object)[(random.random(rows) < 1 / (1 + np.exp(-logit))).astype(int)]
    shown = 1 / (1 + np.exp(-overconfident * logit))
    return target, Predicted(np.array(NAMES, dtype=object)[(shown > 0.5).astype(int)], np.column_stack([1 - shown, shown]), NAMES)


def noisy(random, rows, centre=0.0):
    """A regression whose errors grow with x; y says nothing."""
    x, y = random.normal(centre, 1, rows), random.normal(0, 1, rows)
    target = 3 * x + np.exp(0.6 * x) * random.normal(0, 1, rows)
    return target, Predicted(3 * x), {"f:x": pl.Series(x), "f:y": pl.Series(y)}


def fitted_on(metric, task, target, predicted, inputs=None):
    inputs = inputs or {}
    return fitted(metric, task, HeldOut(target, predicted, np.arange(len(target)), inputs), inputs)


@pytest.mark.parametrize("metric", ["error", "brier", "logloss"])
def test_probabilities_that_are_too_sure_still_give_the_loss_that_labels_show(metric):
    random = np.random.default_rng(3)
    estimator = fitted_on(metric, Task.BINARY, *scored(random, ROWS))
    target, predicted = scored(random, 40_000)
    realised = row_losses(metric, target, predicted).values.mean()
    naive = np.where(predicted.values == "rain", predicted.scores[:, 0], predicted.scores[:, 1]).mean()
    expected = expected_losses(estimator, predicted, Task.BINARY, {}).mean()
    assert estimator.method is Method.CALIBRATED
    assert expected == pytest.approx(realised, rel=0.06)
    assert metric != "error" or abs(naive - realised) > 3 * abs(expected - realised)


def test_the_calibration_holds_for_rows_that_are_easier_than_those_it_was_fitted_on():
    """A mean put right would not do: a model too sure of itself errs least where rows are hard to tell apart."""
    random = np.random.default_rng(4)
    estimator = fitted_on("error", Task.BINARY, *scored(random, 2 * ROWS))
    target, predicted = scored(random, 40_000, centre=2.5)
    realised = row_losses("error", target, predicted).values.mean()
    assert expected_losses(estimator, predicted, Task.BINARY, {}).mean() == pytest.approx(realised, rel=0.15)


def test_many_classes_are_calibrated_one_by_one():
    random = np.random.default_rng(5)
    logits = random.normal(0, 1.5, (ROWS, 4))
    share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = np.array(["a", "b", "c", "d"], dtype=object)
    target = names[(share.cumsum(axis=1) > random.random((ROWS, 1))).argmax(axis=1)]
    sure = share**2 / (share**2).sum(axis=1, keepdims=True)
    predicted = Predicted(names[sure.argmax(axis=1)], sure, tuple(names))
    first, rest = np.arange(2000), np.arange(2000, ROWS)
    estimator = fitted_on("error", Task.MULTICLASS, target[first], predicted.take(first))
    realised = row_losses("error", target[rest], predicted.take(rest)).values.mean()
    assert expected_losses(estimator, predicted.take(rest), Task.MULTICLASS, {}).mean() == pytest.approx(realised, abs=0.04)


def test_errors_that_grow_with_an_input_are_expected_where_that_input_has_grown():
    random = np.random.default_rng(7)
    estimator = fitted_on("mae", Task.REGRESSION, *noisy(random, ROWS))
    target, predicted, inputs = noisy(random, 20_000, centre=0.7)
    realised = row_losses("mae", target, predicted).values.mean()
    assert estimator.method is Method.DIRECT
    assert "f:x" in {part.column for part in estimator.parts} | {"f:x" if part.column == "prediction" else "" for part in estimator.parts}
    assert expected_losses(estimator, predicted, Task.REGRESSION, inputs).mean() == pytest.approx(realised, rel=0.1)
    assert realised > 1.25 * estimator.base


def test_where_nothing_explains_the_loss_it_is_the_same_for_all():
    random = np.random.default_rng(11)
    target = random.normal(0, 1, 1000)
    inputs = {"f:x": pl.Series(random.normal(0, 1, 1000)), "f:city": pl.Series(random.choice(["Lyon", "Nice"], 1000))}
    estimator = fitted_on("mae", Task.REGRESSION, target, Predicted(np.zeros(1000)), inputs)
    assert estimator.parts == ()
    assert expected_losses(estimator, Predicted(np.zeros(2)), Task.REGRESSION, {}).tolist() == [estimator.base] * 2


def test_an_interval_holds_what_labels_show_as_often_as_it_says():
    random = np.random.default_rng(13)
    inside = []
    for _ in range(60):
        estimator = fitted_on("error", Task.BINARY, *scored(random, 1500))
        target, predicted = scored(random, 400)
        expected = expected_losses(estimator, predicted, Task.BINARY, {})
        found = estimate_of(estimator, "accuracy", expected, np.arange(400), {})
        assert found.low < found.value < found.high
        inside.append(found.low <= 1 - row_losses("error", target, predicted).values.mean() <= found.high)
    assert 0.88 <= np.mean(inside) <= 1.0


def test_rows_that_resemble_their_neighbours_widen_the_interval():
    random = np.random.default_rng(17)
    level = np.repeat(random.choice([0.3, 2.0], ROWS // 100), 100)
    target = level * random.normal(0, 1, ROWS)
    alone = random.permutation(target)
    windows = [
        estimate_of(fitted_on("mae", Task.REGRESSION, t, Predicted(np.zeros(ROWS))), "mae", np.full(400, 0.9), np.arange(400), {})
        for t in (target, alone)
    ]
    wide, narrow = (window.high - window.low for window in windows)
    assert wide > 3 * narrow


def test_rows_beyond_what_was_seen_are_named():
    random = np.random.default_rng(19)
    inputs = {"f:x": pl.Series(random.random(500)), "f:city": pl.Series(random.choice(["Lyon", "Nice"], 500))}
    estimator = fitted_on("mae", Task.REGRESSION, random.random(500), Predicted(np.zeros(500)), inputs)
    assert outside(estimator, {name: column[:100] for name, column in inputs.items()}) == (0.0, None)
    assert outside(estimator, {"f:x": pl.Series([0.5, 0.5, 7.0, 0.5])}) == (0.25, "x")
    assert outside(estimator, {"f:city": pl.Series(["Lyon", None, "Paris", "Metz"])}) == (0.75, "city")
    assert outside(estimator, {"f:x": pl.Series(["nan", "0.5"])}) == (0.5, "x")
    far = {"f:x": pl.Series([2.0] * 40)}
    found = estimate_of(estimator, "mae", expected_losses(estimator, Predicted(np.zeros(40)), Task.REGRESSION, far), np.arange(40), far)
    assert (found.outside, found.outside_column) == (1.0, "x")


def test_the_gap_is_what_labels_say_beyond_what_was_expected():
    random = np.random.default_rng(23)
    estimator = fitted_on("mae", Task.REGRESSION, random.normal(0, 1, 1000), Predicted(np.zeros(1000)))
    expected = np.full(200, estimator.base)
    found = estimate_of(estimator, "mae", expected, np.arange(200), {})
    assert found.gap is None
    beside = with_gap(found, estimator.noise, expected + 0.5 + random.normal(0, 0.1, 200), expected, units=np.arange(200))
    assert beside.gap == pytest.approx(0.5, abs=0.05)
    assert beside.gap_rows == 200
    assert beside.loss == found.loss
    assert beside.gap_variance >= 0.9 * estimator.noise.variances[0] / 200


def test_answers_and_inputs_that_cannot_be_used_are_left_out_and_nothing_is_nan():
    random = np.random.default_rng(29)
    estimator = fitted_on("error", Task.BINARY, *scored(random, 1000))
    _, predicted = scored(random, 60)
    predicted.scores[:10] = np.nan
    expected = expected_losses(estimator, predicted, Task.BINARY, {})
    assert np.isnan(expected).sum() == 10
    assert estimate_of(estimator, "error", expected, np.arange(60), {}).rows == 50
    assert estimate_of(estimator, "error", expected[:25], np.arange(25), {}) is None
    assert np.isnan(expected_losses(estimator, Predicted(predicted.values), Task.BINARY, {})).all()
    hostile = {"f:x": pl.Series([None, np.inf, -1e300, 0.0] * 250), "f:none": pl.Series([None] * 1000), "f:one": pl.Series(["a"] * 1000)}
    wild = fitted_on("mae", Task.REGRESSION, random.normal(0, 1, 1000), Predicted(np.zeros(1000)), hostile)
    assert np.isfinite(expected_losses(wild, Predicted(np.zeros(1000)), Task.REGRESSION, hostile)).all()
    assert np.isnan(expected_losses(wild, Predicted(np.array([np.inf, 0.0])), Task.REGRESSION, {})).tolist() == [True, False]


def test_too_few_rows_give_no_estimator_and_perfect_ones_give_nothing_to_fear():
    random = np.random.default_rng(31)
    assert fitted_on("mae", Task.REGRESSION, np.ones(99), Predicted(np.ones(99))) is None
    perfect = fitted_on("mae", Task.REGRESSION, np.ones(200), Predicted(np.ones(200)))
    found = estimate_of(perfect, "mae", np.zeros(50), np.arange(50), {})
    assert (found.loss, found.low, found.high) == (0.0, 0.0, 0.0)
    again = fitted_on("error", Task.BINARY, *scored(random, 500))
    assert decode(canonical(again), LossEstimator) == again
