"""How far a window's distribution is from the reference's, on one scale for every column, against a tolerance.

The *effect* is the length of the mean score (``smooth.py``): a shift in standard deviations for numbers, Cohen's w for
categories, Cohen's h for shares. It does not grow with the number of rows. The p-value is of the hypothesis that the effect
is at most the tolerance: a reference of m rows and a world that never stands still make "exactly zero" false everywhere.

With v the variance of a score's mean (design effects of window and reference included) and k the degrees of freedom,
size^2 / v is noncentral chi-square about effect^2 / v. Design effects that are estimated, and scores with heavy tails, make
it F instead; it is brought to the chi-square scale by its tail area.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TOLERANCE = 0.03
_SMALLEST_EXPECTED = 5.0
_LARGE = 1e4
_MOST_GROUPS = 64
_TINY = 1e-300
LEAST_P = 1e-12
"""No p-value is said to be smaller: sums of evidence stay finite, and nobody believes it anyway."""


@dataclass(frozen=True)
class Shift:
    """Effects (w,) of w windows with their 95 % intervals; ``p``-values of "at most the tolerance", and of ``none``: no change."""

    effect: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    none: np.ndarray


@dataclass(frozen=True)
class Noise:
    """What there is without any change, for each of w windows: the ``variance`` of a score's mean, ``k`` degrees of freedom of
    which ``share`` are left, and ``df`` of the estimate (infinite: known). ``strongest`` is the variance of the direction in which
    there is most noise, known from so many ``stretches`` of rows (0: no direction stands out).
    """

    variance: np.ndarray
    k: np.ndarray
    share: np.ndarray
    df: np.ndarray
    strongest: np.ndarray
    stretches: np.ndarray


def tolerance(k: float, reference_rows: float, least: float = TOLERANCE) -> float:
    """What counts as no change: never less than the error of the reference itself."""
    return max(least, float(np.sqrt(k / max(reference_rows, 1.0))))


def judged(size: np.ndarray, noise: Noise, tolerated: float | np.ndarray) -> Shift:
    """From the squared length of the mean score (w,) of each window to effects."""
    from scipy.special import chdtrc, chndtr

    k = np.maximum(noise.k * noise.share, 1.0)
    unit = noise.variance * noise.k / k
    x = _as_chi_square(size / unit, k, noise.df)
    p = np.maximum(1.0 - chndtr(x, k, np.square(tolerated) / unit), _in_one_direction(size, noise, tolerated))
    none = np.maximum(chdtrc(k, x), _in_one_direction(size, noise, 0.0))
    low, high = _bound(x, k, 0.975) * np.sqrt(unit), _bound(size / unit, k, 0.025) * np.sqrt(unit)
    effect = np.sqrt(np.maximum(size - k * unit, 0.0))
    return Shift(effect, np.minimum(low, effect), np.maximum(high, effect), np.clip(p, LEAST_P, 1.0), np.clip(none, LEAST_P, 1.0))


def lasting_p(size: np.ndarray, noise: Noise, tolerated: float | np.ndarray) -> np.ndarray:
    """As ``judged`` says it, for evidence that is added up: an estimate that errs does so in every window alike, so instead of
    its average error the noise is taken at the upper end of its 99 % interval, as known.
    """
    sure = Noise(
        variance=noise.variance * _at_most(noise.df),
        k=noise.k,
        share=noise.share,
        df=np.full_like(noise.variance, np.inf),
        strongest=noise.strongest * _at_most(noise.stretches - 1),
        stretches=np.full_like(noise.variance, np.inf),
    )
    return judged(size, sure, tolerated).p


def _at_most(df: np.ndarray) -> np.ndarray:
    """By what an estimated variance is to be multiplied so that it is at least the true one, but for one time in a hundred."""
    from scipy.special import chdtri

    known = np.isfinite(df)
    some = np.maximum(np.where(known, df, 1.0), 1.0)
    return np.where(known, some / chdtri(some, 0.99), 1.0)


def _as_chi_square(x: np.ndarray, k: np.ndarray, df: np.ndarray) -> np.ndarray:
    """From ``k`` times a variable of the F distribution with (k, df) to the chi-square with the same tail area."""
    from scipy.special import chdtri, fdtrc

    known = np.isfinite(df)
    tail = np.maximum(fdtrc(k, np.where(known, df, 1.0), x / k), _TINY)
    return np.where(known, np.minimum(chdtri(k, tail), x), x)


def _in_one_direction(size: np.ndarray, noise: Noise, tolerated: float | np.ndarray) -> np.ndarray:
    """The p-value if all that is unusual lies in the direction of most noise: far out, no other direction matters."""
    from scipy.special import chndtr

    one = np.ones_like(size)
    rest = np.maximum(noise.k * noise.variance - noise.strongest, 0.0)
    strongest = np.where(noise.strongest > 0, noise.strongest, 1.0)
    x = _as_chi_square(np.maximum(size - rest, 0.0) / strongest, one, noise.stretches - 1)
    return np.where(noise.strongest > 0, 1.0 - chndtr(x, one, np.square(tolerated) / strongest), 0.0)


def _bound(x: np.ndarray, k: np.ndarray, level: float) -> np.ndarray:
    """The noncentrality's root at which the noncentral chi-square's distribution function at x is ``level``."""
    from scipy.special import chndtr, chndtrinc, ndtri

    near = np.minimum(x, _LARGE)
    with np.errstate(all="ignore"):
        exact = chndtrinc(near, k, level)
    reachable = chndtr(near, k, 0.0) > level
    far = np.maximum(np.sqrt(np.maximum(x - k + 1, 0.0)) - ndtri(level), 0.0)
    return np.where(x > _LARGE, far, np.where(reachable, np.sqrt(np.maximum(np.nan_to_num(exact), 0.0)), 0.0))


def category_size(before: np.ndarray, after: np.ndarray) -> tuple[float, int]:
    """(squared effect, degrees of freedom) of the two-sample chi-square over cells (k,) of counts.

    Cells whose smaller sample expects fewer than five rows are pooled by their *total* count, so that a rare category is
    no alarm for being rare. (0, 0) where one cell is left.
    """
    m, n = float(before.sum()), float(after.sum())
    if min(m, n) <= 0:
        return 0.0, 0
    before, after = pooled_cells(before, after)
    total = before + after
    expected = total * (n / (m + n))
    if len(total) < 2:
        return 0.0, 0
    chi = float(((after - expected) ** 2 / expected).sum() * (m + n) / m)
    return chi * (m + n) / (m * n), len(total) - 1


def pooled_cells(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cells of which the smaller sample expects at least five rows each; both samples have rows."""
    m, n = float(before.sum()), float(after.sum())
    return _pooled(before, after, _SMALLEST_EXPECTED * (m + n) / min(m, n))


