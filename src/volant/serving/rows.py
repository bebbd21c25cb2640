"""Rows of a request, checked against the model's signature before the model sees them.

Everything works on plain lists by column: for one row that is many times cheaper than a frame. Whatever does not fit
is an ``InvalidInputError`` that names the column and the row, so that it becomes a 4xx and never reaches user code.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from volant.data.model import Dtype
from volant.data.timeline import instant_us
from volant.evidence.keys import KeyColumn, canonical_value, key_texts
from volant.kernel.clock import iso, parse_iso
from volant.kernel.codec import Value
from volant.kernel.errors import InvalidInputError, TooLargeError
from volant.models.model import Field, Signature

MAX_TEXT = 100_000


class Rows(Value, frozen=True, kw_only=True):
    """n checked rows: the signature's columns first, then key and time columns that the model does not take."""

    count: int
    columns: dict[str, list[Any]]
    keys: list[str] | None
    event_times: list[int | None] | None


class RowRules:
    """What rows must look like, compiled once from the signature and the project's key and time columns."""

    def __init__(
        self, signature: Signature, *, key: Sequence[KeyColumn] = (), time: KeyColumn | None = None, max_rows: int = 10_000
    ) -> None:
        self.fields = signature.inputs
        self._checks = [(field, _CHECKS[field.dtype], _PLAIN.get(field.dtype)) for field in signature.inputs]
        self._names = frozenset(field.name for field in signature.inputs)
        self._key = tuple(key)
        self._time = time
        extra = {column.name: column for column in (*key, *([time] if time else []))}
        self._extra = {name: column for name, column in extra.items() if name not in self._names}
        self._max_rows = max_rows
        self.dtypes = {field.name: field.dtype for field in self.fields} | {n: Dtype(c.dtype) for n, c in self._extra.items()}

    def check(self, columns: Mapping[str, list[Any]]) -> Rows:
        """Rows given as columns, one list of plain values each. Raises ``InvalidInputError`` naming the column."""
        if columns.keys() != self._names:
            self._check_names(columns)
        count = self._count(columns)
        if count == 1:
            checked = self._one_row(columns)
        else:
            checked = {field.name: check(columns[field.name], field) for field, check, _ in self._checks}
        if not self._extra and not self._key and self._time is None:
            return Rows(count=count, columns=checked, keys=None, event_times=None)
        for name, column in self._extra.items():
            if name in columns:
                checked[name] = [canonical_value(column, value) for value in columns[name]]
        return Rows(count=count, columns=checked, keys=self._keys(checked), event_times=self._event_times(checked))

    def _one_row(self, columns: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
        """The commonest request. Values that need neither conversion nor a closer look skip the checks of whole columns."""
        checked = {}
        for field, check, plain in self._checks:
            values = columns[field.name]
            value = values[0]
            if type(value) is not plain or (plain is float and value - value != 0) or (plain is str and len(value) > MAX_TEXT):
                values = check(values, field)
            checked[field.name] = values
        return checked

    def _check_names(self, columns: Mapping[str, list[Any]]) -> None:
        missing = [field.name for field in self.fields if field.name not in columns]
        surplus = [name for name in columns if name not in self._names and name not in self._extra]
        if missing:
            raise InvalidInputError(
                f"Column {missing[0]!r} is missing.",
                found=f"columns {_listed(columns)}",
                next_step=f"the model takes {_listed([field.name for field in self.fields])}",
                field=missing[0],
            )
        if surplus:
            raise InvalidInputError(
                f"Column {surplus[0][:200]!r} is not one the model takes.",
                found=f"surplus columns {_listed(surplus)}",
                next_step=f"the model takes {_listed([field.name for field in self.fields])}",
                field=surplus[0][:200],
            )

    def _count(self, columns: Mapping[str, list[Any]]) -> int:
        lengths = set(map(len, columns.values()))
        count = len(next(iter(columns.values()), ()))
        if len(lengths) > 1:
            name = next(name for name, values in columns.items() if len(values) != count)
            found = f"{name!r} has {len(columns[name])} values, the first column {count}"
            raise InvalidInputError("Columns differ in length.", found=found, field=name)
        if count <= 0:
            raise InvalidInputError("There are no rows to predict.", next_step="send at least one row")
        return self.allow(count)

    def allow(self, count: int) -> int:
        """The number of rows, if one request may have as many; ``TooLargeError`` otherwise."""
        if count > self._max_rows:
            raise TooLargeError(
                f"One request may have {self._max_rows} rows.",
                found=f"{count} rows",
                next_step="send several requests, or raise serve.max_rows",
            )
        return count

    def _keys(self, columns: Mapping[str, list[Any]]) -> list[str] | None:
        own = [column.name for column in self._key if column.name in self._extra]  # the others are inputs: always there
        missing = [name for name in own if name not in columns]
        if not self._key or (missing and len(missing) == len(own)):
            return None
        if missing:
            raise InvalidInputError(
                f"Column {missing[0]!r} is missing: a key needs all its columns or none.",
                found=f"key columns {_listed([name for name in own if name in columns])}",
                next_step=f"send {_listed([column.name for column in self._key])}, or leave the key out",
                field=missing[0],
            )
        return key_texts(self._key, columns)

    def _event_times(self, columns: Mapping[str, list[Any]]) -> list[int | None] | None:
        if self._time is None or self._time.name not in columns:
            return None
        return [instant_us(value) for value in columns[self._time.name]]


def _floats(values: list[Any], field: Field) -> list[float | None]:
    kinds = set(map(type, values))
    if kinds == {float}:
        if all(map(math.isfinite, values)):
            return values
    elif kinds <= {float, int}:
        values = [_as_float(value, field, row) for row, value in enumerate(values)]
        if all(map(math.isfinite, values)):
            return values
    return [_float(value, field, row) for row, value in enumerate(values)]


def _float(value: Any, field: Field, row: int) -> float | None:
    if type(value) is int:
        value = _as_float(value, field, row)
    if value is None or (type(value) is float and value != value):  # noqa: PLR0124 - NaN is a missing value
        _missing(field, row)
        return None
    if type(value) is not float:
        raise _wrong(field, row, value)
    if not math.isfinite(value):
        raise _wrong(field, row, value, "is not finite")
    return value


def _as_float(value: float, field: Field, row: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise _wrong(field, row, value, "is too large") from None


def _ints(values: list[Any], field: Field) -> list[int | None]:
    if set(map(type, values)) == {int} and min(values) >= -(1 << 63) and max(values) < 1 << 63:
        return values
    return [_int(value, field, row) for row, value in enumerate(values)]


def _int(value: Any, field: Field, row: int) -> int | None:
    if value is None or (type(value) is float and value != value):  # noqa: PLR0124 - NaN is a missing value
        _missing(field, row)
        return None
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int:
        raise _wrong(field, row, value)
    if not -(1 << 63) <= value < 1 << 63:
        raise _wrong(field, row, value, "does not fit into 64 bits")
    return value


def _texts(values: list[Any], field: Field) -> list[str | None]:
    for row, value in enumerate(values):
        if type(value) is not str:
            if value is not None:
                raise _wrong(field, row, value)
            _missing(field, row)
        elif len(value) > MAX_TEXT:
            raise _wrong(field, row, value[:20], f"is longer than {MAX_TEXT} characters")
    return values


def _bools(values: list[Any], field: Field) -> list[bool | None]:
    for row, value in enumerate(values):
        if type(value) is not bool:
            if value is not None:
                raise _wrong(field, row, value)
            _missing(field, row)
    return values


def _times(values: list[Any], field: Field) -> list[str | None]:
    return [_time(value, field, row) for row, value in enumerate(values)]


def _time(value: Any, field: Field, row: int) -> str | None:
    if value is None:
        _missing(field, row)
        return None
    try:
        instant = iso(parse_iso(value))
    except (TypeError, ValueError, OverflowError):
        raise _wrong(field, row, value, "is not an ISO 8601 time like 2026-11-21T04:30:00Z") from None
    return instant[:10] if field.dtype is Dtype.DATE else instant


_CHECKS: dict[Dtype, Callable[[list[Any], Field], list[Any]]] = {
    Dtype.FLOAT: _floats,
    Dtype.INT: _ints,
    Dtype.STRING: _texts,
    Dtype.BOOL: _bools,
    Dtype.DATE: _times,
    Dtype.DATETIME: _times,
}


# Types of values that need no conversion. Integers may be too large and times have many forms: those are looked at.
_PLAIN: dict[Dtype, Any] = {Dtype.FLOAT: float, Dtype.STRING: str, Dtype.BOOL: bool}


def _missing(field: Field, row: int) -> None:
    if not field.nullable:
        raise InvalidInputError(
            f"Column {field.name!r} has no value in row {row}.",
            found="null or NaN, which never occurred in training",
            next_step="send a value",
            field=field.name,
        )


def _wrong(field: Field, row: int, value: Any, why: str | None = None) -> InvalidInputError:
    return InvalidInputError(
        f"Column {field.name!r} {why or f'is not {_article(field.dtype)}'} in row {row}.",
        found=repr(value)[:80],
        next_step=f"send {_article(field.dtype)}",
        field=field.name,
    )


_ARTICLES = {Dtype.INT: "an integer", Dtype.FLOAT: "a number", Dtype.STRING: "a text", Dtype.BOOL: "true or false"}


def _article(dtype: Dtype) -> str:
    return _ARTICLES.get(dtype, f"an ISO {dtype}")


def _listed(names: Sequence[str] | Mapping[str, Any]) -> str:
    shown = ", ".join(repr(name[:60]) for name in list(names)[:12])
    return shown + (f" and {len(names) - 12} more" if len(names) > 12 else "")
