"""Numbers about drift that people know from other tools, exactly as those tools define them. They inform; they never alarm.

Names end in the tool whose definition it is: Evidently 0.7 or NannyML 0.13. Null and infinite values are dropped before.
From every distinct value with its counts the results are theirs; from a histogram, with one value for each bin, they are near.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

FROM_ROWS = "ks p (evidently)"
"""A p-value that a histogram is too coarse for."""
_FEW_VALUES = 20
_NANNYML_EXACT = 10_000
_NANNYML_BINS = 10_000
_LEAST_SHARE = 0.0001
_LEAST_SD = 0.001


@dataclass(frozen=True)
class Counted:
    """Distinct ``values`` (k,) in ascending order with their counts ``before`` and ``after``, both (k,) and neither all 0.

    ``whole``: the rows were integers, whose bins Evidently's histogram never makes narrower than 1.
    """

    values: np.ndarray
    before: np.ndarray
    after: np.ndarray
    whole: bool = False


def counted(before: np.ndarray, after: np.ndarray) -> Counted:
    """From rows (m,) and (n,) of finite numbers."""
    values = np.unique(np.concatenate([before, after]))
    counts = [np.bincount(np.searchsorted(values, rows), minlength=len(values)).astype(float) for rows in (before, after)]
    return Counted(values.astype(float), counts[0], counts[1], whole=before.dtype.kind in "iu" and after.dtype.kind in "iu")


def numbers_compared(rows: Counted, without: Collection[str] = ()) -> dict[str, float]:
    """Every statistic for numbers but those ``without``, by name."""
    return {name: measure(rows) for name, measure in NUMBERS.items() if name not in without}


def categories_compared(before: np.ndarray, after: np.ndarray) -> dict[str, float]:
    """Every statistic for categories, from counts (k,) of the same categories, by name."""
    return {name: measure(before, after) for name, measure in CATEGORIES.items()}


def psi(p: np.ndarray, q: np.ndarray) -> float:
    """Population stability index of shares: empty cells count 0.0001, or a millionth of the smallest share below that."""
    p, q = _filled(p), _filled(q)
    return float(np.sum((p - q) * np.log(p / q)))


def _filled(share: np.ndarray) -> np.ndarray:
    least = float(share[share != 0].min())
    return np.where(share == 0, least / 10**6 if least <= _LEAST_SHARE else _LEAST_SHARE, share)


def jensen_shannon(p: np.ndarray, q: np.ndarray, base: float | None = None) -> float:
    """The distance (the divergence's root); natural logarithm without ``base``."""
    p, q = p / p.sum(), q / q.sum()
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(p > 0, p * np.log(p / middle), 0.0).sum() + np.where(q > 0, q * np.log(q / middle), 0.0).sum()
    return float(np.sqrt(max(parts / 2, 0.0) / (np.log(base) if base else 1.0)))


def hellinger(p: np.ndarray, q: np.ndarray) -> float:
    """Hellinger distance of shares, 0 to 1."""
    return float(np.sqrt(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2)) / np.sqrt(2))


def chi_square_p_evidently(before: np.ndarray, after: np.ndarray) -> float:
    """Of the window against the reference taken as exact: 0 where the window has a category that the reference has not."""
    from scipy.special import chdtrc

    expected = before * (after.sum() / before.sum())
    if np.any((expected == 0) & (after > 0)):
        return 0.0
    kept = expected > 0
    return float(chdtrc(len(before) - 1, float(((after - expected)[kept] ** 2 / expected[kept]).sum()))) if len(before) > 1 else 1.0


def chi_square_nannyml(before: np.ndarray, after: np.ndarray) -> float:
    """The two-sample statistic, with Yates' correction where there are two categories."""
    table = np.array([before, after])
    expected = table.sum(axis=0) * table.sum(axis=1, keepdims=True) / table.sum()
    gap = np.abs(table - expected)
    if table.shape[1] == 2:
        gap -= np.minimum(0.5, gap)
    return float((gap**2 / expected).sum())


def l_infinity(p: np.ndarray, q: np.ndarray) -> float:
    """The largest difference of shares."""
    return float(np.max(np.abs(p - q)))


