"""Two classifiers on the same rows, judged by the rows on which only one of them is right (McNemar 1947, Psychometrika 12)."""

import numpy as np


def mcnemar(first_only: np.ndarray | int, second_only: np.ndarray | int, *, mid: bool = False) -> np.ndarray:
    """One-sided exact p of "the first is right no more often than the second". Any shapes that broadcast.

    ``first_only`` counts rows where only the first is right, ``second_only`` those where only the second is:
    ``P(Bin(b + c, 1/2) >= b)``. ``mid`` takes half of the outcome seen, which is less strict where counts are small
    (Fagerland, Lydersen & Laake 2013, BMC Med. Res. Methodol. 13). 1 (mid: 1/2) where the two never differ. Rows must be independent.
    """
    from scipy.stats import binom

    ours, theirs = np.asarray(first_only), np.asarray(second_only)
    if (ours < 0).any() or (theirs < 0).any():
        raise ValueError("counts of rows cannot be negative")
    tail = binom.sf(ours - 1, ours + theirs, 0.5)
    return np.asarray(tail - 0.5 * binom.pmf(ours, ours + theirs, 0.5) if mid else tail)
