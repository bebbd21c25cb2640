"""A first contract, learned from data that are taken to be mostly right.

What would stop a run (types, missing values, repeated keys, far too few rows) is promised only where the data show
no exception. Ranges and closed sets only warn: the world may move, and a person decides.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from volant.data.contract import Check, Contract, ContractColumn, Rule, Severity
from volant.data.model import Column, Dtype

if TYPE_CHECKING:
    import polars as pl

MOST_VALUES = 50
_ROWS_PER_VALUE = 20  # a set is closed only if values come back often enough to have all been seen
_SLACK = 0.25  # of the span seen, on each side
_FENCE = 10.0  # spans between the 1 % and 99 % quantile beyond which a value is no measure of the range
_LEAST_ROWS = 0.5


def infer_contract(
    frame: "pl.DataFrame", columns: Sequence[Column], *, name: str, key: Sequence[str] = (), drop: Sequence[str] = ()
) -> Contract:
    """Contract of a table. ``drop``: columns that are stored but not used; they are promised to be there, no more."""
    promised = tuple(
        ContractColumn(
            name=c.name,
            dtype=c.dtype,
            required=not c.nullable and c.name not in drop,
            key_position=key.index(c.name) + 1 if c.name in key else None,
        )
        for c in columns
    )
    rules: list[Rule] = []
    for column in columns:
        if column.name not in drop and column.name not in key:
            rules += _range(frame[column.name], column) + _values(frame[column.name], column)
    if key:
        rules.append(Rule(check=Check.UNIQUE, columns=tuple(key), severity=Severity.BLOCK))
    rules.append(Rule(check=Check.ROWS, minimum=max(1, int(frame.height * _LEAST_ROWS)), severity=Severity.BLOCK))
    return Contract(id=f"urn:volant:{name}", name=name, columns=promised, rules=tuple(rules))


def _range(values: "pl.Series", column: Column) -> list[Rule]:
    bounds = value_range(values) if column.dtype in {Dtype.INT, Dtype.FLOAT} else None
    if bounds is None:
        return []
    low, high = bounds
    if column.dtype is Dtype.INT:
        few = values.n_unique() <= MOST_VALUES and values.len() >= _ROWS_PER_VALUE * values.n_unique()
        low, high = (values.min(), values.max()) if few else (math.floor(low), math.ceil(high))  # type: ignore[assignment]
    return [Rule(check=Check.RANGE, columns=(column.name,), severity=Severity.WARN, minimum=low, maximum=high)]


def value_range(values: "pl.Series") -> tuple[float, float] | None:
    """Bounds with slack, (low, high); None for a column without a spread or one that only counts up.

    Absurd values do not stretch them: extremes count only up to ten times the distance between the 1 % and 99 %
    quantiles beyond these.
    """
    clean = values.drop_nulls().cast(float)
    clean = clean.filter(clean.is_finite())
    if clean.len() < 2 or (values.dtype.is_integer() and values.is_sorted() and values.n_unique() == values.len()):
        return None
    first, last = clean.quantile(0.01, "linear"), clean.quantile(0.99, "linear")
    if first is None or last is None:
        return None
    reach = _FENCE * (last - first)
    inside = clean.filter((clean >= first - reach) & (clean <= last + reach)) if reach > 0 else clean
    low, high = float(inside.min() or 0.0), float(inside.max() or 0.0)  # type: ignore[arg-type]
    if low == high:
        return None
    slack = _SLACK * (high - low)
    return _rounded(max(0.0, low - slack) if low >= 0 else low - slack, down=True), _rounded(
        min(0.0, high + slack) if high <= 0 else high + slack, down=False
    )


def _rounded(value: float, *, down: bool) -> float:
    """Three significant digits, away from the data."""
    if value == 0:
        return 0.0
    digits = 2 - math.floor(math.log10(abs(value)))
    scaled = value * 10.0**digits
    return round((math.floor(scaled) if down else math.ceil(scaled)) / 10.0**digits, max(0, digits))


def _values(values: "pl.Series", column: Column) -> list[Rule]:
    if column.dtype is not Dtype.STRING:
        return []
    distinct = values.drop_nulls().unique().sort()
    if not 0 < distinct.len() <= MOST_VALUES or values.len() < _ROWS_PER_VALUE * distinct.len():
        return []
    return [Rule(check=Check.VALUES, columns=(column.name,), severity=Severity.WARN, values=tuple(distinct.to_list()))]
