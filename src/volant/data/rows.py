"""Names of rows: what joins a row to its label, and what tells whether a model has seen it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from blake3 import blake3

from volant.config.model import DataConfig
from volant.data.model import DatasetVersion, Dtype
from volant.data.reading import RESERVED
from volant.evidence.keys import KeyColumn, canonical_value
from volant.kernel.codec import canonical
from volant.kernel.errors import InvalidInputError

if TYPE_CHECKING:
    import polars as pl

ROW = "_row"
_EXAMPLES = 5
_EXACT_FLOAT = 1 << 53


@dataclass(frozen=True)
class Unique:
    """Rows left after keeping the last of each key. ``rows``: their positions, in file order."""

    rows: np.ndarray
    duplicates: int


def key_columns(frame: "pl.DataFrame", key: tuple[str, ...]) -> tuple[KeyColumn, ...]:
    """The key with the logical types the frame holds; ``InvalidInputError`` for a column that is not there."""
    for name in key:
        if name not in frame.columns:
            raise InvalidInputError(
                f"There is no key column {name!r}.",
                found=f"columns {', '.join(frame.columns[:20])}",
                next_step="set data.key to columns of the data",
                field="data.key",
            )
    return tuple(KeyColumn(name=name, dtype=logical_dtype(frame[name].dtype).value) for name in key)


def logical_dtype(kind: "pl.DataType") -> Dtype:
    """The logical type of a frame's column."""
    import polars as pl

    if kind.is_integer():
        return Dtype.INT
    if kind.is_float():
        return Dtype.FLOAT
    if isinstance(kind, pl.Datetime):
        return Dtype.DATETIME
    return {pl.Boolean: Dtype.BOOL, pl.Date: Dtype.DATE}.get(kind.base_type(), Dtype.STRING)


def key_texts(frame: "pl.DataFrame", key: tuple[str, ...]) -> "pl.Series":
    """Canonical key text of every row, equal to ``evidence.keys.key_text`` of its values.

    ``InvalidInputError`` naming the rows whose key is incomplete.
    """
    import polars as pl

    parts: list[pl.Series] = []
    for column in key_columns(frame, key):
        values = frame[column.name]
        bad = values.is_null() | (values.is_nan() if values.dtype.is_float() else values.is_null())
        if bad.any():
            rows = [str(row + 1) for row in bad.arg_true().head(_EXAMPLES)]
            raise InvalidInputError(
                f"The key column {column.name!r} has rows without a value.",
                found=f"{bad.sum()} rows: {', '.join(rows)}{' ...' if bad.sum() > _EXAMPLES else ''}",
                next_step="fill these cells, or choose another key (data.key)",
                field=column.name,
            )
        parts.append(_json_texts(values, column).alias(str(len(parts))))
    table = pl.DataFrame(parts)
    return table.select((pl.lit("[") + pl.concat_str(pl.all(), separator=",") + pl.lit("]")).alias("key")).to_series()


def _json_texts(values: "pl.Series", column: KeyColumn) -> "pl.Series":
    """Canonical JSON of each value; numbers and times at once, text once for each distinct value."""
    import polars as pl

    if column.dtype == Dtype.INT:
        return values.cast(pl.String)
    if column.dtype in {Dtype.DATE, Dtype.DATETIME}:
        return _time_texts(values)
    distinct = values.unique()
    texts = [canonical(canonical_value(column, value)).decode() for value in distinct.to_list()]
    return values.replace_strict(distinct, pl.Series(texts, dtype=pl.String), return_dtype=pl.String)


def _time_texts(values: "pl.Series") -> "pl.Series":
    """As ``kernel.clock.iso`` writes them: microseconds only where there are any."""
    import polars as pl

    if values.dtype == pl.Date:
        return values.dt.strftime('"%Y-%m-%d"')
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone is not None:
        values = values.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    moment = pl.col("t")
    text = pl.when(moment.dt.microsecond() == 0).then(moment.dt.strftime('"%Y-%m-%dT%H:%M:%SZ"'))
    table = values.cast(pl.Datetime("us")).alias("t").to_frame()
    return table.select(text.otherwise(moment.dt.strftime('"%Y-%m-%dT%H:%M:%S%.6fZ"'))).to_series()


