"""One metric of two models on the same rows, with bounds, for metrics of either direction."""

from dataclasses import dataclass, replace

import numpy as np

from volant.config.metric_text import metric_label
from volant.config.model import GateConfig
from volant.gates.holdout import Holdout
from volant.stats.bootstrap import bootstrap_difference
from volant.stats.expression_values import cells
from volant.stats.metrics import auc_rows, invalid_rows, row_losses, score
from volant.stats.names import metric_named
from volant.stats.paired import Interval, paired_difference
from volant.stats.predicted import Predicted, usable_target


@dataclass(frozen=True)
class Question:
    """What one check asks of which rows: its settings, the metric, the labelled rows, and the seed of any resampling."""

    check: GateConfig
    metric: str
    holdout: Holdout
    seed: int = 0

    @property
    def label(self) -> str:
        """The metric as people read it."""
        return metric_label(self.metric)

    @property
    def lower_is_better(self) -> bool:
        """Direction of the metric."""
        return metric_named(self.metric).lower_is_better

    def on(self, rows: np.ndarray) -> "Question":
        """The same question about some of the rows."""
        return replace(self, holdout=self.holdout.take(rows))

    def margin(self, other: float | None) -> float:
        """The margin in the metric's unit."""
        margin = self.check.margin
        return abs(other or 0.0) * margin.value if margin.relative else margin.value


@dataclass(frozen=True)
class Comparison:
    """Candidate against another model on rows where both answered.

    ``difference`` is candidate minus other in the metric's own direction; None where it cannot be computed, and ``why``
    says so. ``candidate_invalid`` and ``other_invalid`` count answers that could not be used, or that alone leave a business
    metric without a value; ``left_out`` rows on which it has none for want of a column, or whoever answers.
    """

    rows: int
    candidate: float | None
    other: float | None
    difference: Interval | None
    candidate_invalid: int
    other_invalid: int
    why: str = ""
    left_out: int = 0
    slope: float | None = None  # of the row-by-row difference on the other's own loss


def compare(question: Question, candidate: Predicted, other: Predicted) -> Comparison:
    """Paired on the same rows; dependence as in ``stats.blocks``, metrics that are no means by ``stats.bootstrap``, AUC by placements."""
    metric = question.metric
    rows = _usable(question, (candidate, other))
    kept, ours, theirs = question.on(rows), candidate.take(rows), other.take(rows)
    first, second = score(metric, kept.holdout.target, ours), score(metric, kept.holdout.target, theirs)
    lack = _without_value(question, candidate), _without_value(question, other)
    complete = _complete(question, candidate)
    blamed = complete & lack[0] & ~lack[1], complete & lack[1] & ~lack[0]
    base = Comparison(
        rows=len(kept.holdout),
        candidate=first.value,
        other=second.value,
        difference=None,
        candidate_invalid=_unusable_answers(question, candidate) + int(blamed[0].sum()),
        other_invalid=_unusable_answers(question, other) + int(blamed[1].sum()),
        why=first.why or second.why,
        left_out=int(((lack[0] | lack[1]) & ~blamed[0] & ~blamed[1]).sum()),
    )
    if first.value is None or second.value is None:
        return base
    difference = _interval(kept, ours, theirs)
    why = "" if difference else f"{metric_label(metric)} cannot be compared on these rows"
    return replace(base, difference=difference, why=why, slope=_slope(kept, ours, theirs))


def alone(question: Question, candidate: Predicted) -> Comparison:
    """The candidate's metric by itself: ``difference`` then holds the metric and its bounds."""
    rows = _usable(question, (candidate,))
    kept, ours = question.on(rows), candidate.take(rows)
    found = score(question.metric, kept.holdout.target, ours)
    invalid = _unusable_answers(question, candidate)
    left_out = int(_without_value(question, candidate).sum())
    base = Comparison(len(kept.holdout), found.value, None, None, invalid, 0, why=found.why, left_out=left_out)
    return base if found.value is None else replace(base, difference=_interval(kept, ours, None))


def _unusable_answers(question: Question, model: Predicted) -> int:
    return int((usable_target(question.holdout.target) & invalid_rows(question.metric, model)).sum())


def _without_value(question: Question, model: Predicted) -> np.ndarray:
    """Rows with a label and a usable answer on which a business metric has no value: a missing column, a division by zero."""
    metric, target = question.metric, question.holdout.target
    if metric_named(metric).expression is None:
        return np.zeros(len(target), dtype=bool)
    return np.asarray(usable_target(target) & ~invalid_rows(metric, model) & ~row_losses(metric, target, model).valid)


def _complete(question: Question, model: Predicted) -> np.ndarray:
    """Rows that hold a value in every column that the metric reads."""
    parts = [cells(model.columns[name], name).there for name in metric_named(question.metric).columns if name in model.columns]
    return np.logical_and.reduce(parts) if parts else np.ones(len(model), dtype=bool)


def _usable(question: Question, models: tuple[Predicted, ...]) -> np.ndarray:
    """Rows with a label on which every model's answer counts."""
    metric, target = question.metric, question.holdout.target
    usable = usable_target(target)
    for model in models:
        usable = usable & ~invalid_rows(metric, model)
        if metric_named(metric).additive:
            usable = usable & row_losses(metric, target, model).valid
    return np.asarray(usable)


def _interval(question: Question, candidate: Predicted, other: Predicted | None) -> Interval | None:
    metric, holdout = question.metric, question.holdout
    if metric == "auc":
        return _auc_interval(question, candidate, other)
    additive = metric_named(metric).additive
    loss = metric if additive else metric_named(metric).row_loss
    first = row_losses(loss, holdout.target, candidate).values
    second = row_losses(loss, holdout.target, other).values if other is not None else np.zeros(len(holdout))
    if additive:
        return paired_difference(first, second, question.check.confidence, holdout.times, holdout.groups)
    return bootstrap_difference(
        metric,
        holdout.target,
        candidate,
        other,
        question.check.confidence,
        row_loss=first - second,
        times=holdout.times,
        groups=holdout.groups,
        seed=question.seed,
    )


def _slope(question: Question, candidate: Predicted, other: Predicted) -> float | None:
    """Of the difference of row losses on the other's: -1 where nothing of the other's luck is shared, 0 where all of it is."""
    metric = question.metric
    if not metric_named(metric).additive:
        return None
    first, second = (row_losses(metric, question.holdout.target, model).values for model in (candidate, other))
    return slope_on(first, second)


def slope_on(first: np.ndarray, second: np.ndarray) -> float | None:
    """Slope of ``first - second`` on ``second``, each of shape (n,); None where numbers are too large for one."""
    centred = second - second.mean()
    power = float(centred @ centred)
    slope = float(centred @ (first - second)) / power if power > 0 else 0.0
    return slope if np.isfinite(slope) else None


def _auc_interval(question: Question, candidate: Predicted, other: Predicted | None) -> Interval:
    """By placements of rows (DeLong), whose mean is the AUC, so that dependence counts as for every mean."""
    holdout = question.holdout
    first = auc_rows(holdout.target, candidate)
    second = auc_rows(holdout.target, other) if other is not None else np.zeros(len(holdout))
    return paired_difference(first, second, question.check.confidence, holdout.times, holdout.groups)


def as_loss(difference: Interval, *, lower_is_better: bool) -> Interval:
    """The same difference with negative better, whatever the metric's direction."""
    if lower_is_better:
        return difference
    low = None if difference.high is None else -difference.high
    high = None if difference.low is None else -difference.low
    return replace(difference, value=-difference.value, low=low, high=high)
