"""Reading data files: what a CSV or Parquet file holds, and its rows with the types it was stored with.

A file is typed once, by all its rows (:func:`sniff`); every later read (:func:`read_frame`) is given those types and
yields the same frame. A type fits or the read fails: nothing turns silently into a missing value.
"""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from volant.data.column_types import ColumnTyping, infer_types, missing, parsed, polars_type
from volant.data.csv_structure import CsvShape, check_names, lines_of, read_shape
from volant.data.model import Column, Dtype
from volant.data.source_file import check_source
from volant.kernel.codec import Value
from volant.kernel.errors import InvalidInputError

if TYPE_CHECKING:
    import polars as pl

CSV, PARQUET = "csv", "parquet"
RESERVED = ("_row", "_event_time", "_known_at")
_EXAMPLES = 5
_NEARLY = 0.9
_INTEGERS = ("Int8", "Int16", "Int32", "Int64", "Int128", "UInt8", "UInt16", "UInt32", "UInt64")


class SourceTable(Value, frozen=True, kw_only=True):
    """What a file holds. ``warnings`` are sentences about columns that may not be what they seem."""

    format: str
    columns: tuple[Column, ...]
    rows: int
    warnings: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """Column names in file order."""
        return tuple(column.name for column in self.columns)

    def dtype(self, name: str) -> Dtype:
        """Type of a column; ``KeyError`` if it is not there."""
        return next(column.dtype for column in self.columns if column.name == name)


def file_format(path: Path) -> str:
    """``parquet`` or ``csv``, by the first bytes; the file's name is the judge only for damaged Parquet."""
    with path.open("rb") as file:
        magic = file.read(4)
    return PARQUET if magic == b"PAR1" or (magic and path.suffix.lower() in {".parquet", ".pq"}) else CSV


def sniff(path: Path, shown: str | None = None) -> SourceTable:
    """Format, columns with types and whether anything is missing, and rows; reads the whole file, in streams.

    Raises ``NotFoundError``, ``InvalidInputError`` (saying which line, byte or column) or ``UnavailableError``.
    """
    check_source(path, shown)
    shown = shown or str(path)
    table = _sniff_parquet(path, shown) if file_format(path) == PARQUET else _sniff_csv(path, shown)
    if table.rows == 0:
        raise InvalidInputError(f"{shown} has a header but no rows.", found="0 rows", next_step="give a file with rows")
    reserved = [name for name in table.names() if name in RESERVED]
    if reserved:
        raise InvalidInputError(
            f"{shown} has a column with a name that Volant uses itself.",
            found=", ".join(reserved),
            next_step="rename it",
            field=reserved[0],
        )
    return table


def read_frame(path: Path, format: str, columns: Sequence[Column], *, trusted: bool = False) -> "pl.DataFrame":  # noqa: A002 - the seam's word
    """The named columns, in this order, as these types; other columns of the file are left out.

    ``trusted``: the types were found by :func:`sniff` on these very bytes, so cells are not checked again.
    Raises ``InvalidInputError`` naming the column that is absent or the rows whose cells do not fit.
    """
    if format == PARQUET:
        return _read_parquet(path, columns)
    shape = read_shape(path, path.name) if not trusted else None
    texts = _texts(path, shape)
    _check_present([c.name for c in columns], texts.collect_schema().names(), path.name)
    if not trusted and shape is not None:
        _check_cells(path, shape, texts, columns)
    import polars as pl

    return _collect(texts.select(parsed(pl.col(c.name), c.dtype).alias(c.name) for c in columns), path.name)


def scan_frame(path: Path, format: str, columns: Sequence[Column]) -> "pl.LazyFrame":  # noqa: A002 - the seam's word
    """As :func:`read_frame` of a trusted file, for streaming."""
    import polars as pl

    if format == PARQUET:
        return _scan_parquet(path, columns)
    return _texts(path, None).select(parsed(pl.col(c.name), c.dtype).alias(c.name) for c in columns)


def row_lines(path: Path, format: str, rows: Sequence[int]) -> list[int | None]:  # noqa: A002 - the seam's word
    """The file line of each data row (from 0); None where a file has no lines."""
    if format == PARQUET:
        return [None] * len(rows)
    return list(lines_of(path, read_shape(path, path.name), rows))


def texts_of(path: Path) -> "pl.LazyFrame":
    """A CSV file's cells as they are written."""
    return _texts(path, read_shape(path, path.name))


def _texts(path: Path, shape: CsvShape | None) -> "pl.LazyFrame":
    import polars as pl

    from volant.data.csv_structure import read_header

    delimiter, names = (shape.delimiter, shape.names) if shape is not None else read_header(path, path.name)
    frame = pl.scan_csv(
        path, separator=delimiter, infer_schema=False, has_header=True, new_columns=list(names), glob=False, raise_if_empty=False
    )
    return frame.filter(~pl.all_horizontal(pl.all().is_null() | (pl.all() == "")))


