"""Training rows from what was served: a base version, and logged rows whose labels are known.

With a key, a row is named by its key and the latest row and label of a name win; the base keeps its row where the log
says the same. Without a key, logged rows are named by their prediction id and nothing is de-duplicated. The result is
the same for the same base, log and labels, whatever order they came in.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from volant.config.model import DataConfig, ProjectConfig
from volant.data.column_types import parsed
from volant.data.model import DatasetVersion, Dtype
from volant.data.reading import RESERVED
from volant.data.rows import ROW, logical_dtype, row_names
from volant.data.selective import selective_note
from volant.data.timeline import EVENT_TIME, KNOWN_AT
from volant.evidence.model import Label
from volant.evidence.pairing import LABEL, paired
from volant.evidence.tables import FEATURE_PREFIX

if TYPE_CHECKING:
    import polars as pl

_ID = "prediction_id"


def training_frame(  # noqa: PLR0917 - the order in which training data comes about
    base: "pl.DataFrame",
    base_version: DatasetVersion,
    predictions: "pl.DataFrame",
    labels: Sequence[Label],
    config: ProjectConfig,
    cutoff_at: int,
) -> "tuple[pl.DataFrame, tuple[str, ...]] | None":
    """The base's rows, then logged rows by (event time, known time, name), with ``_event_time``, ``_known_at``, ``_row``.

    ``predictions`` are lines of ``evidence.predictions``; only what was predicted and known by ``cutoff_at``
    (microseconds UTC) counts. The notes say which labelled rows were left out and why, and whether labels exist for
    some outcomes only. None when the log adds nothing to the base.
    """
    import polars as pl

    seen = predictions.filter(pl.col("at") <= cutoff_at, pl.col("arm") != "shadow")  # the champion's line is the same row
    labelled = paired(seen, [label for label in labels if label.known_at <= cutoff_at])
    if labelled.height == 0:
        return None
    notes = [selective_note(seen, labelled[_ID], config, cutoff_at)]
    if config.data.key:
        labelled, note = _latest_of_each_key(labelled)
        notes.append(note)
    shaped, problems = _shaped(labelled, base, config)
    named_base = base.drop(name for name in RESERVED if name in base.columns).with_columns(
        _kept(base, EVENT_TIME), _kept(base, KNOWN_AT), row_names(base, base_version, config.data)
    )
    merged = _merged(named_base, shaped, config.data)
    return None if merged is None else (merged, tuple(note for note in (*notes, *problems) if note))


def _kept(base: "pl.DataFrame", name: str) -> "pl.Series":
    """An instant that an earlier version from the log recorded; null for rows of files."""
    import polars as pl

    return base[name] if name in base.columns else pl.Series(name, [None] * base.height, dtype=pl.Int64)


def _latest_of_each_key(labelled: "pl.DataFrame") -> "tuple[pl.DataFrame, str | None]":
    import polars as pl

    without = labelled["key"].null_count()
    note = f"{without} labelled rows were left out: they were logged without the key that names rows" if without else None
    kept = labelled.drop_nulls("key").sort("at", _ID)
    return kept.filter(pl.col("key").is_last_distinct()), note


def _shaped(labelled: "pl.DataFrame", base: "pl.DataFrame", config: ProjectConfig) -> "tuple[pl.DataFrame, list[str]]":
    """Logged rows under the base's columns and types, and why some could not be brought there."""
    import polars as pl

    event = pl.coalesce("event_time", "at").alias(EVENT_TIME)
    name = pl.col("key" if config.data.key else _ID).alias(ROW)
    rows = labelled.select(event, KNOWN_AT, name)
    problems: list[str] = []
    whole = pl.Series([True] * labelled.height, dtype=pl.Boolean)
    for column in (name for name in base.columns if name not in RESERVED):
        values, usable = _column(column, labelled, rows[EVENT_TIME], base, config)
        if not usable.all():
            word = "a label" if column == config.target else "a value"
            problems.append(
                f"{(~usable).sum()} labelled rows were left out: column {column!r} has no {word[2:]} that fits the base version"
            )
        whole &= usable
        rows = rows.with_columns(values.alias(column))
    order = [column for column in base.columns if column not in RESERVED]
    return rows.filter(whole).select(*order, EVENT_TIME, KNOWN_AT, ROW).sort(EVENT_TIME, KNOWN_AT, ROW), problems


def _column(
    name: str, labelled: "pl.DataFrame", event: "pl.Series", base: "pl.DataFrame", config: ProjectConfig
) -> "tuple[pl.Series, pl.Series]":
    """Values of one column of the base for the logged rows, and which of them can be trained on."""
    import polars as pl

    kind = base[name].dtype
    logged = FEATURE_PREFIX + name
    if name == config.target:
        values = in_type(labelled[LABEL], kind)
        return values, values.is_not_null()
    absent = pl.Series(name, [None] * labelled.height, dtype=kind)
    source = labelled[logged] if logged in labelled.columns else absent
    values = in_type(source, kind)
    if name == config.data.time and isinstance(kind, pl.Datetime | pl.Date):
        happened = event.cast(pl.Datetime("us")).cast(kind)
        values = pl.select(pl.coalesce(values, happened)).to_series()
    fits = values.is_not_null() | source.is_null()
    if name in config.data.drop or base[name].null_count() > 0:
        return values, fits
    return values, values.is_not_null()


def in_type(values: "pl.Series", kind: "pl.DataType") -> "pl.Series":
    """Logged values in the base's type; null where they do not fit."""
    import polars as pl

    dtype = logical_dtype(kind)
    if values.dtype == pl.String and dtype is not Dtype.STRING:
        return values.to_frame("v").select(parsed(pl.col("v"), dtype)).to_series().cast(kind, strict=False)
    if values.dtype.is_float() and dtype is Dtype.INT:
        values = values.to_frame("v").select(pl.when(pl.col("v") == pl.col("v").round()).then("v")).to_series()
    if dtype is Dtype.STRING and values.dtype not in {pl.String, pl.Null}:
        return pl.Series([None] * len(values), dtype=kind)  # a number is not the text that stands for it
    return values.cast(kind, strict=False)


def _merged(base: "pl.DataFrame", logged: "pl.DataFrame", config: DataConfig) -> "pl.DataFrame | None":
    """The base without rows that the log knows better, then the log; None if the log knows nothing new."""
    import polars as pl

    logged = logged.select(pl.col(name).cast(base[name].dtype) for name in base.columns)
    compared = [name for name in base.columns if name not in {*RESERVED, *config.drop}]
    said = logged.join(base.select(ROW, *compared), on=[ROW, *compared], how="anti", nulls_equal=True)
    if said.height == 0:
        return None
    for name in (name for name in config.drop if name in base.columns):
        before = said.select(ROW).join(base.select(ROW, name), on=ROW, how="left", maintain_order="left")[name]
        said = said.with_columns(pl.coalesce(name, before).alias(name))
    return pl.concat([base.join(said.select(ROW), on=ROW, how="anti", maintain_order="left"), said])
