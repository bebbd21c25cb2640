"""Named metrics over rows, and the loss of each row where a metric is a mean of such losses.

Answers that are not numbers never become NaN results: they are counted as ``invalid`` and named by the caller.
Definitions are scikit-learn's (``sklearn.metrics``, version 1.9), which the tests compare with to 1e-12; ``f1`` and
``auc`` of more than two classes are unweighted means over classes (macro; one class against the rest).
"""

from dataclasses import dataclass

import numpy as np

from volant.config.metric_text import metric_label
from volant.kernel.errors import InvalidInputError
from volant.stats.expression_values import values_of_rows
from volant.stats.names import Metric, metric_named
from volant.stats.placements import auc_influence
from volant.stats.predicted import LARGEST, Predicted, labels_equal, positions_of, usable_target

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class RowLosses:
    """One number per row, shape (n,). ``valid`` masks the rows that count; others hold 0."""

    values: np.ndarray
    valid: np.ndarray


@dataclass(frozen=True)
class Score:
    """A metric over rows. ``value`` is None where it cannot be computed; ``why`` then says so."""

    value: float | None
    rows: int
    invalid: int
    why: str = ""


def invalid_rows(metric: str, predicted: Predicted) -> np.ndarray:
    """Mask of answers that cannot be used: null, NaN, infinite, or probabilities outside [0, 1]. Shape (n,)."""
    if metric_named(metric).needs_scores:
        if predicted.scores is None:
            raise InvalidInputError(
                f"the metric {metric!r} needs class probabilities and the model gives none",
                next_step="use an estimator with predict_proba, or a metric such as error",
                field="metric",
            )
        scores = np.asarray(predicted.scores, dtype=np.float64)
        inside = np.isfinite(scores) & (scores >= 0) & (scores <= 1 + 1e-6)
        return ~np.asarray(inside.all(axis=1))
    return ~usable_target(predicted.values)


def row_losses(metric: str, target: np.ndarray, predicted: Predicted) -> RowLosses:
    """The additive metric row by row; rows without a label or with an invalid answer are masked out (they hold 0).

    ``target`` has shape (n,). Raises ``InvalidInputError`` for metrics that are not means over rows.
    """
    if not metric_named(metric).additive:
        raise InvalidInputError(f"the metric {metric!r} is not a mean over rows", field="metric")
    valid = usable_target(target) & ~invalid_rows(metric, predicted)
    values = np.zeros(len(target))
    named = metric_named(metric)
    if named.expression is not None:
        return _of_expression(named, target, predicted, valid)
    if metric == "mape":
        valid = valid & (np.abs(_numbers(target, valid)) > 1 / LARGEST)
    if valid.any():
        values[valid] = _LOSSES[metric](target[valid], predicted.take(valid))
    return RowLosses(values, valid)


def _of_expression(metric: Metric, target: np.ndarray, predicted: Predicted, labelled: np.ndarray) -> RowLosses:
    assert metric.expression is not None
    values, there = np.zeros(len(target)), labelled.copy()
    if labelled.any():
        found, known = values_of_rows(metric.expression, target[labelled], predicted.take(labelled))
        values[labelled], there[labelled] = metric.sign * found, known
    return RowLosses(values, there)


def score(metric: str, target: np.ndarray, predicted: Predicted) -> Score:
    """The metric over all rows that have a label and a usable answer."""
    labelled = usable_target(target)
    invalid = int((labelled & invalid_rows(metric, predicted)).sum())
    if metric_named(metric).additive:
        losses = row_losses(metric, target, predicted)
        rows = int(losses.valid.sum())
        if rows == 0:
            return Score(None, 0, invalid, _nothing(metric, int(labelled.sum()), invalid))
        return Score(float(losses.values[losses.valid].mean()), rows, invalid)
    valid = labelled & ~invalid_rows(metric, predicted)
    rows = int(valid.sum())
    if rows == 0:
        return Score(None, 0, invalid, _nothing(metric, int(labelled.sum()), invalid))
    weighted = WeightedMetric(metric, target[valid], predicted.take(valid))
    value = float(weighted.over(np.ones((1, rows)))[0])
    return Score(value, rows, invalid) if np.isfinite(value) else Score(None, rows, invalid, weighted.why)


