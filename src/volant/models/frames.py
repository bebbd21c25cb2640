"""Rows in the one form a model was fitted on, whether they come as a frame, as a request's columns, or one at a time.

What a column turns into must not depend on which rows happen to be together: pandas makes integers with a missing
value floats, and without one integers. Here the training rows decide, through the signature's ``nullable``.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from volant.data.column_types import polars_type
from volant.data.model import Dtype
from volant.kernel.errors import InvalidInputError, UnavailableError
from volant.models.model import Field

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

_PROBES: dict[Dtype, Any] = {
    Dtype.INT: 1,
    Dtype.FLOAT: 1.0,
    Dtype.STRING: "a",
    Dtype.BOOL: True,
    Dtype.DATE: date(2000, 1, 1),
    Dtype.DATETIME: datetime(2000, 1, 1),  # noqa: DTZ001 - instants are UTC without a zone
}


def schema(fields: Sequence[Field]) -> dict[str, pl.DataType]:
    """Column names and Polars types of the fields, in order."""
    return {field.name: polars_type(field.dtype) for field in fields}


def canonical_rows(rows: pl.DataFrame, fields: Sequence[Field]) -> pl.DataFrame:
    """The fields' columns in their order and types; NaN becomes null.

    ``InvalidInputError`` naming a column that is missing or whose values do not fit its type.
    """
    wanted = []
    for field in fields:
        if field.name not in rows.columns:
            raise InvalidInputError(
                f"Column {field.name!r} is missing.",
                found=f"columns {', '.join(map(repr, rows.columns[:12]))}",
                next_step=f"the model takes {', '.join(repr(f.name) for f in fields[:12])}",
                field=field.name,
            )
        wanted.append(_as_field(rows[field.name], field))
    return pl.DataFrame(wanted)


def _as_field(column: pl.Series, field: Field) -> pl.Series:
    kind = polars_type(field.dtype)
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if column.dtype != kind:
        column = _cast(column, field, kind)
    return column.fill_nan(None) if field.dtype is Dtype.FLOAT else column


def _cast(column: pl.Series, field: Field, kind: pl.DataType) -> pl.Series:
    """Another form of the same values: never a number out of a text, nor a whole number out of a broken one."""
    if column.null_count() == len(column):
        return pl.Series(column.name, [None] * len(column), kind)
    if not _FITS[field.dtype](column.dtype):
        raise _wrong_type(column, field)
    whole = column.fill_nan(None) if field.dtype is Dtype.INT and column.dtype.is_float() else column
    try:
        made = whole.cast(kind)
    except pl.exceptions.PolarsError:
        raise _wrong_type(column, field) from None
    if field.dtype is Dtype.INT and not bool((made == whole).fill_null(value=True).all()):
        raise _wrong_type(column, field)
    return made


_FITS: dict[Dtype, Callable[[pl.DataType], bool]] = {
    Dtype.INT: lambda kind: kind.is_numeric(),
    Dtype.FLOAT: lambda kind: kind.is_numeric(),
    Dtype.STRING: lambda kind: kind.base_type() in {pl.Categorical, pl.Enum},
    Dtype.BOOL: lambda _: False,
    Dtype.DATE: lambda kind: isinstance(kind, pl.Datetime),
    Dtype.DATETIME: lambda kind: isinstance(kind, pl.Datetime | pl.Date),
}


def _wrong_type(column: pl.Series, field: Field) -> InvalidInputError:
    return InvalidInputError(
        f"Column {field.name!r} cannot be read as {field.dtype.value}.",
        found=f"{column.dtype} like {column.drop_nulls().head(3).to_list()!r}"[:200],
        next_step=f"give {field.name!r} as in the training data",
        field=field.name,
    )


class ColumnsReader:
    """Columns of a request (dates and times as ISO texts) to a frame. Compiled once per signature."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self._schema = schema(fields)
        self._names = tuple(self._schema)
        self._readers: list[tuple[str, Callable[[list[Any]], list[Any]] | None]] = [
            (field.name, _TEXT_READERS.get(field.dtype)) for field in fields
        ]

    def frame(self, columns: Mapping[str, list[Any]], count: int) -> pl.DataFrame:
        """``count`` rows; values must fit the fields."""
        read = [columns[name] if reader is None else reader(columns[name]) for name, reader in self._readers]
        if count == 1:  # building from one row costs a third of building from columns
            return pl.DataFrame([tuple(values[0] for values in read)], schema=self._schema, orient="row")
        return pl.DataFrame([pl.Series(name, values, kind) for (name, kind), values in zip(self._schema.items(), read, strict=True)])


