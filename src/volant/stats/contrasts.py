"""A metric of one group of rows against the metric of the others: difference and ratio with their uncertainty.

A metric that is no mean is taken as one by its influence function (Hampel 1974, J. Am. Stat. Assoc. 69): the metric moves with
each row by ``influence / n``, so that its variance is that of a mean, and dependence counts as in :mod:`volant.stats.blocks`.
Shares of a small group vary by no less than Agresti & Caffo (2000, The American Statistician 54) add for one success and one
failure on each side: a group whose twelve rows are all right is not known to be perfect. A ratio is tested as the contrast
``first - ratio * second`` (Fieller 1954, J. R. Stat. Soc. B 16), which holds at zero too; its bounds are those of its logarithm.
"""

import math
from dataclasses import dataclass

import numpy as np

from volant.stats.blocks import mean_of_dependent
from volant.stats.metrics import WeightedMetric, auc_rows, row_losses
from volant.stats.names import metric_named
from volant.stats.paired import Interval, t_quantile, t_tail
from volant.stats.predicted import Predicted, positions_of


@dataclass(frozen=True)
class Influence:
    """A metric of n rows, and by how much each of them moves it (times n). ``share``: it is a share of rows."""

    value: float
    rows: np.ndarray
    share: bool = False


def influence_of(metric: str, target: np.ndarray, predicted: Predicted) -> Influence | None:
    """Of a named metric over usable rows (n,); None where the metric is undefined on them."""
    if len(target) == 0:
        return None
    if metric_named(metric).additive:
        return of_mean(row_losses(metric, target, predicted).values, share=metric in {"error", "accuracy"})
    weighted = WeightedMetric(metric, target, predicted)
    value = float(weighted.over(np.ones((1, len(target))))[0])
    if not np.isfinite(value):
        return None
    return Influence(value, _moves(metric, value, target, predicted))


def of_mean(values: np.ndarray, *, share: bool) -> Influence | None:
    """Of a mean of numbers (n,)."""
    if len(values) == 0:
        return None
    mean = float(values.mean())
    return Influence(mean, values - mean, share)


def _moves(metric: str, value: float, target: np.ndarray, predicted: Predicted) -> np.ndarray:
    if metric == "auc":
        return auc_rows(target, predicted) - value
    if metric == "f1":
        return _f1_moves(target, predicted)
    squares = row_losses("mse", target, predicted).values
    if metric == "rmse":
        return (squares - squares.mean()) / (2 * value) if value > 0 else np.zeros(len(target))
    numbers = np.asarray(target, dtype=np.float64)
    spread = (numbers - numbers.mean()) ** 2
    return np.asarray((-(squares - squares.mean()) + (1 - value) * (spread - spread.mean())) / spread.mean())


def _f1_moves(target: np.ndarray, predicted: Predicted) -> np.ndarray:
    """Macro F1 as :class:`WeightedMetric` takes it: ``2 T / (S + P)`` per class, of the second class alone where there are two."""
    known = predicted.classes or ()
    found = set(target.tolist()) | set(predicted.values.tolist())
    classes = (*known, *sorted(found - set(known), key=lambda label: (type(label).__name__, label)))
    kept = range(1, 2) if len(classes) == 2 else range(len(classes))
    truth, said = positions_of(target, classes), positions_of(predicted.values, classes)
    moves = np.zeros(len(target))
    for number in kept:
        both, either = (truth == number) & (said == number), (truth == number) * 1.0 + (said == number)
        if (bottom := either.mean()) > 0:
            score = 2 * both.mean() / bottom
            moves += (2 * both - score * either) / bottom
    return moves / max(len(kept), 1)


@dataclass(frozen=True)
class Contrast:
    """``weight_first * first + weight_second * second`` of two disjoint sets of rows, with its standard error."""

    value: float
    error: float
    df: int

    def tail(self, limit: float) -> float:
        """One-sided p of "the truth is at most ``limit``"."""
        if self.df == 0:
            return 1.0
        if self.error <= 0:
            return 0.0 if self.value > limit else 1.0
        return t_tail((self.value - limit) / self.error, self.df)

    def within(self, confidence: float) -> Interval | None:
        """With one-sided bounds on both sides; None where nothing says how uncertain it is."""
        if self.df == 0:
            return None
        half = t_quantile(confidence, self.df) * self.error
        return Interval(self.value, self.value - half, self.value + half, self.error**2, self.df, 0)


@dataclass(frozen=True)
class TwoGroups:
    """One group and the rows it is compared with, in one order of time. ``inside`` (n,) marks the group's rows."""

    inside: np.ndarray
    first: Influence
    second: Influence
    times: np.ndarray | None = None
    groups: np.ndarray | None = None

    def contrast(self, weight_first: float, weight_second: float) -> Contrast:
        """Dependence between the two sets is inside the error."""
        rows, inside = len(self.inside), self.inside
        count = int(inside.sum())
        moves = np.zeros(rows)
        moves[inside] = weight_first * self.first.rows * rows / count
        moves[~inside] = weight_second * self.second.rows * rows / (rows - count)
        estimate = mean_of_dependent(moves, self.times, self.groups)
        least = _least(weight_first, self.first) + _least(weight_second, self.second)
        value = weight_first * self.first.value + weight_second * self.second.value
        return Contrast(value, math.sqrt(max(estimate.variance, least)), estimate.df)

    def difference(self) -> Contrast:
        """The group's metric minus the others'."""
        return self.contrast(1.0, -1.0)

    def difference_p_value(self, limit: float) -> float:
        """P of "the true difference is at most ``limit`` either way" (equal tails at the boundary)."""
        found = self.difference()
        size = Contrast(abs(found.value), found.error, found.df)
        return min(1.0, size.tail(limit) + (size.tail(-limit) if found.error > 0 and found.df else 0.0))

    def ratio_p_value(self, least: float) -> float:
        """P of "neither of the two is below ``least`` of the other". For metrics that are never negative."""
        return min(self.shortfall(least).tail(0.0), self.excess(least).tail(0.0))

    def shortfall(self, least: float) -> Contrast:
        """Above 0 where the group is below ``least`` of the others."""
        return self.contrast(-1.0, least)

    def excess(self, least: float) -> Contrast:
        """Above 0 where the others are below ``least`` of the group."""
        return self.contrast(least, -1.0)

    def ratio(self, confidence: float) -> Interval | None:
        """The group's metric as a share of the others', with bounds; None where one of them is not above 0."""
        if min(self.first.value, self.second.value) <= 0:
            return None
        logarithm = self.contrast(1 / self.first.value, -1 / self.second.value)
        value = self.first.value / self.second.value
        if logarithm.df == 0:
            return Interval(value, None, None, 0.0, 0, len(self.inside))
        factor = math.exp(min(t_quantile(confidence, logarithm.df) * logarithm.error, 700.0))
        variance = (value * logarithm.error) ** 2
        return Interval(value, value / factor, value * factor, variance, logarithm.df, len(self.inside))


def _least(weight: float, metric: Influence) -> float:
    """Agresti & Caffo's variance of a share of n rows, 0 for what is no share."""
    if not metric.share:
        return 0.0
    count = len(metric.rows) + 2
    share = (metric.value * len(metric.rows) + 1) / count
    return weight**2 * share * (1 - share) / count