def _nothing(metric: str, labelled: int, invalid: int) -> str:
    metric = metric_label(metric)
    if labelled == 0:
        return f"{metric} cannot be computed: no row has a label"
    if invalid:
        return f"{metric} cannot be computed: none of {labelled} answers is usable"
    return f"{metric} cannot be computed from these {labelled} rows"


def _numbers(values: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
    """As float64; entries outside ``valid`` become 0."""
    if valid is None:
        return np.asarray(values, dtype=np.float64)
    out = np.zeros(len(values))
    out[valid] = np.asarray(values[valid], dtype=np.float64)
    return out


def _absolute(target: np.ndarray, predicted: Predicted) -> np.ndarray:
    return np.asarray(np.abs(_numbers(target) - _numbers(predicted.values)))


def _squared(target: np.ndarray, predicted: Predicted) -> np.ndarray:
    return np.asarray(np.square(_numbers(target) - _numbers(predicted.values)))


def _relative(target: np.ndarray, predicted: Predicted) -> np.ndarray:
    return np.asarray(_absolute(target, predicted) / np.abs(_numbers(target)))


def _wrong(target: np.ndarray, predicted: Predicted) -> np.ndarray:
    return np.asarray(1.0 - labels_equal(target, predicted.values))


def _right(target: np.ndarray, predicted: Predicted) -> np.ndarray:
    return labels_equal(target, predicted.values).astype(np.float64)


def _probabilities(predicted: Predicted) -> np.ndarray:
    assert predicted.scores is not None
    scores = np.clip(np.asarray(predicted.scores, dtype=np.float64), 0.0, 1.0)
    total = scores.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(scores, total, out=np.zeros_like(scores), where=total > 0))


def _logloss(target: np.ndarray, predicted: Predicted) -> np.ndarray:
    """-ln p of what happened, p held inside [eps, 1 - eps]; a class the model does not know has p = 0."""
    position = positions_of(target, predicted.classes)
    chosen = _probabilities(predicted)[np.arange(len(target)), np.maximum(position, 0)]
    return np.asarray(-np.log(np.clip(np.where(position < 0, 0.0, chosen), _EPS, 1 - _EPS)))


def _brier(target: np.ndarray, predicted: Predicted) -> np.ndarray:
    """Two classes: (p - y)^2 of the second one; more: the sum of squares over classes (Brier 1950)."""
    position = positions_of(target, predicted.classes)
    happened = (position[:, None] == np.arange(len(predicted.classes))[None, :]).astype(np.float64)
    squares = ((_probabilities(predicted) - happened) ** 2).sum(axis=1) + (position < 0)
    return np.asarray(squares / 2 if len(predicted.classes) == 2 else squares)


_LOSSES = {
    "mae": _absolute,
    "mse": _squared,
    "mape": _relative,
    "error": _wrong,
    "accuracy": _right,
    "logloss": _logloss,
    "brier": _brier,
}


def auc_rows(target: np.ndarray, predicted: Predicted) -> np.ndarray:
    """One number per row whose mean is the ``auc`` (:mod:`volant.stats.placements`). Shape (n,), all rows usable.

    Raises ``InvalidInputError`` where a class has no row or no other.
    """
    truth, scores = positions_of(target, predicted.classes), _probabilities(predicted)
    numbers = [1] if len(predicted.classes) == 2 else sorted(set(truth.tolist()) - {-1})
    return np.asarray(np.mean([auc_influence(truth == number, scores[:, number]) for number in numbers], axis=0))


