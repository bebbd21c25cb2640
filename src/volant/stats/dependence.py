"""How much more the means of stretches of rows vary than means of independent rows would: the design effect.

Rows of one hour or customer resemble each other, and seasons make whole windows differ. Both are in the reference: cut
in time order into stretches of L rows, its stretch means scatter with L times their covariance V. For independent rows V is
the identity; in general d(L) = tr V / k is the (mean generalised) design effect (Rao & Scott 1981, JASA 76). Of the k degrees
of freedom (tr V)^2 / tr V^2 are left (Satterthwaite 1946; without bias after Srivastava 2005, J. Japan Stat. Soc. 35), or as
few as the scatter of the stretches' own squared lengths says where they are far from normal. Far out in the tail the one
direction counts in which stretches differ most, so its own design effect is kept too.

Lengths at which nothing speaks against independence are pooled, for shorter ones are known far better; from the first
length that does, each stands for itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SHORTEST = 32
FEWEST = 8
_NO_CHANCE = 0.0001
_ENOUGH = 30
_NESTED = 3.0  # lengths that double share their rows: their pooled estimate varies three times as much as of independent ones
_FEW = 256  # stretches: of more, all directions together say it as well
_GROWS = 1.25


@dataclass(frozen=True)
class Rung:
    """Stretches of ``rows`` rows: design ``effect`` (1 and up), ``share`` of the degrees of freedom that is left, ``df`` of the
    estimate; and the design effect of the ``strongest`` direction, from so many ``stretches`` (both 0: rows are independent).
    """

    rows: int
    effect: float
    share: float
    df: float
    strongest: float = 0.0
    stretches: int = 0


@dataclass(frozen=True)
class Spread:
    """As :class:`Rung`, for a number of rows between or beyond the measured ones. ``run``: how many windows of this size in a
    row resemble each other like one.
    """

    effect: float
    share: float
    df: float
    run: float = 1.0
    strongest: float = 0.0
    stretches: float = np.inf


def ladder(sums: np.ndarray, rows: int = SHORTEST) -> tuple[Rung, ...]:
    """Rungs of doubling length from sums of scores over successive stretches of ``rows`` rows, shape (stretches, k).

    Scores have mean 0 and, row by row, covariance I. Empty where there are too few stretches, or no scores.
    """
    found: list[Rung] = []
    total, known, independent, shape = 0.0, 0.0, True, 1.0
    while len(sums) >= FEWEST and sums.shape[1] > 0:
        effect, share, df = _measured(sums, rows)
        independent = independent and not (
            _exceeds(effect, df)
            or _exceeds((total + effect * df) / (known + df), (known + df) / _NESTED)
            or (len(sums) <= _FEW and _exceeds(_strongest(sums, rows), len(sums)))
        )
        if independent:
            total, known = total + effect * df, known + df
            found.append(Rung(rows, max(total / known, 1.0), 1.0, known))
        else:
            shape = min(share, _shape(sums) if len(sums) >= _ENOUGH else shape)
            df = min(df, len(sums) - 1.0)  # of the direction that counts far out, no more is known than stretches say
            found.append(Rung(rows, max(effect, 1.0), max(shape, 1 / sums.shape[1]), df, max(_strongest(sums, rows), 1.0), len(sums)))
        half = len(sums) // 2
        sums, rows = sums[: 2 * half].reshape(half, 2, -1).sum(axis=1), 2 * rows
    return tuple(found)


def _measured(sums: np.ndarray, rows: int) -> tuple[float, float, float]:
    stretches, k = sums.shape
    centred = (sums - sums.mean(axis=0)) / np.sqrt(rows)
    free = stretches - 1
    trace = float((centred**2).sum()) / free
    gram = centred.T @ centred if k <= stretches else centred @ centred.T
    squared = float((gram**2).sum()) / free**2
    clean = (squared - trace**2 / free) * free**2 / ((free - 1) * (free + 2))
    least = trace**2 / k
    share = least / max(clean, least) if trace > 0 else 1.0
    share = max(share, 1 / k)
    return trace / k, share, free * k * share


def _shape(sums: np.ndarray) -> float:
    """The share of degrees of freedom at which a chi-square scatters like the stretches' squared lengths."""
    lengths = ((sums - sums.mean(axis=0)) ** 2).sum(axis=1)
    spread = float(lengths.var(ddof=1))
    return min(2 * float(lengths.mean()) ** 2 / spread / sums.shape[1], 1.0) if spread > 0 else 1.0


def _strongest(sums: np.ndarray, rows: int) -> float:
    """The largest variance of a direction: found in one half of the stretches and measured in the other, both ways."""
    scaled = (sums - sums.mean(axis=0)) / np.sqrt(rows)
    halves = scaled[::2], scaled[1::2]
    found = []
    for own, other in (halves, halves[::-1]):
        direction = _first_direction(own)
        found.append(float(np.mean((other @ direction) ** 2)))
    return sum(found) / 2


def _first_direction(rows: np.ndarray) -> np.ndarray:
    """In which rows (n, k) are longest: of length 1, shape (k,)."""
    if rows.shape[1] <= rows.shape[0]:
        return np.asarray(np.linalg.eigh(rows.T @ rows)[1][:, -1])
    along = rows.T @ np.linalg.eigh(rows @ rows.T)[1][:, -1]
    return np.asarray(along / max(float(np.linalg.norm(along)), 1e-300))


def _exceeds(effect: float, df: float) -> bool:
    """Whether so large an effect is no chance among independent rows."""
    from scipy.special import chdtrc

    return float(chdtrc(df, max(effect, 0.0) * df)) < _NO_CHANCE


def spread_at(rungs: Sequence[Rung], rows: float) -> Spread:
    """For stretches of so many rows: the larger effect of the two lengths around it.

    Beyond the longest measured length the effect grows in proportion where it was still growing, else it stays.
    """
    if not rungs:
        return Spread(1.0, 1.0, np.inf)
    above = next((number for number, rung in enumerate(rungs) if rung.rows >= rows), len(rungs))
    if above == len(rungs):
        return _beyond(rungs, rows)
    around = rungs[max(above - 1, 0) : above + 1]
    widest = max(around, key=lambda rung: rung.effect)
    df, share = min(rung.df for rung in around), min(rung.share for rung in around)
    few = min((rung.stretches for rung in around if rung.stretches), default=np.inf)
    return Spread(widest.effect, share, df, _run(rungs[above:], widest.effect), max(rung.strongest for rung in around), few)


def _run(longer: Sequence[Rung], effect: float) -> float:
    ratio = max((rung.effect for rung in longer), default=effect) / effect
    return ratio if ratio > _GROWS else 1.0


def _beyond(rungs: Sequence[Rung], rows: float) -> Spread:
    last = rungs[-1]
    growing = len(rungs) > 1 and last.effect > _GROWS * rungs[-2].effect
    factor = rows / last.rows if growing else 1.0
    return Spread(last.effect * factor, last.share, last.df, 2.0 if growing else 1.0, last.strongest * factor, last.stretches or np.inf)
