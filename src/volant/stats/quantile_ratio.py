"""How many times as large a high quantile of one sample is as another's, for pairs measured on the same things."""

import numpy as np

_RESAMPLES = 1000


def quantile_ratio(mine: np.ndarray, theirs: np.ndarray, level: float, seed: int, confidence: float = 0.95) -> tuple[float, float, float]:
    """Ratio of the ``level`` quantiles of two positive samples (n,), n >= 1, with one-sided bounds at ``confidence`` on both sides.

    Percentile bootstrap over the pairs (Efron & Tibshirani 1993, "An introduction to the bootstrap", chapter 13).
    """
    rows = np.random.default_rng(seed).integers(0, len(mine), size=(_RESAMPLES, len(mine)))
    ratios = _quantile(mine[rows], level) / _quantile(theirs[rows], level)
    low, high = np.quantile(ratios, [1 - confidence, confidence])
    return float(_quantile(mine[None, :], level)[0] / _quantile(theirs[None, :], level)[0]), float(low), float(high)


def _quantile(values: np.ndarray, level: float) -> np.ndarray:
    return np.asarray(np.quantile(values, level, axis=1, method="higher"), dtype=np.float64)
