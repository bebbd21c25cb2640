"""Metrics agree with scikit-learn, and what cannot be computed is said, never NaN."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from volant.config.model import Task
from volant.kernel.errors import InvalidInputError, UsageError
from volant.stats.metrics import WeightedMetric, invalid_rows, row_losses, score
from volant.stats.names import METRICS, metric_named, possible
from volant.stats.predicted import Predicted, classes_of, joined, labels_equal

RANDOM = np.random.default_rng(3)
N = 400


def regression():
    target = RANDOM.normal(50, 20, N)
    return target, Predicted(target + RANDOM.normal(0, 5, N))


def binary(classes=("DOWN", "UP")):
    target = np.array(classes)[(RANDOM.random(N) < 0.4).astype(int)]
    up = np.round(np.clip(RANDOM.normal(0.4, 0.2, N) + 0.2 * (target == classes[1]), 0.01, 0.99), 2)
    return target, Predicted(np.array(classes)[(up > 0.5).astype(int)], np.column_stack([1 - up, up]), classes)


def multiclass():
    classes = ("a", "b", "c")
    number = RANDOM.integers(0, 3, N)
    raw = RANDOM.random((N, 3)) + 0.7 * np.eye(3)[number]
    scores = raw / raw.sum(axis=1, keepdims=True)
    return np.array(classes)[number], Predicted(np.array(classes)[scores.argmax(axis=1)], scores, classes)


@pytest.mark.parametrize(
    ("metric", "reference"),
    [
        ("mae", sk.mean_absolute_error),
        ("mse", sk.mean_squared_error),
        ("rmse", sk.root_mean_squared_error),
        ("r2", sk.r2_score),
        ("mape", sk.mean_absolute_percentage_error),
    ],
)
def test_a_regression_metric_is_the_one_scikit_learn_defines(metric, reference):
    target, predicted = regression()
    assert score(metric, target, predicted).value == pytest.approx(reference(target, predicted.values), rel=1e-12)


@pytest.mark.parametrize("make", [binary, multiclass, lambda: binary((False, True)), lambda: binary((0, 1))])
def test_a_classification_metric_is_the_one_scikit_learn_defines(make):
    target, predicted = make()
    two = len(predicted.classes) == 2
    scores = predicted.scores[:, 1] if two else predicted.scores
    f1 = (
        sk.f1_score(target, predicted.values, pos_label=predicted.classes[1])
        if two
        else sk.f1_score(target, predicted.values, average="macro")
    )
    auc = sk.roc_auc_score(target, scores) if two else sk.roc_auc_score(target, scores, multi_class="ovr")
    brier = {"pos_label": predicted.classes[1]} if two else {}
    expected = {
        "error": 1 - sk.accuracy_score(target, predicted.values),
        "accuracy": sk.accuracy_score(target, predicted.values),
        "logloss": sk.log_loss(target, predicted.scores, labels=list(predicted.classes)),
        "brier": sk.brier_score_loss(target, scores, **brier),
        "f1": f1,
        "auc": auc,
    }
    for metric, value in expected.items():
        assert score(metric, target, predicted).value == pytest.approx(value, rel=1e-12), metric


@pytest.mark.parametrize("metric", ["rmse", "r2", "f1", "auc", "error"])
def test_a_weighted_metric_equals_the_metric_of_repeated_rows(metric):
    target, predicted = regression() if metric in {"rmse", "r2"} else binary()
    times = RANDOM.integers(0, 3, N)
    repeated = np.repeat(np.arange(N), times)
    value = WeightedMetric(metric, target, predicted).over(times[None, :].astype(float))[0]
    assert value == pytest.approx(score(metric, target[repeated], predicted.take(repeated)).value, rel=1e-10)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_answers_that_are_not_numbers_are_counted_and_left_out(bad):
    target, predicted = regression()
    values = predicted.values.copy()
    values[:7] = bad
    found = score("mae", target, Predicted(values))
    assert (found.invalid, found.rows) == (7, N - 7)
    assert found.value == pytest.approx(np.abs(target - values)[7:].mean())


@pytest.mark.parametrize("metric", ["mae", "rmse", "r2", "mape"])
def test_a_model_that_answers_only_nan_gets_a_sentence_and_no_number(metric):
    found = score(metric, np.arange(4.0), Predicted(np.full(4, np.nan)))
    assert found.value is None
    assert found.invalid == 4
    assert "none of 4 answers is usable" in found.why


@pytest.mark.parametrize(
    ("metric", "target", "why"),
    [("r2", np.full(5, 3.0), "constant"), ("mape", np.zeros(5), "cannot be computed"), ("mae", np.full(5, np.nan), "no row has a label")],
)
def test_an_undefined_regression_metric_says_why(metric, target, why):
    found = score(metric, target, Predicted(np.arange(5.0)))
    assert found.value is None
    assert why in found.why


def test_auc_over_one_class_says_which_class_there_is():
    predicted = Predicted(np.array(["UP"] * 3), np.array([[0.2, 0.8]] * 3), ("DOWN", "UP"))
    found = score("auc", np.array(["UP"] * 3), predicted)
    assert found.value is None
    assert "only UP" in found.why


def test_a_class_the_model_never_saw_costs_as_much_as_probability_zero():
    predicted = Predicted(np.array(["a"]), np.array([[0.9, 0.1]]), ("a", "b"))
    target = np.array(["new"])
    assert score("logloss", target, predicted).value == pytest.approx(-math.log(np.finfo(float).eps))
    assert score("error", target, predicted).value == 1.0
    assert score("brier", target, predicted).value <= 1.0


def test_probabilities_outside_the_unit_interval_are_invalid_answers():
    predicted = Predicted(np.array([0, 1]), np.array([[1.4, -0.4], [0.3, 0.7]]), (0, 1))
    assert invalid_rows("brier", predicted).tolist() == [True, False]


def test_a_metric_of_probabilities_refuses_a_model_without_them():
    with pytest.raises(InvalidInputError, match="needs class probabilities"):
        score("auc", np.array([0, 1]), Predicted(np.array([0, 1])))


def test_a_misspelt_metric_names_the_nearest_and_a_wrong_task_names_fitting_ones():
    with pytest.raises(UsageError, match="did you mean 'accuracy'"):
        metric_named("acuracy")
    with pytest.raises(UsageError, match="mae, mse"):
        metric_named("error", Task.REGRESSION)


def test_every_metric_has_an_additive_loss_that_stands_in_for_it():
    for metric in METRICS.values():
        assert METRICS[metric.row_loss].additive
        assert METRICS[metric.row_loss].lower_is_better


def test_a_huge_but_finite_answer_does_not_turn_a_mean_into_infinity():
    losses = row_losses("mse", np.array([0.0, 1.0]), Predicted(np.array([1e308, 1.0])))
    assert losses.valid.tolist() == [False, True]
    assert np.isfinite(losses.values).all()


def test_labels_of_different_types_are_equal_as_python_says():
    assert labels_equal(np.array([1, 0]), np.array([True, False])).all()
    assert labels_equal(np.array(["a", "b"]), np.array(["a", None], dtype=object)).tolist() == [True, False]


def test_classes_are_sorted_and_leave_missing_labels_out():
    assert classes_of(np.array(["b", None, "a"], dtype=object)) == ("a", "b")
    assert classes_of(np.array([2.0, np.nan, 1.0])) == (1.0, 2.0)


def test_joining_models_of_different_classes_keeps_every_probability_in_its_place():
    left = Predicted(np.array(["a"]), np.array([[0.7, 0.3]]), ("a", "b"))
    right = Predicted(np.array(["c"]), np.array([[0.4, 0.6]]), ("b", "c"))
    both = joined([left, right])
    assert both.classes == ("a", "b", "c")
    assert both.scores.tolist() == [[0.7, 0.3, 0.0], [0.0, 0.4, 0.6]]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6) | st.just(math.nan)), min_size=1, max_size=30))
def test_no_regression_metric_ever_gives_nan(pairs):
    target, values = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    for metric in ("mae", "mse", "rmse", "r2", "mape"):
        value = score(metric, target, Predicted(values)).value
        assert value is None or math.isfinite(value)


@pytest.mark.parametrize(
    ("metric", "bound", "possible_bound"),
    [
        ("mae", -33.2, 0.0),
        ("mae", 203.5, 203.5),
        ("error", 1.2, 1.0),
        ("auc", -0.1, 0.0),
        ("r2", -7.0, -7.0),
        ("r2", 1.3, 1.0),
        ("mae", None, None),
    ],
)
def test_a_bound_goes_no_further_than_its_metric_can(metric, bound, possible_bound):
    assert possible(metric, bound) == possible_bound
