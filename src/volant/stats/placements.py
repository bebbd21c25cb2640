"""The area under the ROC curve as a mean over rows, so that everything that holds for means holds for it.

DeLong, DeLong & Clarke-Pearson 1988 (Biometrics 44): with k positives and m negatives a positive's *placement* is the share of
negatives below it, a negative's the share of positives above it, ties half; the AUC is the mean of either. Its variance is
``var(placements of positives)/k + var(placements of negatives)/m``. Placements from midranks in O(n log n): Sun & Xu 2014
(IEEE Signal Process. Lett. 21).
"""

import numpy as np

from volant.kernel.errors import InvalidInputError


def placements(positive: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Placement of each row, shape (n,): their means over positives and over negatives are both the AUC.

    ``positive`` (n,) bool, ``scores`` (n,) finite. ``InvalidInputError`` where one of the classes has no row.
    """
    count = int(positive.sum())
    if count in {0, len(positive)}:
        raise InvalidInputError("an AUC needs rows of both classes", found=f"{count} positive of {len(positive)} rows")
    placed = np.empty(len(positive))
    for ours in (positive, ~positive):
        others = np.sort(scores[~ours])
        below = np.searchsorted(others, scores[ours], side="left")
        upto = np.searchsorted(others, scores[ours], side="right")
        placed[ours] = (below + upto) / 2 / len(others)
    placed[~positive] = 1 - placed[~positive]
    return placed


def auc_influence(positive: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """One number per row whose mean is the AUC and whose variance, over n, is (nearly) DeLong's. Shape (n,).

    A row's deviation counts with n/k or n/m, so that groups, ties of time and dependence can be respected as for any mean.
    """
    placed, rows, count = placements(positive, scores), len(positive), int(positive.sum())
    auc = float(placed[positive].mean())
    weight = np.where(positive, rows / count, rows / (rows - count))
    return np.asarray(auc + weight * (placed - auc))


def delong_variance(positive: np.ndarray, first: np.ndarray, second: np.ndarray | None = None) -> float:
    """Variance of an AUC, or of the difference of two on the same independent rows. NaN with fewer than two rows of a class."""
    placed = placements(positive, first)
    if second is not None:
        placed = placed - placements(positive, second)
    ours, theirs = placed[positive], placed[~positive]
    if min(len(ours), len(theirs)) < 2:
        return float("nan")
    return float(ours.var(ddof=1) / len(ours) + theirs.var(ddof=1) / len(theirs))