def ks_p_evidently(rows: Counted) -> float:
    """The two-sample Kolmogorov-Smirnov p-value: exact for up to 10,000 rows, else asymptotic, as SciPy decides it."""
    from scipy.stats import ks_2samp, kstwo

    m, n = rows.before.sum(), rows.after.sum()
    if max(m, n) <= _NANNYML_EXACT and _are_whole(rows.before) and _are_whole(rows.after):
        sides = (np.repeat(rows.values, counts.astype(np.int64)) for counts in (rows.before, rows.after))
        return float(ks_2samp(*sides).pvalue)
    return float(np.clip(kstwo.sf(_ks(rows), np.round(m * n / (m + n))), 0, 1))


def _are_whole(counts: np.ndarray) -> bool:
    return bool(np.all(counts == np.floor(counts)))


def _ks(rows: Counted) -> float:
    return float(np.max(np.abs(np.cumsum(rows.before) / rows.before.sum() - np.cumsum(rows.after) / rows.after.sum())))


def ks_nannyml(rows: Counted) -> float:
    """The statistic D: from rows below 10,000 of the reference, else over 10,000 bins of equal width."""
    if rows.before.sum() < _NANNYML_EXACT:
        return _ks(rows)
    low, high = _reach(rows.values, rows.before)
    edges = np.linspace(low, high, _NANNYML_BINS + 1)
    before = np.cumsum(_in_bins(rows.values, edges, rows.before)) / rows.before.sum()
    below = rows.after[rows.values < low].sum()
    after = (below + np.cumsum(_in_bins(rows.values, edges, rows.after))) / rows.after.sum()
    return float(np.max(np.abs(before - after)))