def row_names(frame: "pl.DataFrame", version: DatasetVersion, config: DataConfig) -> "pl.Series":
    """``_row`` of every row: key text, prediction id of a logged row, or ``v{version}:{row number}``.

    Rows that a version took over from its base keep the base's number, so that a row has one name for life.
    """
    import polars as pl

    if config.key:
        return key_texts(frame, config.key).alias(ROW)
    number = version.number if version.base is None else version.base
    own = pl.format("v{}:{}", pl.lit(number), pl.int_range(pl.len())).alias(ROW)
    if ROW in frame.columns:
        own = pl.coalesce(pl.col(ROW), own).alias(ROW)
    return frame.select(own).to_series()


def fingerprints(frame: "pl.DataFrame", config: DataConfig) -> np.ndarray:
    """64-bit names, shape (n,): of the key text, or without a key of the row's content.

    Equal rows without a key are told apart by how often the same content came before, so call this with a whole
    version and take rows afterwards. Content does not depend on the order of columns, nor on whether a whole number
    is held as integer or float; ``_row`` and the log's instants are not content.
    """
    texts = key_texts(frame, config.key).to_list() if config.key else _content_texts(frame)
    data = b"".join(blake3(text.encode()).digest(length=8) for text in texts)
    return np.frombuffer(data, dtype="<u8").astype(np.uint64)


def _content_texts(frame: "pl.DataFrame") -> list[str]:
    import polars as pl

    names = sorted(name for name in frame.columns if name not in RESERVED)
    parts = pl.DataFrame([_content(frame[name]).alias(str(i)) for i, name in enumerate(names)])
    content = parts.select(pl.concat_str(pl.all(), separator="\x1f").alias("content"))
    before = pl.int_range(pl.len()).over("content")
    numbered = pl.when(before > 0).then(pl.format("{}\x1e{}", "content", before)).otherwise("content")
    texts: list[str] = content.select(numbered.alias("text")).to_series().to_list()
    return texts


def _content(values: "pl.Series") -> "pl.Series":
    """Text of each value: the type's letter, then numbers by the bits of their double, so that no formatting matters."""
    import polars as pl

    kind = values.dtype
    if kind.is_numeric():
        return _number_texts(values)
    if kind == pl.Date or isinstance(kind, pl.Datetime):
        return ("t" + values.cast(pl.Datetime("us")).cast(pl.Int64).cast(pl.String)).fill_null("")
    if kind == pl.Boolean:
        return values.cast(pl.Int8).cast(pl.String).fill_null("")
    return ("s" + values.cast(pl.String).str.replace_all("[\x1e\x1f]", "\ufffd")).fill_null("")


def _number_texts(values: "pl.Series") -> "pl.Series":
    import polars as pl

    floats = values.cast(pl.Float64).fill_null(float("nan")).to_numpy() + 0.0  # + 0.0: there is one zero
    present = ~np.isnan(floats)
    bits = pl.Series("bits", floats.view(np.int64)).cast(pl.String)
    whole = values.rechunk()  # Polars before 2 panics where one column is in pieces and another is not
    table = pl.DataFrame({"bits": bits, "present": present, "value": whole})
    exact = pl.col("value").abs() < _EXACT_FLOAT if values.dtype.is_integer() else pl.lit(value=True)
    text = pl.when(~pl.col("present")).then(pl.lit("")).when(exact).then("bits").otherwise(pl.format("i{}", "value"))
    return table.select(text).to_series()


def last_of_each_key(frame: "pl.DataFrame", config: DataConfig) -> Unique:
    """Keep the last row of each key (file order); without a key all rows."""
    if not config.key:
        return Unique(np.arange(frame.height), 0)
    keep = key_texts(frame, config.key).is_last_distinct().to_numpy()
    rows = np.flatnonzero(keep)
    return Unique(rows, frame.height - len(rows))
