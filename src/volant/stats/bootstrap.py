"""Intervals for metrics that are not means over rows: both models on the same resampled blocks, or the same groups.

Circular blocks of neighbouring times (Politis & Romano 1992), of a length taken from the data
(:func:`volant.stats.blocks.block_length`); equal times stay together. With ten groups or more, whole groups are drawn
instead where that gives the wider spread. The bootstrap gives a standard error; bounds are Student's t with as many
degrees of freedom as there are whole blocks less one, so that few blocks give honestly wide bounds.
"""

from dataclasses import dataclass

import numpy as np

from volant.stats.blocks import block_length, tie_codes
from volant.stats.metrics import WeightedMetric
from volant.stats.paired import Interval, t_quantile
from volant.stats.predicted import Predicted

RESAMPLES = 1000
_CHUNK_CELLS = 4_000_000
_SMALLEST_GROUP_COUNT = 10
_FEWEST_DEFINED = 0.9


@dataclass(frozen=True)
class Units:
    """Which unit (a time, or a group) each row belongs to, and how long blocks of units are."""

    codes: np.ndarray
    count: int
    length: int

    @property
    def df(self) -> int:
        """Whole blocks less one."""
        return max(self.count // self.length - 1, 0)


def bootstrap_difference(
    metric: str,
    target: np.ndarray,
    candidate: Predicted,
    other: Predicted | None,
    confidence: float,
    *,
    row_loss: np.ndarray,
    times: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> Interval | None:
    """Metric of ``candidate`` minus metric of ``other`` (or the metric itself where ``other`` is None) with bounds.

    All arrays have n usable rows. ``row_loss`` (n,) is the series whose dependence sets the block length. None where the
    metric is undefined on these rows; bounds are None where too few resamples define it or one block is all there is.
    """
    rows = len(target)
    models = [WeightedMetric(metric, target, part) for part in (candidate, other) if part is not None]
    value = _difference(models, np.ones((1, rows)))[0]
    if not np.isfinite(value):
        return None
    drawn = [_spread(models, units, rows, seed) for units in _unit_choices(row_loss, times, groups)]
    usable = [(variance, df) for variance, df in drawn if variance is not None and df > 0]
    if not usable or len(usable) < len(drawn):
        return Interval(float(value), None, None, 0.0, 0, rows)
    variance, df = max(usable)
    half = t_quantile(confidence, df) * float(np.sqrt(variance))
    return Interval(float(value), float(value) - half, float(value) + half, float(variance), df, rows)


def _difference(models: list[WeightedMetric], weights: np.ndarray) -> np.ndarray:
    first = models[0].over(weights)
    return first - models[1].over(weights) if len(models) > 1 else first


def _unit_choices(row_loss: np.ndarray, times: np.ndarray | None, groups: np.ndarray | None) -> list[Units]:
    codes = np.arange(len(row_loss)) if times is None else tie_codes(times)
    sizes = np.bincount(codes)
    series = np.bincount(codes, weights=row_loss) / sizes
    choices = [Units(codes, len(sizes), block_length(series))]
    if groups is not None:
        by_group = np.unique(groups.astype(str), return_inverse=True)[1].reshape(-1)
        if int(by_group.max()) + 1 >= _SMALLEST_GROUP_COUNT:
            choices.append(Units(by_group, int(by_group.max()) + 1, 1))
    return choices


def _spread(models: list[WeightedMetric], units: Units, rows: int, seed: int) -> tuple[float | None, int]:
    """Variance of the difference over resamples (None if it is undefined too often), and degrees of freedom."""
    random = np.random.default_rng(seed)
    chunk = max(1, min(RESAMPLES, _CHUNK_CELLS // max(rows, 1)))
    values: list[np.ndarray] = []
    for start in range(0, RESAMPLES, chunk):
        weights = _multiplicities(random, units, min(chunk, RESAMPLES - start))[:, units.codes]
        values.append(_difference(models, weights.astype(np.float64)))
    found = np.concatenate(values)
    found = found[np.isfinite(found)]
    if len(found) < _FEWEST_DEFINED * RESAMPLES:
        return None, units.df
    return float(found.var(ddof=1)), units.df


def _multiplicities(random: np.random.Generator, units: Units, resamples: int) -> np.ndarray:
    """How often each unit is drawn: circular blocks until as many units as there are. Shape (resamples, count)."""
    count, length = units.count, units.length
    blocks = -(-count // length)
    starts = random.integers(0, count, size=(resamples, blocks))
    steps = np.zeros((resamples, 2 * count + 1), dtype=np.int64)
    row = np.repeat(np.arange(resamples), blocks)
    np.add.at(steps, (row, starts.ravel()), 1)
    np.add.at(steps, (row, starts.ravel() + length), -1)
    drawn = np.cumsum(steps, axis=1)[:, : 2 * count]
    return np.asarray(drawn[:, :count] + drawn[:, count:])