def _collect(frame: "pl.LazyFrame", shown: str) -> "pl.DataFrame":
    import polars as pl

    try:
        return frame.collect(engine="streaming")
    except pl.exceptions.PolarsError as error:
        raise InvalidInputError(
            f"{shown} cannot be read.", found=str(error).split("\n", 1)[0][:200], next_step="repair or export it again"
        ) from None


def _check_present(wanted: Sequence[str], present: Sequence[str], shown: str) -> None:
    absent = [name for name in wanted if name not in present]
    if absent:
        nearest = difflib.get_close_matches(absent[0], present, n=1)
        raise InvalidInputError(
            f"{shown} has no column {absent[0]!r}." if len(absent) == 1 else f"{shown} lacks {len(absent)} columns.",
            found=f"lacks {', '.join(map(repr, absent[:10]))}; has {', '.join(map(repr, present[:20]))}",
            next_step=f"did you mean {nearest[0]!r}?" if nearest else "give a file with the columns of the training data",
            field=absent[0],
        )


def _check_cells(path: Path, shape: CsvShape, texts: "pl.LazyFrame", columns: Sequence[Column]) -> None:
    import polars as pl

    bad = {
        c.name: ~missing(pl.col(c.name), c.dtype) & parsed(pl.col(c.name), c.dtype).is_null()
        for c in columns
        if c.dtype is not Dtype.STRING
    }
    if not bad:
        return
    counts = _collect(texts.select(mask.sum().alias(name) for name, mask in bad.items()), path.name).row(0, named=True)
    for column in columns:
        if counts.get(column.name):
            raise InvalidInputError(
                f"Column {column.name!r} of {path.name} is not of type {column.dtype}.",
                found=f"{counts[column.name]} cells that do not fit",
                details=_misfits(path, shape, texts, column),
                next_step="repair these cells or leave them empty",
                field=column.name,
            )


def _misfits(path: Path, shape: CsvShape, texts: "pl.LazyFrame", column: Column) -> tuple[str, ...]:
    """``line 17: 'n.a.'`` for the first cells that do not fit."""
    import polars as pl

    cell = pl.col(column.name)
    mask = ~missing(cell, column.dtype) & parsed(cell, column.dtype).is_null()
    rows = texts.select(cell).with_row_index("_row").filter(mask).head(_EXAMPLES).collect()
    lines = lines_of(path, shape, rows["_row"].to_list())
    return tuple(f"line {line}: {value!r}" for line, value in zip(lines, rows[column.name], strict=True))


def _sniff_csv(path: Path, shown: str) -> SourceTable:
    import polars as pl

    shape = read_shape(path, shown)
    texts = _texts(path, shape)
    try:
        typings = infer_types(texts, shape.names)
        rows = int(texts.select(pl.len()).collect(engine="streaming").item())
    except pl.exceptions.PolarsError as error:
        raise InvalidInputError(
            f"{shown} cannot be read.", found=str(error).split("\n", 1)[0][:200], next_step="repair or export it again"
        ) from None
    columns = tuple(Column(name=name, dtype=t.dtype, nullable=t.missing > 0) for name, t in typings.items())
    warnings = _warnings(path, shape, texts, typings) if rows else ()
    return SourceTable(format=CSV, columns=columns, rows=rows, warnings=warnings)


def _warnings(path: Path, shape: CsvShape, texts: "pl.LazyFrame", typings: dict[str, ColumnTyping]) -> tuple[str, ...]:
    """Sentences about text columns that look like something else."""
    import polars as pl

    found = [f"{name!r} was kept as text: {t.why_text}." for name, t in typings.items() if t.why_text]
    names = [name for name, t in typings.items() if t.dtype is Dtype.STRING and t.why_text is None]
    if not names:
        return tuple(found)
    wanted = [
        expression.alias(f"{i}.{what}")
        for i, name in enumerate(names)
        for what, expression in {
            "present": (~missing(pl.col(name), Dtype.FLOAT)).sum(),
            "numbers": parsed(pl.col(name), Dtype.FLOAT).is_not_null().sum(),
            "commas": pl.col(name).str.contains(r"^\s*[+-]?\d+,\d+\s*$").sum(),
            "dates": pl.col(name).str.contains(r"^\s*\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}\b").sum(),
            "na": (pl.col(name).str.strip_chars() == "NA").sum(),
        }.items()
    ]
    counts = texts.select(wanted).collect(engine="streaming").row(0, named=True)
    for i, name in enumerate(names):
        looks = {what: int(counts[f"{i}.{what}"] or 0) for what in ("present", "numbers", "commas", "dates", "na")}
        sentence = _looks_like(name, looks)
        if sentence and looks["numbers"] >= _NEARLY * looks["present"]:
            cells = _misfits(path, shape, texts, Column(name=name, dtype=Dtype.FLOAT, nullable=True))
            sentence += f" These cells are not numbers: {'; '.join(cells)}."
        if sentence:
            found.append(sentence)
    return tuple(found)


