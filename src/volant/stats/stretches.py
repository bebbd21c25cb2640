"""A mean over time that is to hold for the time to come, not only for the rows that were seen.

What decides between two ways to go on is which stretches of time come, and of those a history holds few, however many rows it
has. Here the series is cut into a few equal stretches of neighbours, and the means of these are compared with Student's t: valid
for stretches of different spread and for rows that depend on their neighbours (Ibragimov & Mueller 2010, "t-statistic based
correlation and heterogeneity robust inference", J. Bus. Econ. Stat. 28; they use 8 and 16).
"""

import numpy as np

from volant.stats.blocks import MeanEstimate

STRETCHES = 8


def mean_of_stretches(values: np.ndarray, stretches: int = STRETCHES) -> MeanEstimate:
    """Mean of ``values`` (n,), finite, in time order, n >= 1, and its variance between stretches; df is 0 for one row."""
    parts = np.array_split(np.asarray(values, dtype=float), min(stretches, len(values)))
    means, shares = np.array([part.mean() for part in parts]), np.array([len(part) for part in parts]) / len(values)
    mean, count = float(shares @ means), len(parts)
    variance = float(((means - mean) ** 2).sum()) / (count * (count - 1)) if count > 1 else 0.0
    return MeanEstimate(mean, variance, count - 1, len(values), count)
