"""Both arms' losses in figures that a reviewer knows: by the metric's name and in its unit."""

import math

from volant.config.metric_text import metric_label
from volant.deployments.model import LossCounts, Rollout
from volant.kernel.codec import Value
from volant.stats.evalues import log_wealth
from volant.stats.names import metric_named


class Compared(Value, frozen=True, kw_only=True):
    """The metric of both arms over rows with a label: those that both scored (``paired``), or each over its own.

    ``harm``: these rows speak for the candidate being worse.
    """

    paired: bool
    metric: str
    champion: float
    champion_rows: int
    candidate: float
    candidate_rows: int
    harm: bool


def compared(rollout: Rollout) -> tuple[Compared, ...]:
    """Shadow first, then canary; only those of which both arms have labelled rows."""
    if rollout.losses is None:
        return ()
    groups = [[part for part in rollout.losses.parts if part.paired is paired] for paired in (True, False)]
    return tuple(_compared(rollout.losses.metric, group) for group in groups if _has_both(group))


def _has_both(group: list[LossCounts]) -> bool:
    return any(part.champion_rows for part in group) and any(part.candidate_rows for part in group)


def _compared(metric: str, group: list[LossCounts]) -> Compared:
    champion_rows, candidate_rows = sum(part.champion_rows for part in group), sum(part.candidate_rows for part in group)
    champion = math.fsum(part.champion_loss for part in group) / champion_rows
    candidate = math.fsum(part.candidate_loss for part in group) / candidate_rows
    name, champion = _in_metric(metric, champion)
    return Compared(
        paired=group[0].paired,
        metric=name,
        champion=champion,
        champion_rows=champion_rows,
        candidate=_in_metric(metric, candidate)[1],
        candidate_rows=candidate_rows,
        harm=log_wealth(part.wager for part in group) > 0,
    )


def _in_metric(metric: str, loss: float) -> tuple[str, float]:
    """Name and value: the metric where it is a function of the mean loss, else the loss that stands for it."""
    if metric == "accuracy":
        return metric, 1 - loss
    if metric == "rmse":
        return metric, math.sqrt(loss)
    named = metric_named(metric)
    if named.expression is not None:
        return metric_label(metric), loss if named.lower_is_better else -loss
    return named.row_loss, loss
