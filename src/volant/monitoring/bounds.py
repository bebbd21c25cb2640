"""A metric in its own unit with bounds, from the row losses that stand for it."""

import math

import numpy as np

from volant.stats.blocks import MeanEstimate
from volant.stats.metrics import score
from volant.stats.names import metric_named, possible
from volant.stats.paired import interval_of
from volant.stats.predicted import Predicted

CONFIDENCE = 0.95


def in_metric(
    metric: str, target: np.ndarray, predicted: Predicted, estimate: MeanEstimate
) -> tuple[float | None, float | None, float | None]:
    """(value, low, high) of the metric; each bound holds at 95 % by itself. No bounds for metrics that are no function of a mean."""
    bounds = interval_of(estimate, CONFIDENCE)
    low, high = bounds.low, bounds.high
    if is_negated(metric):
        low, high = (None if high is None else -high), (None if low is None else -low)
    elif metric == "accuracy":
        low, high = (None if high is None else 1 - high), (None if low is None else 1 - low)
    elif metric == "rmse":
        low, high = (None if low is None else math.sqrt(max(low, 0.0))), (None if high is None else math.sqrt(max(high, 0.0)))
    elif not metric_named(metric).additive:
        low = high = None
    return score(metric, target, predicted).value, possible(metric, low), possible(metric, high)


def from_loss(metric: str, loss: float) -> float | None:
    """The metric where its mean row loss is ``loss``; None for metrics that are no function of it."""
    if is_negated(metric):
        return -loss
    if metric == "accuracy":
        return 1 - loss
    if metric == "rmse":
        return math.sqrt(max(loss, 0.0))
    return loss if metric_named(metric).additive else None


def is_negated(metric: str) -> bool:
    """Whether its row loss is the metric with the other sign: a business metric that is maximised."""
    named = metric_named(metric)
    return named.expression is not None and not named.lower_is_better