def _dates(texts: list[str | None]) -> list[date | None]:
    return [None if text is None else date.fromisoformat(text[:10]) for text in texts]


def _instants(texts: list[str | None]) -> list[datetime | None]:
    """UTC without a zone. The texts are as ``kernel.clock.iso`` writes them."""
    return [None if text is None else datetime.fromisoformat(text.removesuffix("Z")) for text in texts]


_TEXT_READERS: dict[Dtype, Callable[[list[Any]], list[Any]]] = {Dtype.DATE: _dates, Dtype.DATETIME: _instants}


def to_columns(rows: pl.DataFrame, fields: Sequence[Field]) -> dict[str, list[Any]]:
    """Canonical rows as the columns that a request has: what :class:`ColumnsReader` reads."""
    columns: dict[str, list[Any]] = {}
    for field in fields:
        values = rows[field.name].to_list()
        if field.dtype is Dtype.DATE:
            values = [None if value is None else value.isoformat() for value in values]
        elif field.dtype is Dtype.DATETIME:
            values = [None if value is None else _iso(value) for value in values]
        columns[field.name] = values
    return columns


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds") + "Z"


class PandasMaker:
    """Canonical Polars rows to pandas with the types the training rows had there."""

    def __init__(self, fields: Sequence[Field]) -> None:
        full = pl.DataFrame([pl.Series(f.name, [_PROBES[f.dtype]] * 2, polars_type(f.dtype)) for f in fields])
        holes = [pl.when(pl.int_range(pl.len()) == 1).then(None).otherwise(pl.col(f.name)).alias(f.name) for f in fields if f.nullable]
        self._types = _pandas_of(full.with_columns(holes)).dtypes.to_dict()

    def frame(self, rows: pl.DataFrame) -> "pd.DataFrame":
        """A new frame that shares no memory which the caller could see changed."""
        made = _pandas_of(rows)
        found = made.dtypes.to_dict()
        if found != self._types:
            wrong = {name: kind for name, kind in self._types.items() if found[name] != kind and not self._widened(name, found[name])}
            made = made.astype(wrong)
        return made

    def _widened(self, name: str, found: Any) -> bool:
        """Missing values where training had none: the wider type stays, as pandas would have it."""
        pinned = np.dtype(self._types[name]) if isinstance(self._types[name], np.dtype) else None
        return pinned is not None and isinstance(found, np.dtype) and pinned.kind in "ib" and found.kind in "fO"


def _pandas_of(rows: pl.DataFrame) -> "pd.DataFrame":
    try:
        return rows.to_pandas()
    except ModuleNotFoundError as error:
        raise UnavailableError(
            "This model takes pandas frames, and pandas is not installed here.",
            found=str(error),
            next_step="pip install 'volant[pandas]'",
        ) from error


class NumpyMaker:
    """Canonical Polars rows to one numpy array with the type the training rows had there."""

    def __init__(self, fields: Sequence[Field]) -> None:
        full = pl.DataFrame([pl.Series(f.name, [_PROBES[f.dtype]] * 2, polars_type(f.dtype)) for f in fields])
        holes = [pl.when(pl.int_range(pl.len()) == 1).then(None).otherwise(pl.col(f.name)).alias(f.name) for f in fields if f.nullable]
        self._type = full.with_columns(holes).to_numpy().dtype

    def array(self, rows: pl.DataFrame) -> np.ndarray:
        """Shape (rows, columns)."""
        made = rows.to_numpy()
        narrower = made.dtype != self._type and not (self._type.kind in "ib" and made.dtype.kind in "fO")
        return made.astype(self._type) if narrower else made
