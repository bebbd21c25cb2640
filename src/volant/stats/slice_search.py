"""Searching rows for slices, of one condition or two, on which a loss is larger than elsewhere.

Each column comes as codes of cells with the conditions that may be asked of it, each a set of cells. For every condition, and
every pair of conditions on two columns, rows and losses inside are sums over a table of cells, so that all rectangles of two
columns cost two small matrix products. What is best on the rows searched is best by chance, too: the bar for pairs is
higher because there are more of them, and what is found means nothing until other rows confirm it (as in SliceLine, Sagadeeva &
Boehm 2021, and Slice Finder, Chung et al. 2019, which test on the rows that they search).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TOLERATED = 1.1
LEAST_SCORE = 2.0
_MOST_COLUMNS = 40
_MOST_SHARE = 0.5


@dataclass(frozen=True)
class Cells:
    """One column: ``codes`` (n,) of cells 0 to w-1, and ``asked`` (c, w) bool: which cells belong to each condition."""

    codes: np.ndarray
    asked: np.ndarray


@dataclass(frozen=True)
class Candidate:
    """(column, condition) of one or two columns, with the score by which it was chosen."""

    parts: tuple[tuple[int, int], ...]
    score: float


def weakest(columns: Sequence[Cells], losses: np.ndarray, most: int, fewest: int) -> list[Candidate]:
    """Up to ``most`` candidates, each of ``fewest`` rows at least, on rows with these losses (n,), the best one first.

    Once one is taken, losses inside are brought to the level elsewhere, so that the next one says something else.
    """
    found: list[Candidate] = []
    left = losses.astype(np.float64).copy()
    for _ in range(most):
        best = _best(columns, left, fewest)
        if best is None or best.score < LEAST_SCORE or any(best.parts == known.parts for known in found):
            break
        found.append(best)
        inside = rows_of(columns, best)
        level = float(left[inside].mean())
        left[inside] *= float(left[~inside].mean()) / level if level > 0 else 1.0
    return found


def rows_of(columns: Sequence[Cells], candidate: Candidate) -> np.ndarray:
    """Which rows meet all its conditions, shape (n,), bool."""
    masks = [columns[column].asked[condition][columns[column].codes] for column, condition in candidate.parts]
    return np.asarray(np.logical_and.reduce(masks))


def _best(columns: Sequence[Cells], losses: np.ndarray, fewest: int) -> Candidate | None:
    whole = _Whole.of(losses, fewest)
    singles = [_singles(column, losses, whole) for column in columns]
    count = sum(len(scores) for scores in singles)
    best = max((_top(scores, (number,)) for number, scores in enumerate(singles) if len(scores)), key=_by_score, default=None)
    order = sorted((n for n, scores in enumerate(singles) if len(scores)), key=lambda n: -float(singles[n].max()))[:_MOST_COLUMNS]
    pairs: Candidate | None = None
    tried = 0
    for place, first in enumerate(order):
        for second in order[place + 1 :]:
            scores = _pairs(columns[first], columns[second], losses, whole)
            tried += scores.size
            top = _top(scores, (first, second))
            pairs = top if pairs is None or top.score > pairs.score else pairs
    found = [(one.score - _bar(of), one) for one, of in ((best, count), (pairs, tried)) if one is not None]
    return max(found, key=_by_first)[1] if found else None


def _by_score(candidate: Candidate) -> float:
    return candidate.score


def _by_first(pair: tuple[float, Candidate]) -> float:
    return pair[0]


def _bar(tried: int) -> float:
    """About how large the largest of so many normal scores is by chance."""
    return math.sqrt(2 * math.log(max(tried, 1)))


@dataclass(frozen=True)
class _Whole:
    """All rows: how many, their losses summed, the variance of one; and the fewest rows of a slice."""

    rows: int
    total: float
    variance: float
    fewest: int

    @classmethod
    def of(cls, losses: np.ndarray, fewest: int) -> "_Whole":
        return cls(len(losses), float(losses.sum()), float(losses.var()), fewest)

    def scores(self, rows: np.ndarray, sums: np.ndarray, squares: np.ndarray) -> np.ndarray:
        """How many standard errors the mean inside is over the tolerated mean outside; -inf for slices that are too small or large."""
        inside, outside = np.maximum(rows, 1), np.maximum(self.rows - rows, 1)
        mean, elsewhere = sums / inside, (self.total - sums) / outside
        variance = np.maximum(squares / inside - mean**2, self.variance)
        spread = np.sqrt(np.maximum(variance * (1 / inside + 1 / outside), 1e-300))
        usable = (rows >= self.fewest) & (rows <= _MOST_SHARE * self.rows)
        return np.where(usable, (mean - TOLERATED * elsewhere) / spread, -np.inf)


def _singles(column: Cells, losses: np.ndarray, whole: _Whole) -> np.ndarray:
    width = column.asked.shape[1]
    asked = column.asked.astype(np.float64)
    tables = [np.bincount(column.codes, weights=weight, minlength=width) for weight in (None, losses, losses**2)]
    rows, sums, squares = (asked @ table for table in tables)
    return whole.scores(rows, sums, squares)


def _pairs(first: Cells, second: Cells, losses: np.ndarray, whole: _Whole) -> np.ndarray:
    wide = second.asked.shape[1]
    shape = (first.asked.shape[1], wide)
    codes = first.codes * wide + second.codes
    ours, theirs = first.asked.astype(np.float64), second.asked.astype(np.float64).T
    tables = [np.bincount(codes, weights=weight, minlength=shape[0] * wide).reshape(shape) for weight in (None, losses, losses**2)]
    rows, sums, squares = (ours @ table @ theirs for table in tables)
    return whole.scores(rows, sums, squares)


def _top(scores: np.ndarray, columns: tuple[int, ...]) -> Candidate:
    place = np.unravel_index(int(np.argmax(scores)), scores.shape)
    return Candidate(tuple((column, int(condition)) for column, condition in zip(columns, place, strict=True)), float(scores[place]))
