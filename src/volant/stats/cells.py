"""Has one category of many gained or lost rows? A test that knows where to look, beside the chi-square that looks everywhere.

The chi-square spreads its power over all k directions; a move of one category of ten is found far more often by the largest
single cell, with Bonferroni's factor for having looked at all of them. Both together cost a factor of two (``either``).
"""

import numpy as np

from volant.stats.shifts import LEAST_P, exact_share_p, pooled_cells

MANY = 5
"""Of fewer cells the chi-square has as few directions as there are cells to look at."""
_EXACT = 200.0


def strongest_cell(before: np.ndarray, after: np.ndarray, tolerated: float, design: float = 1.0) -> tuple[float, float]:
    """(p of "no change", p of "no cell moved by more than ``tolerated``", Cohen's w of its own) of the cell that moved most, for
    counts (k,); both count that all were looked at. (1, 1) with fewer than ``MANY`` cells.

    ``design``: how much more shares vary than those of independent rows.
    """
    m, n = float(before.sum()), float(after.sum())
    if min(m, n) <= 0:
        return 1.0, 1.0
    before, after = pooled_cells(before, after)
    if len(before) < MANY:
        return 1.0, 1.0
    share = (before + after) / (m + n)
    unit = np.sqrt(np.maximum(share * (1 - share), 1e-12) * (1 / m + 1 / n) * design)
    z = np.abs(after / n - before / m) / unit
    place = int(np.argmax(z))
    exact = exact_share_p(int(before[place]), int(m), int(after[place]), int(n), enough=_EXACT)
    free = np.sqrt(m * n / (m + n) / design) * tolerated
    none, beyond = max(_two_sided(z[place], 0.0), exact), _two_sided(z[place], free)
    return min(1.0, max(len(z) * none, LEAST_P)), min(1.0, max(len(z) * max(beyond, none), LEAST_P))


def either(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The p-value of two tests of one thing, of which either may speak; an ``other`` that said nothing (1) costs nothing."""
    return np.where(other >= 1.0, one, np.minimum(2 * np.minimum(one, other), 1.0))


def _two_sided(z: float, mean: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(mean - z) + ndtr(-mean - z))
