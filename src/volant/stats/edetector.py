"""Accumulating evidence over windows: small shifts that no single window shows, with few false alarms however long one looks.

From a p-value the e-value ``(1 - p + p ln p) / (p ln^2 p)`` (Vovk & Wang 2021, Ann. Stat. 49: the mean over all
calibrators kappa p^(kappa-1)); its Shiryaev-Roberts sum ``M = (M + 1) e`` is an e-detector (Shin, Ramdas & Rinaldo 2024, New
England J. Stat. Data Sci. 2): an alarm when the average over columns reaches ``LIMIT`` comes, without a change, no sooner than
after ``LIMIT`` windows on average. Windows that resemble each other in runs of r count as one: ``e^(1/r)``, the geometric mean
of r e-values, is an e-value however they depend (Hoelder).
"""

import numpy as np

LIMIT = 1000.0
ROOM = 2.0
"""A sum stops growing this far above what one column alone needs, so that an alarm ends soon after its cause."""


def e_values(p: np.ndarray) -> np.ndarray:
    """Of p-values in (0, 1], any shape."""
    p = np.minimum(p, 1 - 1e-6)
    log = np.log(p)
    return np.asarray((1 - p + p * log) / (p * log * log))


def detector_sums(p: np.ndarray, runs: np.ndarray) -> np.ndarray:
    """The sums after each window, shape (windows, columns) like the p-values; ``runs`` (columns,) or the like.

    NaN where a column was not judged in a window: its sum stays.
    """
    known = np.isfinite(p)
    factors = np.where(known, e_values(np.where(known, p, 1.0)) ** (1.0 / runs), 1.0)
    most = LIMIT * ROOM * max(p.shape[1], 1)
    sums, total = np.zeros(p.shape), np.zeros(p.shape[1])
    for number in range(len(p)):
        total = np.where(known[number], np.minimum((total + 1.0) * factors[number], most), total)
        sums[number] = total
    return sums


def change_before(p: np.ndarray, alarm: int) -> int:
    """The window (up to ``alarm``) with which the evidence most likely began: from there on its logarithms add up to most."""
    logs = np.log(e_values(np.where(np.isfinite(p), p, 1.0)[: alarm + 1]))
    return int(alarm - np.argmax(np.cumsum(logs[::-1])))


def named_columns(sums: np.ndarray) -> np.ndarray:
    """Which columns are behind an alarm, shape of ``sums`` (windows, columns): the e-BH procedure (Wang & Ramdas 2022, JRSS B
    84) at level 1 / ``LIMIT``, and at least the largest. Nowhere where the average is below ``LIMIT``.
    """
    columns = sums.shape[1]
    if columns == 0:
        return np.zeros(sums.shape, dtype=bool)
    order = np.argsort(-sums, axis=1, kind="stable")
    ranked = np.take_along_axis(sums, order, axis=1)
    enough = ranked * np.arange(1, columns + 1) >= LIMIT * columns
    count = np.where(enough.any(axis=1), columns - np.argmax(enough[:, ::-1], axis=1), 1)
    chosen = np.arange(columns) < np.where(sums.mean(axis=1) >= LIMIT, count, 0)[:, None]
    found = np.zeros(sums.shape, dtype=bool)
    np.put_along_axis(found, order, chosen, axis=1)
    return found
