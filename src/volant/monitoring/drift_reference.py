"""What a champion's own rows looked like: made once for a version, then compared with every window."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import TypedDict

import numpy as np
import polars as pl

from volant.config.model import DataConfig
from volant.evidence.tables import FEATURE_PREFIX
from volant.monitoring.drift_columns import kind_of, numbers, present, texts
from volant.monitoring.drift_model import BlockEffect, ColumnReference, DriftReference, Kind
from volant.stats.dependence import SHORTEST, ladder
from volant.stats.ordered_bins import binned
from volant.stats.smooth import polynomials

MOST_NAMES = 1000
_MOST_CELLS = 32
_FOLLOWS = 0.95
_IDENTIFIER = 0.5
_NAMES_ROWS = 0.1
_FEWEST = 30
_SAMPLE = 4096
_MOST_STRETCHES = 2048
FOLLOWS_TIME = "it moves on with time"
IDENTIFIER = "nearly every row has a value of its own"
NO_NUMBER = "it is neither a number nor a category"
NOTHING_KNOWN: Mapping[str, float] = MappingProxyType({})
TOO_FEW = "the reference has too few values"


class _Missing(TypedDict):
    rows: int
    absent: int
    absent_blocks: tuple[BlockEffect, ...]


def compared(rows: pl.DataFrame, data: DataConfig) -> dict[str, pl.Series]:
    """The inputs that can be compared, named as in the log: not the time itself, nor keys that name a row."""
    names = [
        name
        for name in rows.columns
        if name != data.time and not (name in data.key and rows[name].n_unique() > _NAMES_ROWS * max(rows.height, 1))
    ]
    return {FEATURE_PREFIX + name: rows[name] for name in names}


def reference_of(
    columns: Mapping[str, pl.Series], *, model: str, version: int, importance: Mapping[str, float] = NOTHING_KNOWN
) -> DriftReference:
    """``columns``: names as in the log with the reference's values, rows in order of time. They may differ in length."""
    found = {name: column_reference(column) for name, column in columns.items()}
    rows = max((column.rows for column in found.values()), default=0)
    return DriftReference(model=model, version=version, rows=rows, columns=found, importance=dict(importance))


def column_reference(column: pl.Series) -> ColumnReference:
    """One column."""
    kind = kind_of(column.dtype)
    values, there = numbers(column) if kind is Kind.NUMBER else (np.empty(0), present(column))
    missing: _Missing = {
        "rows": len(column),
        "absent": int(len(column) - there.sum()),
        "absent_blocks": () if there.all() else _absence(there),
    }
    if kind is Kind.NONE or int(there.sum()) < _FEWEST:
        return ColumnReference(kind=Kind.NONE, left_out=NO_NUMBER if kind is Kind.NONE else TOO_FEW, **missing)
    return _of_numbers(values if there.all() else values[there], missing) if kind is Kind.NUMBER else _of_names(column, missing)


def _of_numbers(values: np.ndarray, missing: _Missing) -> ColumnReference:
    found = binned(values)
    bins, codes, counts = found.bins, found.codes, found.counts
    scores = polynomials(counts)
    return ColumnReference(
        kind=Kind.NUMBER,
        counts=tuple(counts.tolist()),
        centre=bins.centre,
        starts=tuple(bins.starts.tolist()),
        centres=tuple(bins.centres.tolist()),
        blocks=_effects(_score_sums(codes, scores), len(codes)),
        left_out=FOLLOWS_TIME if _follows_time(codes, counts) else None,
        **missing,
    )