def _looks_like(name: str, looks: dict[str, int]) -> str | None:
    present = max(1, looks["present"])
    share = {what: looks[what] / present for what in ("numbers", "commas", "dates")}
    if share["numbers"] >= _NEARLY:
        return f"{name!r} was kept as text because {looks['present'] - looks['numbers']} of {looks['present']} cells are not numbers."
    if share["commas"] >= _NEARLY:
        return f"{name!r} was kept as text: it looks like numbers with decimal commas; write them with points."
    if share["dates"] >= _NEARLY:
        return f"{name!r} was kept as text: it looks like dates; write them as 2026-11-21 or 2026-11-21T04:30:00Z."
    if looks["na"]:
        return f"{name!r}: {looks['na']} cells that say NA were read as missing."
    return None


def _parquet_dtype(kind: "pl.DataType") -> Dtype | None:
    import polars as pl

    simple = {"Float32": Dtype.FLOAT, "Float64": Dtype.FLOAT, "Boolean": Dtype.BOOL, "Date": Dtype.DATE, "Null": Dtype.FLOAT}
    name = str(kind.base_type())
    if name in _INTEGERS:
        return Dtype.INT
    if kind == pl.String or isinstance(kind, pl.Categorical | pl.Enum):
        return Dtype.STRING
    if isinstance(kind, pl.Datetime):
        return Dtype.DATETIME
    if isinstance(kind, pl.Decimal):
        return Dtype.FLOAT
    return simple.get(name)


def open_parquet(path: Path, shown: str) -> "tuple[pl.LazyFrame, dict[str, pl.DataType]]":
    """A Parquet file's lazy frame and physical types. ``InvalidInputError`` if it is broken or cut off."""
    import polars as pl

    try:
        frame = pl.scan_parquet(path, glob=False, hive_partitioning=False)
        return frame, dict(frame.collect_schema())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InvalidInputError(
            f"{shown} is not a whole Parquet file.", found=str(error).split("\n", 1)[0][:200], next_step="write or copy it again"
        ) from None


def _sniff_parquet(path: Path, shown: str) -> SourceTable:
    import polars as pl

    frame, schema = open_parquet(path, shown)
    check_names(tuple(schema), shown)
    dtypes = {name: _parquet_dtype(kind) for name, kind in schema.items()}
    unsupported = [name for name, dtype in dtypes.items() if dtype is None]
    if unsupported:
        raise InvalidInputError(
            f"{shown} has columns of types that are not supported.",
            found=", ".join(f"{name!r} is {schema[name]}" for name in unsupported[:10]),
            next_step="unnest, convert or leave out these columns",
            field=unsupported[0],
        )
    known = {name: dtype for name, dtype in dtypes.items() if dtype is not None}
    wanted = [pl.len().alias("rows")]
    for i, (name, dtype) in enumerate(known.items()):
        gone = pl.col(name).is_null()
        if dtype is Dtype.FLOAT and schema[name].is_float():
            gone = gone | pl.col(name).is_nan()
        wanted.append(gone.sum().alias(str(i)))
    counts = _collect(frame.select(wanted), shown).row(0, named=True)
    columns = tuple(Column(name=name, dtype=dtype, nullable=counts[str(i)] > 0) for i, (name, dtype) in enumerate(known.items()))
    decimals = [
        f"{name!r} holds decimals; they are read as floating-point numbers." for name, k in schema.items() if isinstance(k, pl.Decimal)
    ]
    return SourceTable(format=PARQUET, columns=columns, rows=int(counts["rows"]), warnings=tuple(decimals))


def _scan_parquet(path: Path, columns: Sequence[Column]) -> "pl.LazyFrame":
    import polars as pl

    frame, schema = open_parquet(path, path.name)
    _check_present([c.name for c in columns], list(schema), path.name)
    chosen = []
    for column in columns:
        kind, cell = schema[column.name], pl.col(column.name)
        if isinstance(kind, pl.Datetime) and kind.time_zone is not None:
            cell = cell.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        cell = cell.cast(polars_type(column.dtype))
        # One sign for what is missing, as in CSV: a feature function must see the same in training and when serving.
        chosen.append((cell.fill_nan(None) if column.dtype is Dtype.FLOAT else cell).alias(column.name))
    return frame.select(chosen)


def _read_parquet(path: Path, columns: Sequence[Column]) -> "pl.DataFrame":
    return _collect(_scan_parquet(path, columns), path.name)
