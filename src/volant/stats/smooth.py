"""Neyman's smooth test over bins: has a distribution moved against a reference, in location, scale, skew or tails?

Each bin has its place in the reference (the middle of its step of the distribution function). Polynomials of that place,
orthonormal under the reference's own masses, have mean 0 and covariance I there, whatever ties, counts or excess zeros the
column has; so n times the squared length of their mean over n new rows is chi-square (Neyman 1937, Skand. Aktuarietidskr.
20; Rayner & Best 1989, "Smooth Tests of Goodness of Fit", for discrete masses). The first of them is, for a normal column,
0.98 times the shift in standard deviations.
"""

import numpy as np

DEGREE = 4
_INDEPENDENT = 1e-7


def polynomials(counts: np.ndarray, degree: int = DEGREE) -> np.ndarray:
    """Scores of each bin, shape (bins, k): k orthonormal polynomials, fewer than ``degree`` where fewer bins hold rows.

    ``counts`` (bins,): the reference's. No rows, or all of them in one bin: k = 0.
    """
    rows = counts.sum()
    degree = min(degree, int((counts > 0).sum()) - 1)
    if rows <= 0 or degree < 1:
        return np.zeros((len(counts), 0))
    mass = counts / rows
    place = 2 * (np.cumsum(mass) - mass / 2) - 1
    powers = np.polynomial.legendre.legvander(place, degree)
    _, triangle = np.linalg.qr(np.sqrt(mass)[:, None] * powers)
    kept = int(np.argmin(np.append(np.abs(np.diag(triangle)) > _INDEPENDENT, False)))
    scores = np.linalg.solve(triangle[:kept, :kept].T, powers[:, :kept].T).T[:, 1:]
    signs = np.sign(np.diag(triangle)[1:kept])
    return np.asarray(scores * signs)


def tail_weight(scores: np.ndarray, counts: np.ndarray) -> float:
    """The largest fourth moment of the scores (3 for a normal one): how slowly their mean becomes normal."""
    if scores.shape[1] == 0 or counts.sum() <= 0:
        return 0.0
    return float(np.max(counts @ scores**4) / counts.sum())
