"""Which rows a training window keeps, and how much each counts. Live trainings and replays ask the same functions."""

import numpy as np

from volant.config.model import Amount, Keep, WindowConfig

LEAST_SINCE_CHANGE = Amount(rows=1000)
_LEAST_WEIGHT = 1e-9


def kept_from(event_us: np.ndarray, window: WindowConfig) -> int:
    """Position of the first row that the window keeps, of n rows in time order; rows of its first instant all stay.

    With ``since_change`` rows since then, and at least ``size`` (1,000 rows where it is not said); all while no change was seen.
    """
    if len(event_us) == 0 or window.keep in {Keep.ALL, Keep.WEIGHTED}:
        return 0
    if window.keep is Keep.LAST:
        return 0 if window.size is None else _last(event_us, window.size)
    if window.since_us is None:
        return 0
    return min(int(np.searchsorted(event_us, window.since_us)), _last(event_us, window.size or LEAST_SINCE_CHANGE))


def row_weights(event_us: np.ndarray, window: WindowConfig) -> np.ndarray | None:
    """How much each of n rows in time order counts, shape (n,), mean 1; None where all count alike.

    Halved with every half-life that a row is older than the newest; rows of one instant count alike.
    """
    if window.keep is not Keep.WEIGHTED or window.half_life is None or len(event_us) == 0:
        return None
    half = window.half_life
    if half.rows is not None:
        ages = (len(event_us) - np.searchsorted(event_us, event_us, side="right")) / half.rows
    else:
        ages = (event_us[-1] - event_us) / (half.duration_us or 1)
    weights = np.maximum(0.5**ages, _LEAST_WEIGHT)
    return np.asarray(weights / weights.mean())


def _last(event_us: np.ndarray, size: Amount) -> int:
    if size.rows is not None:
        return int(np.searchsorted(event_us, event_us[max(0, len(event_us) - size.rows)]))
    return int(np.searchsorted(event_us, event_us[-1] - (size.duration_us or 0) + 1))
