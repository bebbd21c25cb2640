"""Rules as Polars expressions: columns brought into the contract's types, and a mask of the rows that break a rule."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from volant.data.column_types import missing, parsed, polars_type
from volant.data.contract import Check, Rule
from volant.data.model import Dtype
from volant.kernel.clock import parse_iso

if TYPE_CHECKING:
    import polars as pl

_MISFIT = "\x00misfit "


def conformed(frame: "pl.LazyFrame", schema: Mapping[str, "pl.DataType"], dtypes: Mapping[str, Dtype]) -> "pl.LazyFrame":
    """The contract's columns in its types (null where a cell does not fit), each with a mask of such cells."""
    columns: list[pl.Expr] = []
    for name, dtype in dtypes.items():
        value, misfit = _conform(name, schema[name], dtype)
        columns += [value.alias(name), misfit.alias(_MISFIT + name)]
    return frame.select(columns)


def _conform(name: str, kind: "pl.DataType", dtype: Dtype) -> "tuple[pl.Expr, pl.Expr]":
    import polars as pl

    column, fits = pl.col(name), pl.lit(value=False)
    if kind in {pl.String, pl.Categorical, pl.Enum}:
        text = column.cast(pl.String)
        value = parsed(text, dtype)
        return value, (fits if dtype is Dtype.STRING else ~missing(text, dtype) & value.is_null())
    if kind.is_float() and dtype is Dtype.INT:
        whole = column.is_null() | column.is_nan() | (column == column.floor())
        return column.fill_nan(None).cast(pl.Int64, strict=False), ~whole
    if isinstance(kind, pl.Datetime) and dtype in {Dtype.DATETIME, Dtype.DATE}:
        moment = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if kind.time_zone is not None else column
        return moment.cast(polars_type(dtype)), (
            fits if dtype is Dtype.DATETIME else (moment.dt.time() != pl.time(0)).fill_null(value=False)
        )
    if _widens(kind, dtype):
        return column.cast(polars_type(dtype)), fits
    return pl.lit(None, dtype=polars_type(dtype)), column.is_not_null()


def _widens(kind: "pl.DataType", dtype: Dtype) -> bool:
    """Whether every value of the physical type is one of the logical type."""
    import polars as pl

    numbers = kind.is_numeric() and (dtype is Dtype.FLOAT or (dtype is Dtype.INT and kind.is_integer()))
    dates = kind == pl.Date and dtype in {Dtype.DATETIME, Dtype.DATE}
    return numbers or dates or (kind == pl.Boolean and dtype is Dtype.BOOL) or kind == pl.Null


def breaks(rule: Rule, dtypes: Mapping[str, Dtype]) -> "pl.Expr | None":
    """Mask of conformed rows that break the rule; None if it is not a row's matter or cannot be asked of its column."""
    import polars as pl

    if len(rule.columns) != 1 or rule.columns[0] not in dtypes:
        return None
    name = rule.columns[0]
    column, dtype, misfit = pl.col(name), dtypes[name], pl.col(_MISFIT + name)
    if rule.check is Check.TYPE:
        return misfit
    if rule.check is Check.REQUIRED:
        absent = column.is_null() | column.is_nan() if dtype is Dtype.FLOAT else column.is_null()
        return absent & ~misfit
    if rule.check in {Check.PATTERN, Check.LENGTH}:
        return _of_text(rule, column) if dtype is Dtype.STRING else None
    asked = {Check.RANGE: _outside, Check.VALUES: _unlisted}.get(rule.check)
    return asked(rule, column, dtype) if asked is not None else None


def _of_text(rule: Rule, column: "pl.Expr") -> "pl.Expr | None":
    if rule.check is Check.LENGTH:
        return _between(column.str.len_chars(), rule.minimum, rule.maximum)
    return None if rule.pattern is None else (~column.str.contains(rule.pattern)).fill_null(value=False)


def _outside(rule: Rule, column: "pl.Expr", dtype: Dtype) -> "pl.Expr | None":
    import polars as pl

    bounds: list[Any] = [rule.minimum, rule.maximum]
    if dtype in {Dtype.DATE, Dtype.DATETIME}:
        try:
            bounds = [None if b is None else parse_iso(str(b)) for b in bounds]
        except ValueError:
            return None
        return _between(column.cast(pl.Datetime("us")).cast(pl.Int64), bounds[0], bounds[1])
    if dtype not in {Dtype.INT, Dtype.FLOAT} or any(isinstance(b, str | bool) for b in bounds):
        return None
    number = column.is_not_nan() if dtype is Dtype.FLOAT else pl.lit(value=True)  # Polars orders NaN above every number
    return number.fill_null(value=False) & _between(column, bounds[0], bounds[1])


def _between(column: "pl.Expr", low: Any, high: Any) -> "pl.Expr":
    import polars as pl

    below = column < low if low is not None else pl.lit(value=False)
    above = column > high if high is not None else pl.lit(value=False)
    return (below | above).fill_null(value=False)


def _unlisted(rule: Rule, column: "pl.Expr", dtype: Dtype) -> "pl.Expr | None":
    kinds: dict[Dtype, Any] = {Dtype.STRING: str, Dtype.BOOL: bool, Dtype.INT: int, Dtype.FLOAT: int | float}
    kind = kinds.get(dtype)
    if kind is None or not all(isinstance(v, kind) and isinstance(v, bool) == (dtype is Dtype.BOOL) for v in rule.values):
        return None
    present = column.is_not_null() & column.is_not_nan() if dtype is Dtype.FLOAT else column.is_not_null()
    return present & ~column.is_in(list(rule.values)).fill_null(value=False)