class WeightedMetric:
    """A metric prepared once for many weightings of the same n rows (a bootstrap).

    ``target`` and ``predicted`` hold only usable rows. :meth:`over` takes weights of shape (b, n) and returns (b,);
    NaN where a weighting leaves the metric undefined, ``why`` says what that would mean.
    """

    def __init__(self, metric: str, target: np.ndarray, predicted: Predicted) -> None:
        self.metric = metric
        self.why = f"{metric_label(metric)} cannot be computed from these rows"
        self._auc: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        if metric == "auc":
            self._prepare_auc(target, predicted)
            self._columns = np.empty((len(target), 0))
        else:
            self._columns = self._moments(target, predicted)

    def _moments(self, target: np.ndarray, predicted: Predicted) -> np.ndarray:
        """Columns whose weighted sums are enough for the metric. Shape (n, c)."""
        if metric_named(self.metric).additive:
            return row_losses(self.metric, target, predicted).values[:, None]
        if self.metric in {"rmse", "r2"}:
            centred = _numbers(target) - _numbers(target).mean()
            self.why = f"{self.metric} cannot be computed: the target is constant over these rows"
            return np.column_stack([_squared(target, predicted), centred, centred**2])
        classes = _known_classes(target, predicted)
        kept = classes[1:] if len(classes) == 2 else classes
        truth, said = positions_of(target, classes), positions_of(predicted.values, classes)
        offset = len(classes) - len(kept)
        columns: list[np.ndarray] = []
        for number in range(offset, len(classes)):
            is_truth, is_said = truth == number, said == number
            columns += [is_truth & is_said, is_said, is_truth]
        return np.column_stack(columns).astype(np.float64) if columns else np.zeros((len(target), 0))

    def _prepare_auc(self, target: np.ndarray, predicted: Predicted) -> None:
        truth, scores = positions_of(target, predicted.classes), _probabilities(predicted)
        seen = sorted(set(truth.tolist()) - {-1})
        names = ", ".join(str(predicted.classes[number]) for number in seen) or "none that the model knows"
        self.why = f"auc cannot be computed: of all classes these rows hold only {names}"
        if len(seen) < 2:
            return
        for number in [1] if len(predicted.classes) == 2 else seen:
            order = np.argsort(scores[:, number], kind="stable")
            ordered = scores[order, number]
            ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
            self._auc.append((order, ends, (truth == number)[order]))

    def over(self, weights: np.ndarray) -> np.ndarray:
        """The metric under each row of weights: (b, n) -> (b,)."""
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            if self.metric == "auc":
                return self._auc_over(weights)
            return self._combine(weights @ self._columns, weights.sum(axis=1))

    def _combine(self, sums: np.ndarray, total: np.ndarray) -> np.ndarray:
        if self.metric == "rmse":
            return np.asarray(np.sqrt(sums[:, 0] / total))
        if self.metric == "r2":
            spread = sums[:, 2] - sums[:, 1] ** 2 / total
            return np.where(spread > 1e-12 * np.maximum(sums[:, 2], 1e-300), 1 - sums[:, 0] / spread, np.nan)
        if self.metric == "f1":
            parts = sums.reshape(len(sums), -1, 3)
            bottom = parts[:, :, 1] + parts[:, :, 2]
            return np.asarray(np.where(bottom > 0, 2 * parts[:, :, 0] / bottom, 0.0).mean(axis=1))
        return np.asarray(sums[:, 0] / total)

    def _auc_over(self, weights: np.ndarray) -> np.ndarray:
        """P(score of a positive > score of a negative) + half the ties (Mann-Whitney), weighted."""
        if not self._auc:
            return np.full(len(weights), np.nan)
        result = np.zeros(len(weights))
        for order, ends, positive in self._auc:
            ordered = weights[:, order]
            below_p = np.cumsum(ordered * positive, axis=1)[:, ends]
            below_n = np.cumsum(ordered * ~positive, axis=1)[:, ends]
            step_p, step_n = np.diff(below_p, prepend=0.0, axis=1), np.diff(below_n, prepend=0.0, axis=1)
            wins = (step_p * (below_n - step_n / 2)).sum(axis=1)
            result += wins / (below_p[:, -1] * below_n[:, -1])
        return result / len(self._auc)


def _known_classes(target: np.ndarray, predicted: Predicted) -> tuple[bool | int | float | str, ...]:
    """All classes of the model, then those that only the rows hold (sorted by text)."""
    found = set(target.tolist()) | set(predicted.values.tolist())
    known = predicted.classes or ()
    return (*known, *sorted(found - set(known), key=lambda value: (type(value).__name__, value)))
