"""Histograms that keep order, whose bins are taken once from a reference and then filled in one pass over any rows.

A number less the middle of the reference becomes a float32 whose sign-folded bits order like the number; their upper 18 bits
are its *key*: 262,144 ordered cells, each within 0.2 % of its distance to the middle. A bin is a run of keys, so filling is
one look-up per row, and two histograms over the same bins merge by addition.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

KEY_BITS = 18
MOST_BINS = 256
_KEYS = 1 << KEY_BITS
_SHIFT = 32 - KEY_BITS
_SAMPLE = 4096  # rows that say well enough where the middle is
_BEYOND = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)  # of the reference's range, on either side


def keys_of(values: np.ndarray, centre: float) -> np.ndarray:
    """Ordered cells of finite values (n,), 0 to 2^18 - 1, shape (n,), uint32."""
    with np.errstate(over="ignore"):
        bits = ((values - centre).astype(np.float32) + np.float32(0.0)).view(np.int32)  # + 0.0: there is but one zero
    return ((bits ^ ((bits >> 31) | np.int32(-(1 << 31)))).view(np.uint32) >> np.uint32(_SHIFT)).astype(np.uint32)


@dataclass(frozen=True)
class OrderedBins:
    """``starts`` (k,): the first key of each bin, the first being 0. ``centres`` (k,): the value that stands for each bin."""

    centre: float
    starts: np.ndarray
    centres: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    @cached_property
    def _bin_of_key(self) -> np.ndarray:
        return _numbers_of_runs(self.starts)

    def codes(self, values: np.ndarray) -> np.ndarray:
        """The bin of each finite value (n,), int16."""
        return np.asarray(self._bin_of_key.take(keys_of(values, self.centre)))


def _numbers_of_runs(starts: np.ndarray) -> np.ndarray:
    """For each key the number of the run that it lies in, int16."""
    return np.repeat(np.arange(len(starts), dtype=np.int16), np.diff(np.append(starts, _KEYS)))


@dataclass(frozen=True)
class Binned:
    """The bins of a reference, and of each of its values (n,) the bin: ``codes`` (n,), int16; ``counts`` (k,)."""

    bins: OrderedBins
    codes: np.ndarray
    counts: np.ndarray


def bins_of(values: np.ndarray) -> OrderedBins:
    """The bins alone; see :func:`binned`."""
    return binned(values).bins


def binned(values: np.ndarray) -> Binned:
    """Bins of about equal mass for the finite values (n,) of a reference, at most 256, and some on either side of its range.

    Values that occur often have bins of their own; up to 256 different values (of different keys) each have one.
    """
    centre = float(np.median(values[:: max(len(values) // _SAMPLE, 1)])) if len(values) else 0.0
    keys = keys_of(values, centre)
    mass = np.bincount(keys, minlength=_KEYS)
    present = np.flatnonzero(mass > 0)
    inner = _inner_starts(present, mass[present], len(values))
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    below, above = _beyond(low, high, centre)
    first, last = (int(present[0]), int(present[-1])) if len(present) else (0, 0)
    starts = np.unique(np.concatenate([[0], below[below <= first], [first], inner, above[above > last]]))
    codes = _numbers_of_runs(starts).take(keys)
    counts = np.bincount(codes, minlength=len(starts))
    total = np.bincount(codes, weights=values - centre, minlength=len(starts))
    return Binned(OrderedBins(centre, starts, _centres(starts, counts, total, (low, high)) + centre), codes, counts)


def _inner_starts(present: np.ndarray, mass: np.ndarray, rows: int) -> np.ndarray:
    """First keys of the bins between the smallest and the largest value."""
    if len(present) <= MOST_BINS:
        return np.asarray((present[:-1] + present[1:] + 1) // 2)
    group = np.floor((np.cumsum(mass) - mass / 2) * (MOST_BINS / rows)).astype(np.int64)
    return np.asarray(present[1:][np.diff(group) > 0])


def _beyond(low: float, high: float, centre: float) -> tuple[np.ndarray, np.ndarray]:
    """First keys of the bins outside the range, on either side; the key after an edge, so that the range stays inside."""
    width = (high - low) or abs(high) or 1.0
    steps = np.array(_BEYOND) * width
    below = keys_of(low - steps[::-1], centre).astype(np.int64)
    above = keys_of(np.append(high, high + steps), centre).astype(np.int64) + 1
    return below, above[above < _KEYS]


def _centres(starts: np.ndarray, counts: np.ndarray, total: np.ndarray, reach: tuple[float, float]) -> np.ndarray:
    """The mean of the reference's values in each bin (less the centre); where it has none, the middle of the bin (its inner end at
    the ends).
    """
    edges = np.append(_value_of(starts[1:]), np.nan)
    lower = np.append(np.nan, _value_of(starts[1:]))
    width = (reach[1] - reach[0]) or abs(reach[1]) or 1.0
    lower[0], edges[-1] = edges[0] - width, lower[-1] + width
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(counts > 0, total / np.maximum(counts, 1), (lower + edges) / 2))


def _value_of(keys: np.ndarray) -> np.ndarray:
    """The smallest number (less the centre) with each key."""
    bits = keys.astype(np.uint32) << np.uint32(_SHIFT)
    folded = np.where(bits >> np.uint32(31), bits ^ np.uint32(1 << 31), ~bits)
    return np.asarray(folded.astype(np.uint32).view(np.float32).astype(np.float64))