def _in_bins(values: np.ndarray, edges: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """What numpy.histogram says of weighted values, in far less time where there are fewer values than bins."""
    place = np.searchsorted(edges, values, side="right") - 1
    place[values == edges[-1]] = len(edges) - 2
    inside = (place >= 0) & (place < len(edges) - 1)
    return np.bincount(place[inside], counts[inside], len(edges) - 1)


def _reach(values: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    held = values[counts > 0]
    return float(held[0]), float(held[-1])


def wasserstein_evidently(rows: Counted) -> float:
    """First Wasserstein distance over the reference's standard deviation, which counts as 0.001 at least."""
    mean = float(rows.values @ rows.before / rows.before.sum())
    sd = float(np.sqrt((rows.values - mean) ** 2 @ rows.before / rows.before.sum()))
    return _wasserstein(rows) / max(sd, _LEAST_SD)


def _wasserstein(rows: Counted) -> float:
    gaps = np.cumsum(rows.before)[:-1] / rows.before.sum() - np.cumsum(rows.after)[:-1] / rows.after.sum()
    return float(np.sum(np.abs(gaps) * np.diff(rows.values)))


def wasserstein_nannyml(rows: Counted) -> float:
    """Not normed: from rows below 10,000 of the reference, else over 10,000 bins with what lies outside added (its way)."""
    if rows.before.sum() < _NANNYML_EXACT:
        return _wasserstein(rows)
    values, total = rows.values, rows.after.sum()
    low, high = _reach(values, rows.before)
    edges = np.linspace(low, high, _NANNYML_BINS + 1)
    before = np.cumsum(_in_bins(values, edges, rows.before)) / rows.before.sum()
    after = np.cumsum(_in_bins(values, edges, rows.after)) / total
    under, over = (values < low) & (rows.after > 0), (values > high) & (rows.after > 0)
    smaller = _outside(np.append(values[under], low), np.append(rows.after[under], 1.0), lower=True)
    bigger = _outside(np.append(high, values[over]), np.append(1.0, rows.after[over]), lower=False)
    amount = (rows.after[under].sum() + 1) / total if under.any() else 0.0
    beyond = (rows.after[over].sum() + 1) / total
    within = float(np.sum(np.abs(before - (after + amount)) * (edges[1] - edges[0])))
    return float(within + smaller * amount + bigger * beyond)


def _outside(values: np.ndarray, counts: np.ndarray, *, lower: bool) -> float:
    share = np.cumsum(counts) / counts.sum()
    return float(np.sum((share if lower else 1 - share)[:-1] * np.diff(values)))


def _evidently_shares(rows: Counted) -> tuple[np.ndarray, np.ndarray]:
    """Equal width by Sturges' rule over both; one cell for each value where the reference has at most 20 of them."""
    if int((rows.before > 0).sum()) <= _FEW_VALUES:
        return rows.before / rows.before.sum(), rows.after / rows.after.sum()
    low, high, total = rows.values[0], rows.values[-1], rows.before.sum() + rows.after.sum()
    width = (high - low) / (np.log2(total) + 1.0)
    if rows.whole and width < 1:
        width = 1.0
    edges = np.linspace(low, high, int(np.ceil((high - low) / width)) + 1)
    return _shares(rows, edges)


def _shares(rows: Counted, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    before, after = (_in_bins(rows.values, edges, counts) / counts.sum() for counts in (rows.before, rows.after))
    return before, after


def _nannyml_shares(rows: Counted) -> tuple[np.ndarray, np.ndarray]:
    """Equal width by Doane's rule over the reference, and one more bin for what lies outside."""
    before, after = _shares(rows, _doane(rows.values[rows.before > 0], rows.before[rows.before > 0]))
    rest = 1 - float(np.sum(after))
    return (np.append(before, 0.0), np.append(after, rest)) if rest > 0 else (before, after)


def _doane(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    rows, (low, high) = float(counts.sum()), (float(values[0]), float(values[-1]))
    if low == high:
        return np.linspace(low - 0.5, high + 0.5, 2)
    mean = float(values @ counts) / rows
    sd = float(np.sqrt((values - mean) ** 2 @ counts / rows))
    bins = 1
    if rows > 2 and sd > 0:
        skew = abs(float(((values - mean) / sd) ** 3 @ counts / rows))
        bins = int(np.ceil(1.0 + np.log2(rows) + np.log2(1.0 + skew / np.sqrt(6.0 * (rows - 2) / ((rows + 1.0) * (rows + 3))))))
    return np.linspace(low, high, bins + 1)


def _of_shares(
    measure: Callable[..., float], cut: Callable[[Counted], tuple[np.ndarray, np.ndarray]], **more: Any
) -> Callable[[Counted], float]:
    return lambda rows: measure(*cut(rows), **more)


def _of_counts(measure: Callable[..., float], **more: Any) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda before, after: measure(before / before.sum(), after / after.sum(), **more)


def _unseen_together(measure: Callable[..., float], **more: Any) -> Callable[[np.ndarray, np.ndarray], float]:
    """NannyML keeps the reference's categories, and one for everything else."""

    def over(before: np.ndarray, after: np.ndarray) -> float:
        p, q = before / before.sum(), after / after.sum()
        seen = before > 0
        rest = 1 - float(np.sum(q[seen]))
        return float(measure(np.append(p[seen], 0.0), np.append(q[seen], rest), **more) if rest > 0 else measure(p[seen], q[seen], **more))

    return over


NUMBERS: dict[str, Callable[[Counted], float]] = {
    "psi (evidently)": _of_shares(psi, _evidently_shares),
    "js (evidently)": _of_shares(jensen_shannon, _evidently_shares),
    "wasserstein (evidently)": wasserstein_evidently,
    FROM_ROWS: ks_p_evidently,
    "js (nannyml)": _of_shares(jensen_shannon, _nannyml_shares, base=2),
    "hellinger (nannyml)": _of_shares(hellinger, _nannyml_shares),
    "wasserstein (nannyml)": wasserstein_nannyml,
    "ks (nannyml)": ks_nannyml,
}
CATEGORIES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "psi (evidently)": _of_counts(psi),
    "js (evidently)": _of_counts(jensen_shannon),
    "chi-square p (evidently)": chi_square_p_evidently,
    "js (nannyml)": _unseen_together(jensen_shannon, base=2),
    "hellinger (nannyml)": _unseen_together(hellinger),
    "l-infinity (nannyml)": _of_counts(l_infinity),
    "chi-square (nannyml)": chi_square_nannyml,
}
