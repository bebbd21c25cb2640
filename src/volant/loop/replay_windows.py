"""Cutting a history: warm-up, evaluation windows, training rows and holdouts. Equal times are never parted."""

import itertools
from dataclasses import dataclass

import numpy as np

from volant.config.model import Amount, WindowConfig
from volant.data.ages import kept_from
from volant.kernel.errors import InvalidInputError

SIXTIETHS = 60
WARM_UP = 12


@dataclass(frozen=True)
class Stretch:
    """Rows ``start`` to ``stop`` (excluded) of a history in order of event time."""

    start: int
    stop: int


def plan_windows(
    event_times: np.ndarray, *, windows: int | None = None, window_rows: int | None = None, last_us: int | None = None
) -> tuple[Stretch, ...]:
    """Evaluation windows over the end of a history; what lies before the first is the warm-up.

    By default the first 12 sixtieths of the rows warm up and each further sixtieth is a window. ``windows`` or
    ``window_rows`` size them otherwise, ``last_us`` starts them later. Raises ``InvalidInputError`` where fewer than two
    windows come out.
    """
    count = len(event_times)
    start = _tie_start(event_times, round(count * WARM_UP / SIXTIETHS)) if count else 0
    if last_us is not None and count:
        start = max(start, int(np.searchsorted(event_times, event_times[-1] - last_us)))
    rows = count - start
    number = windows or (max(rows // window_rows, 1) if window_rows else SIXTIETHS - WARM_UP)
    edges = [start + round(rows * part / number) for part in range(number + 1)]
    cuts = sorted({_tie_start(event_times, edge) if edge < count else count for edge in edges if edge >= start} | {count})
    found = tuple(Stretch(a, b) for a, b in itertools.pairwise(cuts))
    if start == 0 or len(found) < 2:
        raise InvalidInputError(
            "the history is too short to replay",
            found=f"{count:,} rows at {len(np.unique(event_times)):,} different times; {start:,} rows of warm-up, {len(found)} window(s)",
            next_step="give more rows, or fewer windows (--windows) over a longer span (--last)",
        )
    return found


def _tie_start(event_times: np.ndarray, position: int) -> int:
    """The first row with the same time as the row at ``position``."""
    return int(np.searchsorted(event_times, event_times[min(position, len(event_times) - 1)]))


def kept_rows(rows: np.ndarray, event_times: np.ndarray, window: WindowConfig) -> np.ndarray:
    """The newest part of ``rows`` (positions, ascending) that the window keeps."""
    return rows[kept_from(event_times[rows], window) :]


def held_out(rows: np.ndarray, event_times: np.ndarray, known_at: np.ndarray, size: Amount) -> tuple[np.ndarray, np.ndarray]:
    """(training, holdout) of known ``rows``: the holdout is the newest part, at most half, and training holds only rows
    whose label was known when the first held-out row happened.
    """
    start = max(_last_start(rows, event_times, size), len(rows) // 2)
    start = int(np.searchsorted(event_times[rows], event_times[rows[start]])) if start < len(rows) else start
    holdout = rows[start:]
    if len(holdout) == 0:
        return rows, holdout
    return rows[known_at[rows] <= event_times[holdout[0]]], holdout


def _last_start(rows: np.ndarray, event_times: np.ndarray, size: Amount) -> int:
    times = event_times[rows]
    if size.rows is not None:
        place = max(len(rows) - size.rows, 0)
        return int(np.searchsorted(times, times[place])) if place < len(rows) else place
    return int(np.searchsorted(times, times[-1] - (size.duration_us or 0), side="right"))
