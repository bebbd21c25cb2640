"""Cutting the prediction log into windows.

Rows come in the order in which they were answered. Rows of one request or batch are answered at once: among them the
event time decides, then their number in the request. Windows hold a number of rows or a stretch of time; rows that were
answered together and happened together are never parted.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from volant.config.model import Amount
from volant.monitoring.ports import Extent

WINDOW = "_window"
UNIT = "_unit"
_REQUEST, _ROW = "_request", "_row"


def in_order(lines: pl.DataFrame) -> pl.DataFrame:
    """Lines of the log in window order with ``_unit``, the number of their tie: 0, 1, ... along the table."""
    parts = pl.col("prediction_id").str.extract_groups(r"^(?<request>.*)\.(?<row>\d+)$")
    ordered = (
        lines.with_columns(
            parts.struct.field("request").fill_null(pl.col("prediction_id")).alias(_REQUEST),
            parts.struct.field("row").cast(pl.Int64, strict=False).fill_null(0).alias(_ROW),
        )
        .sort("at", "event_time", _REQUEST, _ROW, nulls_last=True)
        .drop(_REQUEST, _ROW)
    )
    starts = ~(
        pl.col("at").eq_missing(pl.col("at").shift(1)) & (pl.col("event_time") == pl.col("event_time").shift(1)).fill_null(value=False)
    )
    return ordered.with_columns((starts.cast(pl.Int64).cum_sum() - 1).alias(UNIT))


def cut(lines: pl.DataFrame, size: Amount) -> pl.DataFrame:
    """Lines of one epoch and arm in window order, with ``_unit`` and ``_window`` (0, 1, ... in order of time)."""
    ordered = in_order(lines)
    if size.rows is not None:
        return ordered.with_columns(pl.Series(WINDOW, _by_rows(ordered[UNIT].to_numpy(), size.rows), dtype=pl.Int64))
    assert size.duration_us is not None
    return ordered.with_columns((pl.col("at") // size.duration_us).alias(WINDOW))


def _by_rows(units: np.ndarray, rows: int, room: int = 0) -> np.ndarray:
    """Window numbers of rows whose ties ``units`` (n,) ascend: each window ends at the first tie's end at or after ``rows`` rows.

    ``room``: how many rows the first window takes, where it holds some already.
    """
    numbers = np.zeros(len(units), dtype=np.int64)
    start, number = 0, 0
    while start < len(units):
        last = min(start + (room if room and number == 0 else rows), len(units)) - 1
        stop = int(np.searchsorted(units, units[last], side="right"))
        numbers[start:stop] = number
        start, number = stop, number + 1
    return numbers


def placed(lines: pl.DataFrame, size: Amount, known: Sequence[Extent]) -> pl.DataFrame:
    """Further lines of one epoch and arm, with ``_unit`` and the ``_window`` each belongs to beside the ``known`` ones.

    Lines fill the last window and then open new ones; a line from before the last window's start (another writer was
    slow, or a clock was set back) joins the window that was open then.
    """
    ordered = in_order(lines)
    if size.rows is None:
        assert size.duration_us is not None
        return ordered.with_columns((pl.col("at") // size.duration_us).alias(WINDOW))
    if not known:
        return ordered.with_columns(pl.Series(WINDOW, _by_rows(ordered[UNIT].to_numpy(), size.rows), dtype=pl.Int64))
    last = known[-1]
    full = last.rows >= size.rows
    times, units = ordered["at"].to_numpy(), ordered[UNIT].to_numpy()
    late = times <= last.to_us if full else times < last.from_us
    starts = np.array([window.from_us for window in known])
    places = np.maximum(np.searchsorted(starts, times, side="right") - 1, 0)
    numbers = np.array([window.number for window in known], dtype=np.int64)[places]
    room = 0 if full else size.rows - last.rows
    numbers[~late] = last.number + _by_rows(units[~late], size.rows, room) + (0 if room else 1)
    return ordered.with_columns(pl.Series(WINDOW, numbers, dtype=pl.Int64))
