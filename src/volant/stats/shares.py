"""A share of rows with bounds that hold at 0 and 1 too, where rows depend on each other.

Clopper & Pearson (1934, Biometrika 26) at the number of independent rows that the variance is worth (Korn & Graubard 1998,
Survey Methodology 24): exact for independent rows, and never narrower than that.
"""

import numpy as np

from volant.stats.blocks import mean_of_dependent
from volant.stats.paired import Interval, t_quantile


def share_of(hits: np.ndarray, confidence: float, times: np.ndarray | None = None, groups: np.ndarray | None = None) -> Interval | None:
    """Share of true values in ``hits`` (n,) with one-sided bounds at ``confidence`` on both sides; None of no rows."""
    from scipy.stats import beta

    rows = len(hits)
    if rows == 0:
        return None
    estimate = mean_of_dependent(np.asarray(hits, dtype=np.float64), times, groups)
    share = estimate.mean
    worth = _independent(share, estimate.variance, estimate.df, rows, confidence)
    count = share * worth
    low = float(beta.ppf(1 - confidence, count, worth - count + 1)) if share > 0 else 0.0
    high = float(beta.ppf(confidence, count + 1, worth - count)) if share < 1 else 1.0
    return Interval(share, low, high, max(estimate.variance, share * (1 - share) / rows), max(estimate.df, 1), rows)


def _independent(share: float, variance: float, df: int, rows: int, confidence: float) -> float:
    if variance <= 0 or df < 1 or rows < 2:
        return float(rows)
    worth = share * (1 - share) / variance * (t_quantile(confidence, rows - 1) / t_quantile(confidence, df)) ** 2
    return float(np.clip(worth, 1.0, rows))
