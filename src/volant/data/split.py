"""Which rows are held out, and which may be learned from when the held-out time begins."""

from dataclasses import dataclass

import numpy as np

from volant.config.model import Amount, TrainConfig
from volant.data.ages import kept_from
from volant.data.timeline import Times
from volant.kernel.clock import format_duration
from volant.kernel.errors import InvalidInputError


@dataclass(frozen=True)
class Split:
    """Row positions in time order. ``starts_us``: event time of the first held-out row.

    ``dropped_gap``: rows before the holdout whose labels were not known when it began.
    """

    train: np.ndarray
    holdout: np.ndarray
    starts_us: int
    dropped_gap: int


def holdout_split(times: Times, train: TrainConfig) -> Split:
    """Hold out the last rows or stretch of time; learn from rows whose label was known by then, within the window.

    Rows of one event time stay together: the holdout and the window grow to take all of them.
    Raises ``InvalidInputError`` when one side would be empty.
    """
    order = times.order()
    event = times.event_us[order]
    starts = _holdout_start(event, train.holdout)
    first = int(np.searchsorted(event, starts, side="left"))
    holdout, before = order[first:], order[:first]
    known = times.known_us[before] <= starts
    learned = before[known]
    if len(learned) == 0:
        raise _nothing_left(times, train, len(holdout), len(before))
    learned = learned[kept_from(times.event_us[learned], train.window) :]
    return Split(learned, holdout, starts, int((~known).sum()))


def _holdout_start(event: np.ndarray, holdout: Amount) -> int:
    """The first held-out instant. Asks for at least one row; the whole table is caught as "nothing to learn from"."""
    if len(event) == 0:
        raise InvalidInputError("There are no rows to split.", found="0 rows", next_step="give data with rows")
    if holdout.rows is not None:
        return int(event[max(0, len(event) - max(1, holdout.rows))])
    return int(event[-1]) - (holdout.duration_us or 0) + 1


def _nothing_left(times: Times, train: TrainConfig, held: int, before: int) -> InvalidInputError:
    asked = f"{train.holdout.rows} rows" if train.holdout.rows is not None else format_duration(train.holdout.duration_us or 0)
    total = len(times)
    if before == 0:
        return InvalidInputError(
            f"The holdout takes all {total} rows; none is left to learn from.",
            found=f"train.holdout is {asked}; with equal times kept together it takes {held}",
            next_step="make train.holdout smaller, or give more data",
            field="train.holdout",
        )
    waited = format_duration(int((times.known_us - times.event_us).max()))
    return InvalidInputError(
        "No row's label was known when the holdout begins, so there is nothing to learn from.",
        found=f"{before} of {total} rows lie before the holdout ({asked}), all within the label delay of up to {waited}",
        next_step="make data.label_delay or train.holdout smaller, or give more data",
        field="data.label_delay",
    )
