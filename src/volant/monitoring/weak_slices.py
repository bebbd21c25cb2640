"""Where the champion is worse: slices found on one half of labelled rows and confirmed on the other.

The earlier half is searched and the later one confirms, so that rows which resemble each other because they lie close together
are not on both sides; with 20 groups or more no group is on both sides either. A slice is confirmed when its mean loss is
surely more than 1.1 times that of the other rows, after Holm over all slices that were tried there, with a variance that
knows of dependence between neighbouring rows and within groups (``stats/blocks.py``).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from volant.gates.conditions import Condition, holds, slice_text
from volant.monitoring.drift_columns import kind_of, numbers, texts
from volant.monitoring.drift_model import Kind
from volant.monitoring.inspection_model import SlicesFound, WeakSlice
from volant.stats.blocks import MeanEstimate, mean_of_dependent, tie_codes
from volant.stats.holm import holm
from volant.stats.paired import t_quantile, t_tail
from volant.stats.slice_search import TOLERATED, Cells, weakest

FEWEST_ROWS = 200
LEVEL = 0.02
_MOST_TRIED = 4
_FEWEST_IN_SLICE = 30
_LEAST_SHARE = 0.01
_FEW_VALUES = 24
_CUTS = (0.05, *(part / 12 for part in range(1, 12)), 0.95)
_MOST_NAMES = 30
_ENOUGH_GROUPS = 20
_STRETCHES = 20
_FEWEST_STRETCHES = 6
_DIGITS = 3


@dataclass(frozen=True)
class Losses:
    """n labelled rows: losses (n,), event times or positions (n,), their inputs by name, and which rows belong together."""

    values: np.ndarray
    times: np.ndarray
    inputs: Mapping[str, pl.Series]
    groups: np.ndarray | None = None


@dataclass(frozen=True)
class _Column:
    name: str
    cells: Cells
    conditions: tuple[Condition, ...]


def find_slices(rows: Losses, *, source: str, loss: str, seed: int = 0) -> SlicesFound:
    """Search and confirm. ``source`` and ``loss`` (the row loss's name) are only told on."""
    count = len(rows.values)
    why_not = _why_not(rows)
    if why_not is not None:
        return SlicesFound(source=source, loss=loss, rows=count, searched=0, confirmed=0, tried=0, why_not=why_not)
    searched, confirming = _halves(rows, seed)
    columns = _columns(rows.inputs, searched)
    fewest = max(_FEWEST_IN_SLICE, math.ceil(_LEAST_SHARE * len(searched)))
    cells = [column.cells for column in columns]
    candidates = weakest(cells, rows.values[searched], _MOST_TRIED, fewest) if columns else []
    tried = [tuple(columns[column].conditions[condition] for column, condition in one.parts) for one in candidates]
    measured = [_measured(rows, confirming, conditions) for conditions in tried]
    adjusted = holm([1.0 if one is None else one.p for one in measured])
    sure = [
        _weak(conditions, one, p) for conditions, one, p in zip(tried, measured, adjusted, strict=True) if one is not None and p <= LEVEL
    ]
    left = [slice_text(conditions) for conditions, p in zip(tried, adjusted, strict=True) if p > LEVEL]
    return SlicesFound(
        source=source,
        loss=loss,
        rows=count,
        searched=len(searched),
        confirmed=len(confirming),
        tried=len(tried),
        slices=tuple(sorted(sure, key=lambda one: -one.share_of_loss)),
        unconfirmed=tuple(left),
        why_not=None if columns else "no input can be cut into slices",
    )


def _why_not(rows: Losses) -> str | None:
    if len(rows.values) < FEWEST_ROWS:
        return f"{len(rows.values)} labelled rows; {FEWEST_ROWS} are needed to search one half and confirm on the other"
    if float(rows.values.min()) < 0:
        return "losses below zero have no ratio"
    if float(np.ptp(rows.values)) == 0:
        return "every row has the same loss"
    return "the rows have no inputs" if not rows.inputs else None


def _halves(rows: Losses, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the rows to search and to confirm on. Rows of one time, or of one of many groups, are never in both."""
    ties = tie_codes(rows.times)
    middle = int(np.sort(ties)[len(ties) // 2])
    later = ties >= middle if middle else ties > 0
    earlier = ~later
    if rows.groups is not None:
        codes = np.unique(rows.groups.astype(str), return_inverse=True)[1].reshape(-1)
        groups = int(codes.max()) + 1
        if groups >= _ENOUGH_GROUPS:
            ours = np.random.default_rng(seed).permutation(groups) < groups // 2
            return np.flatnonzero(earlier & ours[codes]), np.flatnonzero(later & ~ours[codes])
    return np.flatnonzero(earlier), np.flatnonzero(later)


def _columns(inputs: Mapping[str, pl.Series], rows: np.ndarray) -> list[_Column]:
    """Inputs of which something can be asked, as cells of the rows to search."""
    found = []
    for name, column in inputs.items():
        own, kind = column[rows], kind_of(column.dtype)
        made = _of_numbers(name, own) if kind is Kind.NUMBER else _of_names(name, own) if kind is Kind.CATEGORY else None
        if made is not None and made.cells.asked.shape[0]:
            found.append(made)
    return found


def _of_numbers(name: str, column: pl.Series) -> _Column | None:
    """Intervals of neighbouring values or, where there are many, of twelfths of the rows; and what is missing."""
    values, usable = numbers(column)
    distinct = np.unique(values[usable])
    if len(distinct) < 2 and usable.all():
        return None
    starts, ends = _intervals(distinct, values[usable])
    cells = len(starts)
    codes = np.where(usable, np.clip(np.searchsorted(starts, values, side="right") - 1, 0, max(cells - 1, 0)), cells)
    conditions, asked = [], []
    for first in range(cells):
        for last in range(first, cells - (first == 0)):
            conditions.append(_between(name, starts, ends, first, last, few=len(distinct) <= _FEW_VALUES))
            asked.append((np.arange(cells + 1) >= first) & (np.arange(cells + 1) <= last))
    if not usable.all():
        conditions.append(Condition(column=name, missing=True))
        asked.append(np.arange(cells + 1) == cells)
    return _Column(name, Cells(codes, np.array(asked)), tuple(conditions)) if asked else None


def _intervals(distinct: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each cell starts and ends: few values stand alone, many are cut at round numbers, about twelfths of the rows."""
    if len(distinct) <= _FEW_VALUES:
        return distinct, distinct
    whole = bool((distinct == np.round(distinct)).all())
    cuts = np.quantile(values, _CUTS)
    cuts = np.unique(np.round(cuts) if whole else [float(f"{cut:.{_DIGITS}g}") for cut in cuts])
    cuts = cuts[(cuts > distinct[0]) & (cuts <= distinct[-1])]
    return np.concatenate([distinct[:1], cuts]), np.concatenate([cuts - (1 if whole else 0), distinct[-1:]])


def _between(name: str, starts: np.ndarray, ends: np.ndarray, first: int, last: int, *, few: bool) -> Condition:
    """The first and the last cell have no bound on their outer side."""
    if few and first == last:
        return Condition(column=name, value=f"{starts[first]:.12g}")
    low = None if first == 0 else float(starts[first])
    high = None if last == len(starts) - 1 else float(ends[last])
    return Condition(column=name, low=low, high=high)


def _of_names(name: str, column: pl.Series) -> _Column | None:
    """Each of the most frequent names, and what is missing."""
    values = texts(column).rename("name")
    counted = values.drop_nulls().value_counts(name="rows").sort(["rows", "name"], descending=[True, False])
    names: list[str] = counted["name"][:_MOST_NAMES].to_list()
    places = {text: number for number, text in enumerate(names)}
    other, missing = len(names), len(names) + 1
    codes = np.array([missing if text is None else places.get(text, other) for text in values.to_list()], dtype=np.int64)
    conditions = [Condition(column=name, value=text) for text in names]
    asked = list(np.eye(missing + 1, dtype=bool)[: len(names)])
    if values.null_count():
        conditions.append(Condition(column=name, missing=True))
        asked.append(np.arange(missing + 1) == missing)
    return _Column(name, Cells(codes, np.array(asked)), tuple(conditions)) if len(conditions) > 1 else None


@dataclass(frozen=True)
class _Measured:
    rows: int
    share_of_rows: float
    share_of_loss: float
    inside: float
    elsewhere: float
    low: float | None
    high: float | None
    p: float


def _measured(rows: Losses, where: np.ndarray, conditions: tuple[Condition, ...]) -> _Measured | None:
    """The slice among these rows; None where too few are in it or outside, or where they lie together in a few stretches of
    time: such a slice cannot be told from a bad week.
    """
    inside = np.logical_and.reduce([holds(condition, rows.inputs[condition.column])[where] for condition in conditions])
    losses, times = rows.values[where], rows.times[where]
    groups = None if rows.groups is None else rows.groups[where]
    count = int(inside.sum())
    if count < _FEWEST_IN_SLICE or len(where) - count < _FEWEST_IN_SLICE:
        return None
    if _spread(inside, times) < _FEWEST_STRETCHES:
        return None
    mean, elsewhere = float(losses[inside].mean()), float(losses[~inside].mean())
    share, total = count / len(where), float(losses.sum())
    if total <= 0:
        return None
    own = np.where(inside, (losses - mean) / share, 0.0)
    others = np.where(inside, 0.0, (losses - elsewhere) / (1 - share))
    tested = mean_of_dependent(own - TOLERATED * others, times, groups)
    low, high = (None, None)
    if min(mean, elsewhere) > 0:
        low, high = _ratio(mean / elsewhere, mean_of_dependent(own / mean - others / elsewhere, times, groups))
    p = _p(mean - TOLERATED * elsewhere, tested)
    return _Measured(count, share, float(losses[inside].sum()) / total, mean, elsewhere, low, high, p)


def _spread(inside: np.ndarray, times: np.ndarray) -> float:
    """Over how many of 20 stretches of as many rows the slice is spread (the inverse of Simpson's index of its shares)."""
    stretch = tie_codes(times) * _STRETCHES // (int(tie_codes(times).max()) + 1)
    shares = np.bincount(stretch[inside], minlength=_STRETCHES) / max(int(inside.sum()), 1)
    return 1 / max(float((shares**2).sum()), 1e-12)


def _p(difference: float, tested: MeanEstimate) -> float:
    if not tested.known:
        return 1.0
    if tested.variance <= 0:
        return 0.0 if difference > 0 else 1.0
    return t_tail(difference / math.sqrt(tested.variance), tested.df)


def _ratio(ratio: float, logarithm: MeanEstimate) -> tuple[float | None, float | None]:
    """95 % interval, by the delta method for the logarithm."""
    if not logarithm.known:
        return None, None
    half = t_quantile(0.975, logarithm.df) * math.sqrt(logarithm.variance)
    return ratio * math.exp(-half), ratio * math.exp(half)


def _weak(conditions: tuple[Condition, ...], found: _Measured, p: float) -> WeakSlice:
    return WeakSlice(
        text=slice_text(conditions),
        conditions=conditions,
        rows=found.rows,
        share_of_rows=found.share_of_rows,
        share_of_loss=found.share_of_loss,
        loss=found.inside,
        elsewhere=found.elsewhere,
        ratio=found.inside / found.elsewhere if found.elsewhere > 0 else None,
        low=found.low,
        high=found.high,
        p=p,
    )
