"""One column in a row of windows, as numbers: counts of each window alone, and of the newest few of them together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from volant.monitoring.drift_model import ColumnShape
from volant.monitoring.shaping import added_names


@dataclass(frozen=True)
class Counted:
    """``rows`` and ``absent`` (w,), ``counts`` (w, bins or names) and ``unseen`` names of w windows."""

    rows: np.ndarray
    absent: np.ndarray
    counts: np.ndarray
    unseen: tuple[Mapping[str, int], ...]

    def categories(self) -> Iterator[tuple[np.ndarray, Mapping[str, int]]]:
        """(counts of each name, unseen names) of each window."""
        return zip(self.counts, self.unseen, strict=True)


def counted(shapes: Sequence[ColumnShape]) -> Counted:
    """Each window alone."""
    width = len(shapes[0].counts) if shapes else 0
    return Counted(
        rows=np.array([shape.rows for shape in shapes], dtype=float),
        absent=np.array([shape.absent for shape in shapes], dtype=float),
        counts=np.array([shape.counts for shape in shapes], dtype=float).reshape(len(shapes), width),
        unseen=tuple(shape.unseen for shape in shapes),
    )


def newest_together(each: Counted, length: int) -> Counted:
    """Each window from the ``length``-th on, together with those before it: ``length`` in all."""
    return Counted(
        rows=_summed(each.rows, length),
        absent=_summed(each.absent, length),
        counts=_summed(each.counts, length),
        unseen=_joined(each.unseen, length),
    )


def _summed(values: np.ndarray, length: int) -> np.ndarray:
    total = np.cumsum(values, axis=0)
    total[length:] -= total[:-length].copy()
    return total[length - 1 :]


def _joined(unseen: tuple[Mapping[str, int], ...], length: int) -> tuple[Mapping[str, int], ...]:
    ends = range(length, len(unseen) + 1)
    return tuple(reduce(added_names, unseen[end - length : end]) for end in ends) if any(unseen) else ({},) * len(ends)
