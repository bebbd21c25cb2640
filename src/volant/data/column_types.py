"""Logical types of CSV columns: how text becomes values, and which type a whole column has.

The rules are fixed, so that a file reads the same today and in a year: a cell that is empty or ``NA`` is missing;
in columns of numbers, booleans and times so are the other usual words (:data:`MISSING`). A type is given only if
every other cell of the file fits it. Numbers with leading zeros and integers beyond 64 bits stay text.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from volant.data.model import Dtype
from volant.kernel.codec import Value

if TYPE_CHECKING:
    import polars as pl

MISSING_TEXT = ("", "NA")
MISSING = (*MISSING_TEXT, "N/A", "n/a", "#N/A", "<NA>", "nan", "NaN", "NAN", "null", "NULL", "Null", "None")
LADDER = (Dtype.BOOL, Dtype.INT, Dtype.FLOAT, Dtype.DATE, Dtype.DATETIME, Dtype.STRING)
_INSTANT = r"^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|z|[+-]\d{2}:?\d{2})?)?$"
_SAMPLE_ROWS = 1000


class ColumnTyping(Value, frozen=True, kw_only=True):
    """What is known of a column after looking at all cells. ``why_text``: why numbers stayed text, if they did."""

    dtype: Dtype
    missing: int
    why_text: str | None = None


def polars_type(dtype: Dtype) -> "pl.DataType":
    """The one Polars type in which a logical type is held. Instants are UTC without a zone, in microseconds."""
    import polars as pl

    kinds: dict[Dtype, Any] = {
        Dtype.INT: pl.Int64(),
        Dtype.FLOAT: pl.Float64(),
        Dtype.STRING: pl.String(),
        Dtype.BOOL: pl.Boolean(),
        Dtype.DATE: pl.Date(),
        Dtype.DATETIME: pl.Datetime("us"),
    }
    found: pl.DataType = kinds[dtype]
    return found


def missing(column: "pl.Expr", dtype: Dtype) -> "pl.Expr":
    """True where a text cell stands for a missing value in a column of this type."""
    words = MISSING_TEXT if dtype is Dtype.STRING else MISSING
    return column.is_null() | column.str.strip_chars().is_in(list(words))


def parsed(column: "pl.Expr", dtype: Dtype) -> "pl.Expr":
    """Text cells as values of the type; null where missing or where a cell does not fit."""
    import polars as pl

    text = column.str.strip_chars()
    if dtype is Dtype.STRING:
        return pl.when(missing(column, dtype)).then(None).otherwise(column)
    if dtype is Dtype.INT:
        return text.cast(pl.Int64, strict=False)
    if dtype is Dtype.FLOAT:
        return text.cast(pl.Float64, strict=False).fill_nan(None)
    if dtype is Dtype.BOOL:
        word = text.str.to_lowercase()
        return pl.when(word == "true").then(statement=True).when(word == "false").then(statement=False).otherwise(None)
    if dtype is Dtype.DATE:
        return text.str.to_date("%Y-%m-%d", strict=False)
    return _instant(text)


def _instant(text: "pl.Expr") -> "pl.Expr":
    """ISO 8601 dates and instants to UTC; without an offset they are UTC already. Digits past microseconds are cut."""
    import polars as pl

    fits = text.str.contains(_INSTANT)
    clock = text.str.slice(11).str.extract(r"^(\d{2}:\d{2}(?::\d{2})?)", 1).fill_null("00:00")
    whole = text.str.slice(0, 10) + "T" + pl.when(clock.str.len_chars() == 5).then(clock + ":00").otherwise(clock)
    fraction = text.str.extract(r"[.,](\d{1,6})", 1).fill_null("0").str.pad_end(6, "0").cast(pl.Int64, strict=False)
    sign = pl.when(text.str.contains(r"-\d{2}:?\d{2}$")).then(-1).otherwise(1)
    hours = text.str.slice(11).str.extract(r"[+-](\d{2}):?\d{2}$", 1).cast(pl.Int64, strict=False).fill_null(0)
    minutes = text.str.slice(11).str.extract(r"[+-]\d{2}:?(\d{2})$", 1).cast(pl.Int64, strict=False).fill_null(0)
    moment = whole.str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False).cast(pl.Int64)
    zoned = text.str.slice(11).str.contains(r"[+-]\d{2}:?\d{2}$")
    offset = pl.when(zoned).then(sign * (hours * 60 + minutes) * 60_000_000).otherwise(0)
    return pl.when(fits).then((moment + fraction - offset).cast(pl.Datetime("us"))).otherwise(None)


def infer_types(texts: "pl.LazyFrame", names: Sequence[str]) -> dict[str, ColumnTyping]:
    """The type of every column, decided by all rows: guess from the first ones, then check the guess in a streaming pass.

    Columns that a later row contradicts climb to the next type and are checked again, alone.
    """
    pending = _first_guess(texts.head(_SAMPLE_ROWS), names)
    done: dict[str, ColumnTyping] = {}
    reasons: dict[str, str] = {}
    while pending:
        found = _measure(texts, pending)
        climbing: dict[str, Dtype] = {}
        for name, dtype in pending.items():
            reason = _why_text(dtype, found[name])
            if reason is not None:
                reasons[name] = reason
                climbing[name] = Dtype.STRING
            elif dtype is Dtype.STRING or found[name]["fitting"] == found[name]["present"]:
                done[name] = _settled(dtype, found[name], reasons.get(name))
            else:
                climbing[name] = LADDER[LADDER.index(dtype) + 1]
        pending = climbing
    return {name: done[name] for name in names}


def _first_guess(sample: "pl.LazyFrame", names: Sequence[str]) -> dict[str, Dtype]:
    guesses: dict[str, Dtype] = {}
    left = list(names)
    for dtype in LADDER:
        found = _measure(sample, dict.fromkeys(left, dtype))
        for name in list(left):
            if dtype is Dtype.STRING or found[name]["fitting"] == found[name]["present"]:
                guesses[name] = dtype
                left.remove(name)
        if not left:
            break
    return {name: guesses[name] for name in names}


def _measure(texts: "pl.LazyFrame", guesses: Mapping[str, Dtype]) -> dict[str, dict[str, int]]:
    """Per column: cells, cells present, cells that fit, and what would be lost by reading numbers."""
    import polars as pl

    if not guesses:
        return {}
    columns = []
    for position, (name, dtype) in enumerate(guesses.items()):
        cell = pl.col(name)
        gone = missing(cell, dtype)
        wanted = {"rows": pl.len(), "present": (~gone).sum(), "fitting": (~gone & parsed(cell, dtype).is_not_null()).sum()}
        if dtype in {Dtype.INT, Dtype.FLOAT}:
            text = cell.str.strip_chars()
            wanted["zeros"] = text.str.contains(r"^[+-]?0\d").sum()
            wanted["long"] = text.str.contains(r"^[+-]?\d{16,}$").sum()
        columns += [expression.alias(f"{position}.{what}") for what, expression in wanted.items()]
    row = texts.select(columns).collect(engine="streaming").row(0, named=True)
    found: dict[str, dict[str, int]] = {name: {} for name in guesses}
    order = list(guesses)
    for alias, value in row.items():
        position_text, what = alias.split(".")
        found[order[int(position_text)]][what] = int(value or 0)
    return found


def _why_text(dtype: Dtype, found: Mapping[str, int]) -> str | None:
    """What reading the column as numbers would lose."""
    if found.get("zeros"):
        return "leading zeros"
    if dtype is Dtype.FLOAT and found.get("long"):
        return "integers too long to be held exactly"
    return None


def _settled(dtype: Dtype, found: Mapping[str, int], why_text: str | None) -> ColumnTyping:
    """A column without any value is kept as numbers: models take those as missing."""
    kept = Dtype.FLOAT if found["present"] == 0 else dtype
    return ColumnTyping(dtype=kept, missing=found["rows"] - found["present"], why_text=why_text)
