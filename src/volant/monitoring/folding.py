"""From lines of the log to summaries of windows, one pass for many windows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from volant.evidence.model import Outcome
from volant.evidence.tables import FEATURE_PREFIX
from volant.monitoring.breaking import broken_rules
from volant.monitoring.summary import STEPS_PER_DOUBLING, ColumnSummary, Latencies, WindowSummary, limited
from volant.monitoring.windows import WINDOW
from volant.stats.predicted import LARGEST

if TYPE_CHECKING:
    from volant.data.contract import Contract

_FIRST_OF_REQUEST = pl.col("prediction_id").str.ends_with(".0")
_ANSWERED = pl.col("outcome") == Outcome.OK.value
_LONGEST_VALUE = 200


def summarised(lines: pl.DataFrame, contract: "Contract | None") -> tuple[WindowSummary, ...]:
    """Summaries of lines of one model, epoch and arm that have their ``_window``; by number."""
    if lines.height == 0:
        return ()
    named = lines.row(0, named=True)
    answered = lines.filter(_ANSWERED)
    features = [name for name in lines.columns if name.startswith(FEATURE_PREFIX)]
    columns = {name.removeprefix(FEATURE_PREFIX): column_summaries(lines, name) for name in features}
    prediction = column_summaries(answered, "prediction")
    counted = {name: _counts(lines, pl.col(name)) for name in ("version", "source")}
    requests = lines.filter(_FIRST_OF_REQUEST & (pl.col("source") == "http"))
    latencies = _counts(requests, buckets_of(requests["latency_us"]))
    broken = _broken(lines, contract)
    return tuple(
        WindowSummary(
            model=named["model"],
            epoch=named["epoch"],
            arm=named["arm"],
            number=row[WINDOW],
            from_us=row["from"],
            to_us=row["to"],
            rows=row["rows"],
            event_from_us=row["event_from"],
            event_to_us=row["event_to"],
            requests=row["requests"],
            errors=row["errors"],
            invalid=row["invalid"],
            versions=counted["version"].get(row[WINDOW], {}),
            sources=counted["source"].get(row[WINDOW], {}),
            latencies=Latencies(counts=latencies.get(row[WINDOW], {})),
            prediction=prediction.get(row[WINDOW], ColumnSummary()),
            columns={name: found[row[WINDOW]] for name, found in columns.items()},
            checked=row["rows"] if broken else 0,
            breaks=broken.get(row[WINDOW], {}),
        )
        for row in _basics(lines).iter_rows(named=True)
    )


def buckets_of(latencies: pl.Series) -> pl.Series:
    """Buckets of ``summary.Latencies``; 0 and less count as 1 microsecond."""
    return pl.Series(np.floor(STEPS_PER_DOUBLING * np.log2(np.maximum(latencies.to_numpy(), 1))), dtype=pl.Float64).cast(pl.Int64)


def _basics(lines: pl.DataFrame) -> pl.DataFrame:
    usable = pl.col("prediction").is_not_null()
    if lines["prediction"].dtype.is_float():
        usable = usable & (pl.col("prediction").abs() <= LARGEST)
    return (
        lines.group_by(WINDOW)
        .agg(
            pl.col("at").min().alias("from"),
            pl.col("at").max().alias("to"),
            pl.col("event_time").min().alias("event_from"),
            pl.col("event_time").max().alias("event_to"),
            pl.len().alias("rows"),
            _FIRST_OF_REQUEST.sum().alias("requests"),
            (~_ANSWERED).sum().alias("errors"),
            (_ANSWERED & ~usable.fill_null(value=False)).sum().alias("invalid"),
        )
        .sort(WINDOW)
    )


def column_summaries(lines: pl.DataFrame, name: str) -> dict[int, ColumnSummary]:
    """Window -> the column's summary there."""
    kind = lines[name].dtype
    if kind.is_numeric():
        return _of_numbers(lines, name)
    found = lines.group_by(WINDOW).agg(pl.len().alias("rows"), pl.col(name).null_count().alias("missing"))
    texts = (
        {} if kind == pl.Null else _counts(lines.filter(pl.col(name).is_not_null()), pl.col(name).cast(pl.String).str.head(_LONGEST_VALUE))
    )
    return {
        row[WINDOW]: ColumnSummary(rows=row["rows"], missing=row["missing"], values=limited(texts.get(row[WINDOW], {})))
        for row in found.iter_rows(named=True)
    }


def _of_numbers(lines: pl.DataFrame, name: str) -> dict[int, ColumnSummary]:
    number = pl.when(pl.col(name).cast(pl.Float64).abs() <= LARGEST).then(pl.col(name).cast(pl.Float64))
    missing = pl.col(name).is_null() | pl.col(name).is_nan() if lines[name].dtype.is_float() else pl.col(name).is_null()
    found = lines.group_by(WINDOW).agg(
        pl.len().alias("rows"),
        missing.sum().alias("missing"),
        number.count().alias("numbers"),
        number.mean().alias("mean"),
        ((number - number.mean()) ** 2).sum().alias("squares"),
        number.min().alias("minimum"),
        number.max().alias("maximum"),
    )
    return {row.pop(WINDOW): ColumnSummary(**{**row, "mean": row["mean"] or 0.0}) for row in found.iter_rows(named=True)}


def _counts(lines: pl.DataFrame, value: pl.Expr | pl.Series) -> dict[int, dict[str, int]]:
    """Window -> value -> rows, in order of value."""
    found: dict[int, dict[str, int]] = {}
    counted = lines.select(WINDOW, value.alias("value")).group_by(WINDOW, "value").len().sort(WINDOW, "value")
    for window, key, count in counted.iter_rows():
        found.setdefault(window, {})[str(key)] = count
    return found


def _broken(lines: pl.DataFrame, contract: "Contract | None") -> dict[int, dict[str, int]]:
    """Window -> rule -> rows that break it (only those that some row breaks); empty without rules."""
    masks = broken_rules(lines, contract)
    if masks.width == 0:
        return {}
    sums = masks.with_columns(lines[WINDOW]).group_by(WINDOW).agg(pl.col(masks.columns).sum())
    return {row.pop(WINDOW): {rule: int(count) for rule, count in sorted(row.items()) if count} for row in sums.iter_rows(named=True)}


def merged_by_number(old: Sequence[WindowSummary], new: Sequence[WindowSummary]) -> tuple[WindowSummary, ...]:
    """The new windows, each together with the old one of its number."""
    before = {window.number: window for window in old}
    return tuple(before[window.number].merged(window) if window.number in before else window for window in new)
