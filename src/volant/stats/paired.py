"""Two models on the same rows: the difference with its interval, what it decides, and how many labels would decide it."""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from volant.stats.blocks import MeanEstimate, mean_of_dependent
from volant.stats.sizes import rows_needed


class Finding(Enum):
    """What a difference of losses (candidate - other; negative is better) shows against a margin >= 0."""

    BETTER = "better"  # upper bound within the margin, and the estimate below zero
    NO_BETTER = "no better"  # within the margin for sure, but the estimate is not below zero
    WORSE = "worse"  # lower bound above zero
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Interval:
    """An estimate between two bounds, each of which holds with the stated confidence by itself.

    ``low`` and ``high`` are None where no uncertainty can be computed. ``variance`` is that of the estimate.
    """

    value: float
    low: float | None
    high: float | None
    variance: float
    df: int
    rows: int


def t_quantile(confidence: float, df: int) -> float:
    """Student's t: the point that holds ``confidence`` below it."""
    from scipy.stats import t

    return float(t.ppf(confidence, df))


def t_tail(value: float, df: int) -> float:
    """P(T > value)."""
    from scipy.stats import t

    return float(t.sf(value, df))


def interval_of(estimate: MeanEstimate, confidence: float) -> Interval:
    """One-sided bounds at ``confidence`` on both sides of a mean."""
    if not estimate.known:
        return Interval(estimate.mean, None, None, 0.0, 0, estimate.rows)
    half = t_quantile(confidence, estimate.df) * math.sqrt(estimate.variance)
    return Interval(estimate.mean, estimate.mean - half, estimate.mean + half, estimate.variance, estimate.df, estimate.rows)


def paired_difference(
    candidate: np.ndarray, other: np.ndarray, confidence: float, times: np.ndarray | None = None, groups: np.ndarray | None = None
) -> Interval:
    """Mean of ``candidate - other`` (row losses, shape (n,), n >= 1) with bounds; dependence as in :mod:`blocks`."""
    return interval_of(mean_of_dependent(candidate - other, times, groups), confidence)


def judge(difference: Interval, margin: float) -> Finding:
    """Non-inferiority with a margin >= 0, and better in the estimate. For losses; flip the sign of scores first."""
    if difference.low is None or difference.high is None:
        return Finding.UNDECIDED
    if difference.low > 0:
        return Finding.WORSE
    if difference.high <= margin:
        return Finding.BETTER if difference.value < 0 else Finding.NO_BETTER
    return Finding.UNDECIDED


def worse_p_value(difference: Interval, margin: float) -> float:
    """One-sided p of "the true difference is at most ``margin``"; small says that the slice is worse than allowed."""
    if difference.df == 0:
        return 1.0
    if difference.variance <= 0:
        return 0.0 if difference.value > margin else 1.0
    return t_tail((difference.value - margin) / math.sqrt(difference.variance), difference.df)


def labels_to_decide(difference: Interval, margin: float, confidence: float) -> int | None:
    """Further labels after which the check will probably (80 %) be decided, if the difference stays as measured."""
    if difference.df == 0:
        return None
    gaps = [margin - difference.value, *([difference.value] if difference.value > 0 else [])]
    found = [way for gap in gaps if (way := _rows_to_decide(difference, gap, confidence)) is not None]
    return max(min(found) - difference.rows, 1) if found else None


def _rows_to_decide(difference: Interval, gap: float, confidence: float) -> int | None:
    """With so many rows in all a bound is nearer than ``gap``: probably, and at least if it is drawn as it is now."""
    row_variance = difference.variance * difference.rows
    needed = rows_needed(row_variance, gap, confidence)
    if needed is None:
        return None
    return max(needed, math.ceil(row_variance * (t_quantile(confidence, difference.df) / gap) ** 2))
