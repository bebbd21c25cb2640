"""When each row happened, and when its label became known.

With a time column a row happens at its value; without one, at its row number times ``tick`` (row 0 at 0). Labels
become known ``label_delay`` later. Rows that came from the log carry both instants themselves.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from volant.config.model import DataConfig
from volant.kernel.clock import SECOND_US, parse_iso
from volant.kernel.errors import InvalidInputError

if TYPE_CHECKING:
    import polars as pl

EVENT_TIME, KNOWN_AT = "_event_time", "_known_at"
_EXAMPLES = 5
# Whole numbers are seconds, milliseconds, microseconds or nanoseconds since 1970 by their size: every instant
# from 1973 to 5138 is told apart so.
_EPOCH_UNITS = ((100_000_000_000, SECOND_US), (100_000_000_000_000, 1000), (100_000_000_000_000_000, 1))
_SMALLEST_EPOCH = 100_000_000


@dataclass(frozen=True)
class Times:
    """n instants each, int64 microseconds since 1970 UTC: when rows happened, and when their labels became known."""

    event_us: np.ndarray
    known_us: np.ndarray

    def __len__(self) -> int:
        return len(self.event_us)

    def order(self) -> np.ndarray:
        """Row positions by event time; equal times keep file order."""
        return np.argsort(self.event_us, kind="stable")

    def is_sorted(self) -> bool:
        """Whether the file is in time order already."""
        return bool((np.diff(self.event_us) >= 0).all())

    def take(self, rows: np.ndarray) -> "Times":
        """The rows at these positions (integers or a mask)."""
        return Times(self.event_us[rows], self.known_us[rows])


def times(frame: "pl.DataFrame", config: DataConfig, offset_rows: int = 0) -> Times:
    """Event and known instants of every row; ``offset_rows`` is the number of the frame's first row.

    Raises ``InvalidInputError`` naming rows without a usable time.
    """
    if config.time is None:
        event = (np.arange(frame.height, dtype=np.int64) + offset_rows) * (config.tick_us or SECOND_US)
        event = _override(frame, EVENT_TIME, event)
    else:
        event = _column_times(frame, config.time)
    return Times(event, _override(frame, KNOWN_AT, event + config.label_delay_us))


def instant_us(value: Any) -> int | None:
    """One time value (ISO text, date, datetime, epoch number) as an instant; None if it is none.

    Agrees with :func:`times`, value by value.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float):
        value = int(value) if value.is_integer() else None
    if isinstance(value, int):
        return _epoch_us(value)
    text = value if isinstance(value, str) else getattr(value, "isoformat", lambda: "")()
    try:
        return parse_iso(text.strip())
    except (ValueError, OverflowError):
        return None


def _epoch_us(value: int) -> int | None:
    size = abs(value)
    if size < _SMALLEST_EPOCH:
        return None
    for limit, factor in _EPOCH_UNITS:
        if size < limit:
            return value * factor
    return value // 1000


def _override(frame: "pl.DataFrame", column: str, instants: np.ndarray) -> np.ndarray:
    if column not in frame.columns:
        return instants
    own = frame[column]
    known = own.is_not_null().to_numpy()
    return np.where(known, own.fill_null(0).to_numpy(), instants)


def _column_times(frame: "pl.DataFrame", name: str) -> np.ndarray:
    import polars as pl

    if name not in frame.columns:
        raise InvalidInputError(
            f"There is no time column {name!r}.",
            found=f"columns {', '.join(frame.columns[:20])}",
            next_step="set data.time",
            field="data.time",
        )
    column = frame[name]
    if column.dtype == pl.Date or isinstance(column.dtype, pl.Datetime):
        instants = _to_utc(column)
    elif column.dtype.is_integer():
        instants = _from_epoch(column)
    elif column.dtype == pl.String:
        from volant.data.column_types import parsed
        from volant.data.model import Dtype

        instants = frame.select(parsed(pl.col(name), Dtype.DATETIME).cast(pl.Int64)).to_series()
    else:
        raise InvalidInputError(
            f"The time column {name!r} holds no times.",
            found=f"values of type {column.dtype}",
            next_step="use a column of dates, ISO 8601 instants or epoch seconds, or leave data.time out and set data.tick",
            field="data.time",
        )
    _check_all(column, instants, name)
    return instants.to_numpy().astype(np.int64)


def _to_utc(column: "pl.Series") -> "pl.Series":
    import polars as pl

    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(pl.Datetime("us")).cast(pl.Int64)


def _from_epoch(column: "pl.Series") -> "pl.Series":
    import polars as pl

    value = pl.col(column.name).cast(pl.Int64)
    size = value.abs()
    instant = value // 1000
    for limit, factor in reversed(_EPOCH_UNITS):
        instant = pl.when(size < limit).then(value * factor).otherwise(instant)
    usable = pl.when(size >= _SMALLEST_EPOCH).then(instant).otherwise(None)
    return column.to_frame().select(usable.alias("t")).to_series()


def _check_all(column: "pl.Series", instants: "pl.Series", name: str) -> None:
    bad = instants.is_null().arg_true()
    if len(bad) == 0:
        return
    shown = [f"row {row + 1}: {'no value' if column[row] is None else repr(column[row])}" for row in bad.head(_EXAMPLES)]
    raise InvalidInputError(
        f"The time column {name!r} has values that are no times.",
        found=f"{len(bad)} of {len(column)} rows",
        details=tuple(shown),
        next_step="write dates as 2026-11-21, instants as 2026-11-21T04:30:00Z, or use another column (data.time)",
        field="data.time",
    )
