"""The reference check of paired tests: swap the two models' answers and see how often chance does as well."""

import numpy as np

_CHUNK_CELLS = 4_000_000


def swapped(differences: np.ndarray, *, units: np.ndarray | None = None, resamples: int = 9999, seed: int = 0) -> float:
    """One-sided p of "the mean of ``differences`` (n,) is not below 0", where each could as well have had the other sign.

    ``units`` (n,): rows that belong together swap together, so that dependence within a unit is kept. The count of the data
    themselves is included, so p is never 0 and the level holds exactly (Phipson & Smyth 2010, Stat. Appl. Genet. 9).
    """
    if units is not None:
        codes = np.unique(units.astype(str), return_inverse=True)[1].reshape(-1)
        differences = np.bincount(codes, weights=differences)
    random, seen = np.random.default_rng(seed), float(differences.sum())
    limit = seen + 1e-12 * float(np.abs(differences).sum())
    chunk = max(1, _CHUNK_CELLS // max(len(differences), 1))
    as_low = 0
    for start in range(0, resamples, chunk):
        signs = random.integers(0, 2, size=(min(chunk, resamples - start), len(differences)), dtype=np.int8) * 2 - 1
        as_low += int((signs @ differences <= limit).sum())
    return (1 + as_low) / (1 + resamples)
