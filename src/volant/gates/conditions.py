"""Slices by conditions: rows of which one or two columns are so, as a text that people read and gates take.

``hour in 17..19 and holiday = yes``: between two bounds (both belong to it), ``temp <= 3.5``, ``temp >= 25``, one value, or
``wind is missing``. Names and values that are no plain word stand in double quotes, as in JSON.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from volant.kernel.codec import Value
from volant.kernel.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

JOINED = " and "
INSIDE, ELSEWHERE = "inside", "elsewhere"
_WORD = r"[^\W\d][\w.:/%$-]*"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_CONDITION = re.compile(
    rf"\s*(?P<column>{_WORD}|{_QUOTED})\s*"
    rf"(?:in\s+(?P<low>{_NUMBER})\.\.(?P<high>{_NUMBER})|<=\s*(?P<most>{_NUMBER})|>=\s*(?P<least>{_NUMBER})"
    rf"|=\s*(?P<value>{_NUMBER}|{_WORD}|{_QUOTED})|is\s+(?P<missing>missing))\s*(?P<rest>and\s|\Z)"
)
_PLAIN = re.compile(rf"(?:{_WORD}|{_NUMBER})\Z")
_NAME = re.compile(rf"{_WORD}\Z")
MOST = 4


class Condition(Value, frozen=True, kw_only=True):
    """What one column must be: between two bounds (both belong to it), a value, or missing."""

    column: str
    low: float | None = None
    high: float | None = None
    value: str | None = None
    missing: bool = False

    @property
    def text(self) -> str:
        """As people write it."""
        name = self.column if _NAME.match(self.column) else json.dumps(self.column, ensure_ascii=False)
        if self.missing:
            return f"{name} is missing"
        if self.value is not None:
            return f"{name} = {self.value if _PLAIN.match(self.value) else json.dumps(self.value, ensure_ascii=False)}"
        if self.low is None or self.high is None:
            return f"{name} <= {_digits(self.high)}" if self.low is None else f"{name} >= {_digits(self.low)}"
        return f"{name} in {_digits(self.low)}..{_digits(self.high)}"


def _digits(number: float | None) -> str:
    assert number is not None
    return f"{number:.12g}"


def slice_text(conditions: Sequence[Condition]) -> str:
    """All of them together, in the order of their columns' names."""
    return JOINED.join(condition.text for condition in conditions)


def is_conditions(text: str) -> bool:
    """Whether it is more than the name of a column: such a text is no column of any file in practice, and is tried second."""
    return _CONDITION.match(text) is not None


def parse_slice(text: str) -> tuple[Condition, ...]:
    """What :func:`slice_text` gives. ``InvalidInputError`` for anything else."""
    found: list[Condition] = []
    rest = text
    while len(found) < MOST:
        match = _CONDITION.match(rest)
        if match is None:
            break
        found.append(_condition(match))
        rest = rest[match.end() :]
        if not match["rest"]:
            return tuple(found)
    raise InvalidInputError(
        f"{text[:100]!r} names no slice.",
        found=f"it cannot be read from {rest[:40]!r} on" if found else "no condition",
        next_step="hour in 17..19 and holiday = yes; odd names and values in double quotes",
        field="slices",
    )


def _condition(match: re.Match[str]) -> Condition:
    column = _unquoted(match["column"])
    if match["missing"]:
        return Condition(column=column, missing=True)
    if match["value"] is not None:
        return Condition(column=column, value=_unquoted(match["value"]))
    low, high = match["low"] or match["least"], match["high"] or match["most"]
    return Condition(column=column, low=None if low is None else float(low), high=None if high is None else float(high))


def _unquoted(text: str) -> str:
    return str(json.loads(text)) if text.startswith('"') else text


def holds(condition: Condition, column: "pl.Series") -> "np.ndarray":
    """Which rows meet it, shape (n,), bool. What is no finite number is missing in a column of numbers."""
    import numpy as np
    import polars as pl

    if column.dtype == pl.Null:
        return np.full(len(column), condition.missing)
    if condition.missing:
        return np.asarray(~np.isfinite(_floats(column))) if column.dtype.is_numeric() else column.is_null().to_numpy()
    if not column.dtype.is_numeric():
        same = column.cast(pl.String, strict=False) == condition.value if condition.value is not None else column.is_null() & False
        return same.fill_null(value=False).to_numpy()
    low, high = condition.low, condition.high
    if condition.value is not None:
        low = high = _number(condition.value)
    values = _floats(column)
    with np.errstate(invalid="ignore"):
        found = (values >= (-math.inf if low is None else low)) & (values <= (math.inf if high is None else high))
    return np.asarray(found & np.isfinite(values))


def _floats(column: "pl.Series") -> "np.ndarray":
    import polars as pl

    return column.cast(pl.Float64, strict=False).fill_null(math.nan).to_numpy()


def _number(text: str) -> float:
    """NaN, which equals nothing, for a text that is no number."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def columns_behind(name: str, columns: Sequence[str]) -> tuple[str, ...]:
    """Which columns say where rows belong: the column of that name, or those of its conditions."""
    return tuple(condition.column for condition in parse_slice(name)) if name not in columns and is_conditions(name) else (name,)


def sliced(name: str, columns: "Mapping[str, pl.Series]") -> "np.ndarray":
    """``inside`` or ``elsewhere`` for each row, shape (n,). ``InvalidInputError`` for a column that is not there."""
    import numpy as np

    conditions = parse_slice(name)
    for condition in conditions:
        if condition.column not in columns:
            raise InvalidInputError(
                f"There is no column {condition.column!r} to slice by.",
                found=f"columns {', '.join([*columns][:20])}",
                next_step="correct gates in volant.yaml",
                field="gates",
            )
    inside = np.logical_and.reduce([holds(condition, columns[condition.column]) for condition in conditions])
    return np.where(inside, INSIDE, ELSEWHERE).astype(object)


def sliced_name(name: str, value: str) -> str:
    """``season = winter``; of a slice by conditions the conditions themselves, or that they do not hold."""
    if value not in {INSIDE, ELSEWHERE} or not is_conditions(name):
        return f"{name} = {value}"
    return name if value == INSIDE else f"not ({name})"