def _pooled(before: np.ndarray, after: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Cells with a total of at least ``least``; all others in one, with the smallest of the rest if they are still too few. Where
    the others hold most of the rows, they are many cells of others like them in total.
    """
    total = before + after
    order = np.argsort(total, kind="stable")
    small = int((total < least).sum())
    if small and total[order[:small]].sum() < least and small < len(total):
        small += 1
    if small == 0:
        return before, after
    if total[order[:small]].sum() > total.sum() / 2:
        return _by_likes(before, after, order, max(least, float(total.sum()) / _MOST_GROUPS))
    few, many = order[:small], order[small:]
    return np.append(before[many], before[few].sum()), np.append(after[many], after[few].sum())


def _by_likes(before: np.ndarray, after: np.ndarray, order: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Cells in the order of their total, joined until each has ``least``."""
    reached = np.floor((np.cumsum((before + after)[order]) - 1e-9) / least).astype(np.int64)
    group = np.unique(np.clip(reached, 0, max(int(reached[-1]) - 1, 0)), return_inverse=True)[1].reshape(-1)
    return np.bincount(group, before[order]), np.bincount(group, after[order])


def share_size(before: int, of: int, after: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Squared Cohen's h (w,) between a share of the reference and the share of each window."""
    known = np.arcsin(np.sqrt(before / max(of, 1)))
    return np.asarray((2 * (np.arcsin(np.sqrt(after / np.maximum(rows, 1))) - known)) ** 2)


def exact_share_p(before: int, of: int, after: int, rows: int, enough: float = _SMALLEST_EXPECTED) -> float:
    """Fisher's exact two-sided p (twice the smaller tail), where fewer than ``enough`` are expected; 0 elsewhere."""
    from scipy.special import gammaln

    total = before + after
    if total * min(of, rows) >= enough * (of + rows):
        return 0.0
    seen = np.arange(max(0, total - of), min(total, rows) + 1)
    ways = _log_ways(rows, seen, gammaln) + _log_ways(of, total - seen, gammaln) - _log_ways(of + rows, np.array(total), gammaln)
    chance = np.exp(ways)
    return float(min(1.0, 2 * min(chance[seen >= after].sum(), chance[seen <= after].sum())))


def _log_ways(of: int, taken: np.ndarray, gammaln: np.ufunc) -> np.ndarray:
    return np.asarray(gammaln(of + 1) - gammaln(taken + 1) - gammaln(of - taken + 1))


def combined_df(parts: Sequence[np.ndarray | float]) -> np.ndarray:
    """Degrees of freedom where several things are estimated: their errors add."""
    return np.asarray(1.0 / np.maximum(sum(1.0 / np.asarray(part, dtype=float) for part in parts), 1e-9))


def heavy_tail_df(tail_weight: float, rows: np.ndarray) -> np.ndarray:
    """Degrees of freedom of the t distribution whose tails are those of a mean of ``rows`` scores with this fourth moment."""
    return np.asarray(4.0 + 6.0 * rows / max(tail_weight - 3.0, 0.1))
