"""How many labels a decision needs. Light: the control process says it without numpy."""

import math
from statistics import NormalDist

POWER = 0.8
_MOST_LABELS = 1_000_000_000


def z_of(confidence: float) -> float:
    """The point of the standard normal distribution that holds ``confidence`` below it."""
    return NormalDist().inv_cdf(confidence)


def rows_needed(row_variance: float, distance: float, confidence: float, power: float = POWER) -> int | None:
    """``n = (z_{1-a} + z_{1-b})^2 var / distance^2`` (reference statistics, section 4); None where it has no end.

    ``row_variance`` is the variance of the mean times n, so dependence between rows is inside it.
    """
    if distance <= 0 or row_variance < 0:
        return None
    z = z_of(confidence) + z_of(power)
    needed = z * z * row_variance / (distance * distance)
    return math.ceil(needed) if needed < _MOST_LABELS else None
