"""Student's t for whole degrees of freedom, in the standard library alone: the control process decides with it.

By the finite series of the distribution (Abramowitz & Stegun 1964, 26.7.3 and 26.7.4), bisected.
"""

import math
from statistics import NormalDist

_MANY = 500


def t_point(share: float, df: int | None) -> float:
    """The point that holds ``share`` (0.5 to 1) below it; the normal distribution's for many degrees, and for None."""
    if df is None or df > _MANY:
        return NormalDist().inv_cdf(share)
    degrees = max(df, 1)
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _between(middle, degrees) < 2 * share - 1 else (low, middle)
    return math.tan(low) * math.sqrt(degrees)


def _between(angle: float, df: int) -> float:
    """P(|T| <= t) for ``t = sqrt(df) tan(angle)``."""
    cosine, term, total = math.cos(angle), 1.0, 0.0
    if df % 2:
        term = cosine
        for number in range(1, df - 1, 2):
            total += term
            term *= cosine * cosine * (number + 1) / (number + 2)
        return 2 / math.pi * (angle + math.sin(angle) * total)
    for number in range(0, df - 1, 2):
        total += term
        term *= cosine * cosine * (number + 1) / (number + 2)
    return math.sin(angle) * total
