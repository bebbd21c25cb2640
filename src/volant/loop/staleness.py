"""What a stale champion costs, and what it is going to cost: two triggers that look at losses and not at the calendar.

*Exceeded*: the loss beyond the reference, summed over all rows that were answered since the last training began, is more than a
retrain costs (the cumulative trigger of CARA, Mahadevan & Mathioudakis 2024, *Knowledge-Based Systems* 284). It falls as well as
it rises, but not below zero: what was good before is no credit.

*Forecast*: a straight line through the windows' losses since the release, carried on to the instant at which a training that began
now would be felt (its duration and the label delay ahead). It asks once the line's lower bound lies above the upper bound of the
reference. The k-th look spends ``6 SPENT / (pi^2 k^2)`` of a false alarm, so that all looks at one champion together spend at most
``SPENT``, where windows' losses scatter about a line independently of each other.

Standard library only: the control process decides with it.
"""

import math
from collections.abc import Sequence

from volant.kernel.codec import Value
from volant.loop.performance import FEWEST_LABELS, reference_bound
from volant.loop.student import t_point
from volant.monitoring.model import WindowEvidence

SPENT = 0.05
FEWEST_WINDOWS = 4


class Excess(Value, frozen=True, kw_only=True):
    """Loss beyond the reference so far, in row loss times rows, over ``rows`` answered in ``windows``; where it began to grow."""

    loss: float
    rows: int
    windows: int
    since_us: int | None


class Forecast(Value, frozen=True, kw_only=True):
    """The loss to be expected at ``at``, its lower bound at this look, and the ``bound`` of the reference."""

    fired: bool
    windows: int
    at: int
    loss: float | None = None
    low: float | None = None
    bound: float | None = None


def excess_loss(windows: Sequence[WindowEvidence], reference_loss: float, since: int | None) -> Excess:
    """Over windows that began at ``since`` or later (None: all). Rows without a label count as those with one in their window."""
    total, rows, began = 0.0, 0, None
    usable = [window for window in _usable(windows) if since is None or window.from_us >= since]
    for window in usable:
        before, total = total, max(total + ((window.loss or 0.0) - reference_loss) * window.rows, 0.0)
        rows, began = (0, None) if total == 0 else (rows + window.rows, window.from_us if before == 0 else began)
    return Excess(loss=total, rows=rows, windows=len(usable), since_us=began)


def forecast(
    windows: Sequence[WindowEvidence], reference_loss: float, reference_variance: float | None, reference_df: int | None, at: int
) -> Forecast:
    """Whether the champion's loss is going to be above its reference at the instant ``at``."""
    usable = _usable(windows)
    bound = reference_bound(reference_loss, reference_variance, reference_df)
    if len(usable) < FEWEST_WINDOWS:
        return Forecast(fired=False, windows=len(usable), at=at, bound=bound)
    look = len(usable) - FEWEST_WINDOWS + 1
    confidence = 1 - 6 * SPENT / (math.pi * look) ** 2
    loss, deviation = _carried_on([(_middle(window), window.loss or 0.0, window.labelled) for window in usable], at)
    low = loss - t_point(confidence, len(usable) - 2) * deviation
    return Forecast(fired=low > bound, windows=len(usable), at=at, loss=loss, low=low, bound=bound)


def _carried_on(points: Sequence[tuple[float, float, int]], at: int) -> tuple[float, float]:
    """(instant, loss, labels) to the loss at ``at`` on the line through them, weighted by labels, and its standard deviation."""
    total = sum(weight for _, _, weight in points)
    centre = sum(weight * instant for instant, _, weight in points) / total
    mean = sum(weight * loss for _, loss, weight in points) / total
    spread = sum(weight * (instant - centre) ** 2 for instant, _, weight in points)
    slope = sum(weight * (instant - centre) * (loss - mean) for instant, loss, weight in points) / spread if spread else 0.0
    beyond = at - centre
    left = sum(weight * (loss - mean - slope * (instant - centre)) ** 2 for instant, loss, weight in points) / (len(points) - 2)
    return mean + slope * beyond, math.sqrt(left * (1 / total + (beyond**2 / spread if spread else 0.0)))


def _middle(window: WindowEvidence) -> float:
    return (window.from_us + window.to_us) / 2


def _usable(windows: Sequence[WindowEvidence]) -> list[WindowEvidence]:
    """Those whose loss rests on enough labels, oldest first."""
    ordered = sorted(windows, key=lambda window: window.from_us)
    return [window for window in ordered if window.labelled >= FEWEST_LABELS and window.loss is not None]