def _score_sums(codes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Sums of each score over successive stretches, shape (stretches, k)."""
    length = _length(len(codes))
    whole = len(codes) // length
    if whole == 0 or scores.shape[1] == 0:
        return np.zeros((whole, scores.shape[1]))
    each = scores.astype(np.float32).take(codes[: whole * length], axis=0)
    return np.add.reduceat(each, np.arange(0, whole * length, length), axis=0).astype(np.float64)


def _length(rows: int) -> int:
    """Of the shortest stretches: 32 rows, doubled until there are at most 2,048 of them or a few more."""
    doublings = round(math.log2(max(rows, 1) / (SHORTEST * _MOST_STRETCHES)))
    return SHORTEST << max(doublings, 0)


def _follows_time(codes: np.ndarray, counts: np.ndarray) -> bool:
    """Whether the values' ranks and the order of the rows are one thing: a counter, an id, an instant."""
    some = codes[:: max(len(codes) // _SAMPLE, 1)]
    places = (np.cumsum(counts) - counts / 2)[some]
    if np.ptp(places) == 0:
        return False
    return abs(float(np.corrcoef(places, np.arange(len(some)))[0, 1])) > _FOLLOWS


def _of_names(column: pl.Series, missing: _Missing) -> ColumnReference:
    codes, found, rows = _ranked(texts(column))
    names = tuple(found)
    counts, rest = rows[:MOST_NAMES], int(rows[MOST_NAMES:].sum())
    alone = len(rows) > _IDENTIFIER * rows.sum() or rest > _IDENTIFIER * rows.sum()
    if alone:
        return ColumnReference(kind=Kind.NONE, left_out=IDENTIFIER, **missing)
    return ColumnReference(
        kind=Kind.CATEGORY,
        counts=tuple(counts.tolist()),
        names=names,
        rest=rest,
        blocks=_effects(_cell_sums(np.minimum(codes, len(names))), len(codes)),
        **missing,
    )


def _ranked(values: pl.Series) -> tuple[np.ndarray, list[str], np.ndarray]:
    """(codes, names, counts): of each value that is there the place of its name, the most frequent first, those alike by name."""
    there = values.drop_nulls()
    own = there.cast(pl.Categorical(pl.Categories.random())).to_physical().to_numpy()
    counts = np.bincount(own)
    first = np.empty(len(counts), dtype=np.intp)
    first[own[::-1]] = np.arange(len(own) - 1, -1, -1)
    table = pl.DataFrame({"code": np.arange(len(counts)), "name": there.gather(first), "rows": counts})
    table = table.sort(["rows", "name"], descending=[True, False])
    place = np.empty(len(counts), dtype=np.int32)
    place[table["code"].to_numpy()] = np.arange(len(counts))
    return place[own], table["name"][:MOST_NAMES].to_list(), table["rows"].to_numpy()


def _cell_sums(codes: np.ndarray) -> np.ndarray:
    """Sums of standardised cells over successive stretches, in k = cells - 1 independent directions.

    Categories beyond the 32 most frequent share 32 cells.
    """
    numbers = np.arange(int(codes.max()) + 1)
    cells = np.where(numbers < _MOST_CELLS, numbers, _MOST_CELLS + numbers % _MOST_CELLS).take(codes)
    mass = np.bincount(cells) / len(cells)
    width, length = len(mass), _length(len(cells))
    whole = len(cells) // length
    if width < 2 or whole == 0:
        return np.zeros((whole, 0))
    cut = cells[: whole * length].reshape(whole, length)
    cut += np.arange(0, whole * width, width)[:, None]
    counts = np.bincount(cut.ravel(), minlength=whole * width).reshape(whole, width)
    root = np.sqrt(mass)
    directions = np.linalg.qr(np.column_stack([root, np.eye(width)[:, 1:]]))[0][:, 1:]
    return np.asarray((counts / np.maximum(root, 1e-9) - length * root) @ directions)


def _absence(there: np.ndarray) -> tuple[BlockEffect, ...]:
    """Of the indicator of absent values."""
    share = 1 - there.mean()
    if share in {0.0, 1.0}:
        return ()
    length = _length(len(there))
    whole = len(there) // length
    absent = (~there[: whole * length]).reshape(whole, length).sum(axis=1)
    return _effects(((absent - length * share) / np.sqrt(share * (1 - share)))[:, None], len(there))


def _effects(sums: np.ndarray, rows: int) -> tuple[BlockEffect, ...]:
    return tuple(BlockEffect(**asdict(rung)) for rung in ladder(sums, _length(rows)))
