"""Bounds of a mean that may be looked at after every row (Waudby-Smith & Ramdas 2024, J. R. Stat. Soc. B 86, theorem 2)."""

import numpy as np


def mean_sequence(values: np.ndarray, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bounds after 1, 2, ..., n values within [0, 1]; shapes (n,). All of them hold at once with ``confidence``.

    Empirical-Bernstein with stakes that are predicted from what came before. The values need one mean given the past and not to be
    independent. ``ValueError`` for a value outside [0, 1].
    """
    found = np.asarray(values, dtype=np.float64)
    if not ((found >= 0) & (found <= 1)).all():
        raise ValueError("values lie within 0 and 1: scale them first")
    place = np.arange(1, len(found) + 1)
    means = (0.5 + np.cumsum(found)) / (place + 1)
    variances = (0.25 + np.cumsum((found - means) ** 2)) / (place + 1)
    before, spread = np.append(0.5, means)[:-1], np.append(0.25, variances)[:-1]
    alpha = 1 - confidence
    stakes = np.minimum(np.sqrt(2 * np.log(2 / alpha) / (spread * place * np.log1p(place))), 0.5)
    cost = 4 * (found - before) ** 2 * (-np.log1p(-stakes) - stakes) / 4
    total = np.cumsum(stakes)
    centre, half = np.cumsum(stakes * found) / total, (np.log(2 / alpha) + np.cumsum(cost)) / total
    low, high = np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)
    return np.maximum.accumulate(low), np.minimum.accumulate(high)
