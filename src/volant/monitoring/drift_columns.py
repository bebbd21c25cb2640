"""Columns as drift takes them: what can be used of a column, and where each value belongs beside a reference."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from volant.monitoring.drift_model import OTHERS, ColumnReference, Kind
from volant.stats.ordered_bins import OrderedBins
from volant.stats.predicted import LARGEST

MOST_UNSEEN = 50
_LONGEST_VALUE = 200


@dataclass(frozen=True)
class Coded:
    """Rows of a column with a usable value: their positions ``rows`` (n,) among all, and the bin or name of each, ``codes`` (n,);
    ``width`` means none of the names.
    """

    rows: np.ndarray
    codes: np.ndarray
    width: int


def kind_of(dtype: pl.DataType) -> Kind:
    """Numbers, categories (texts and truth values), or neither (dates, times, nothing at all)."""
    if dtype.is_numeric():
        return Kind.NUMBER
    return Kind.CATEGORY if dtype.base_type() in {pl.String, pl.Boolean, pl.Categorical, pl.Enum} else Kind.NONE


def numbers(column: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """(values, usable), both (n,): finite numbers of a size that a measurement can have are usable."""
    values = column.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    with np.errstate(invalid="ignore"):
        return values, np.abs(values) <= LARGEST


def texts(column: pl.Series) -> pl.Series:
    """Categories as texts of at most 200 characters."""
    found = column.cast(pl.String, strict=False)
    longest = found.str.len_bytes().max()
    return found.str.head(_LONGEST_VALUE) if isinstance(longest, int) and longest > _LONGEST_VALUE else found


def bins_in(reference: ColumnReference) -> OrderedBins:
    """The reference's bins."""
    return OrderedBins(reference.centre, np.array(reference.starts, dtype=np.int64), np.array(reference.centres))


def coded(column: pl.Series, reference: ColumnReference, bins: OrderedBins | None) -> Coded:
    """The column beside its reference. ``bins`` as :func:`bins_in` gives them, for numbers."""
    if reference.kind is Kind.NUMBER:
        assert bins is not None
        values, usable = numbers(column)
        rows = np.flatnonzero(usable)
        return Coded(rows, bins.codes(values if len(rows) == len(values) else values[rows]), len(bins))
    if reference.kind is Kind.CATEGORY:
        found = named_codes(column, reference.names)
        return Coded(np.flatnonzero(found >= 0), found[found >= 0], len(reference.names))
    there = np.flatnonzero(present(column))
    return Coded(there, np.zeros(len(there), dtype=np.int16), 0)


def present(column: pl.Series) -> np.ndarray:
    """Which rows have a value that can be used, shape (n,), bool."""
    return numbers(column)[1] if column.dtype.is_numeric() else column.is_not_null().to_numpy()


def named_codes(column: pl.Series, names: tuple[str, ...]) -> np.ndarray:
    """Position of each value in ``names``; ``len(names)`` for another one, -1 for none. Shape (n,), int32."""
    values = texts(column)
    known = values.cast(pl.Enum(list(names)), strict=False).to_physical().cast(pl.Int32).fill_null(len(names)).to_numpy()
    return np.where(values.is_null().to_numpy(), -1, known) if values.null_count() else np.asarray(known)


def counted_unseen(values: pl.Series) -> dict[str, int]:
    """Texts by count, the 50 most frequent by name."""
    found = values.value_counts().sort(["count", values.name], descending=[True, False])
    named = dict(zip(found[values.name][:MOST_UNSEEN].to_list(), found["count"][:MOST_UNSEEN].to_list(), strict=True))
    rest = int(found["count"][MOST_UNSEEN:].sum())
    return {**named, OTHERS: rest} if rest else named
