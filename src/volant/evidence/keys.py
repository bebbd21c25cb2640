"""The canonical text of a key: how a logged row, a label and a training row agree that they mean the same thing.

A key text is the JSON array of the key columns' values in the order the project declares them:
``["s1","2011-01-01T00:00:00Z"]``. Values are brought into the form their column's type has when it is read from a
file, so that ``"2011-01-01 00:00"`` in a label and a timestamp in a frame give one text.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from volant.kernel.clock import iso, parse_iso
from volant.kernel.codec import Value, canonical
from volant.kernel.errors import InvalidInputError


class KeyColumn(Value, frozen=True, kw_only=True):
    """A key column; ``dtype`` is the logical type's name (``int``, ``float``, ``string``, ``bool``, ``date``, ``datetime``)."""

    name: str
    dtype: str


def key_text(columns: Sequence[KeyColumn], values: Sequence[Any]) -> str:
    """Canonical text of one key. ``InvalidInputError`` naming the column whose value is absent or of the wrong type."""
    return canonical([canonical_value(column, value) for column, value in zip(columns, values, strict=True)]).decode()


def key_texts(columns: Sequence[KeyColumn], table: Mapping[str, Sequence[Any]]) -> list[str]:
    """Canonical texts of n keys given as columns of equal length."""
    parts = [[canonical_value(column, value) for value in table[column.name]] for column in columns]
    return [canonical(values).decode() for values in zip(*parts, strict=True)]


def canonical_value(column: KeyColumn, value: Any) -> bool | int | float | str:
    """One key value in the form in which it is compared."""
    found = _CONVERSIONS[column.dtype](value)
    if found is None:
        raise InvalidInputError(
            f"The value of key column {column.name!r} is not a {column.dtype}.",
            found=repr(value)[:80],
            next_step=f"give {column.name!r} as in the training data",
            field=column.name,
        )
    return found


def _bool(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False, "1": True, "0": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _int(value: Any) -> int | None:
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _float(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number + 0.0 if number - number == 0 else None  # neither NaN nor infinite, and no negative zero


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _date(value: Any) -> str | None:
    instant = _instant(value)
    return None if instant is None else iso(instant)[:10]


def _datetime(value: Any) -> str | None:
    instant = _instant(value)
    return None if instant is None else iso(instant)


def _instant(value: Any) -> int | None:
    text = value.isoformat() if isinstance(value, date) else value  # a datetime is a date too
    if not isinstance(text, str):
        return None
    try:
        return parse_iso(text)
    except (ValueError, OverflowError):
        return None


_CONVERSIONS = {"bool": _bool, "int": _int, "float": _float, "string": _string, "date": _date, "datetime": _datetime}
