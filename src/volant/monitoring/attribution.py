"""Whether the model leans on other columns than it did on the rows that it learned from.

A column's weight is the mean absolute attribution (``stats/shapley.py``), as a share of the weights of all columns before. The model
stays the same, so weights change where inputs do: in a part of their range that matters more, or together with others. Weeks
differ anyway: the reference is looked at in stretches as long as the window, and a window's weight counts as no better known than
these differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from volant.monitoring.inspection_model import ColumnAttribution
from volant.stats.blocks import mean_of_dependent
from volant.stats.holm import holm
from volant.stats.paired import t_quantile, t_tail

LEVEL = 0.01
TOLERANCE = 0.02
_FEWEST_STRETCHES = 5
_MOST_STRETCHES = 10


@dataclass(frozen=True)
class Sampled:
    """Positions of rows of the reference to look at, and which stretch each is of (n,)."""

    rows: np.ndarray
    stretches: np.ndarray
    count: int


def sampled(reference: int, window: int, rows: int, seed: int) -> Sampled:
    """``rows`` of ``reference`` rows in order of time: of ten stretches as long as the window where there are five at least."""
    random = np.random.default_rng(seed)
    count = min(_MOST_STRETCHES, reference // max(window, 1))
    if count < _FEWEST_STRETCHES:
        chosen = np.sort(random.permutation(reference)[:rows])
        return Sampled(chosen, np.zeros(len(chosen), dtype=np.int64), 1)
    starts = np.linspace(0, reference - window, count).astype(int)
    parts = [start + np.sort(random.permutation(window)[: max(rows // count, 1)]) for start in starts]
    return Sampled(np.concatenate(parts), np.repeat(np.arange(count), [len(part) for part in parts]), count)


def weighed(names: Sequence[str], before: np.ndarray, after: np.ndarray, stretches: Sampled) -> tuple[float, tuple[ColumnAttribution, ...]]:
    """(sum of all weights before, columns: those that changed most first). ``before`` (m, p, c), ``after`` (n, p, c)."""
    old, new = np.abs(before).sum(axis=2), np.abs(after).sum(axis=2)
    scale = float(old.mean(axis=0).sum())
    whole = scale or 1.0
    ranks = [_ranks(side.mean(axis=0)) for side in (old, new)]
    measured = [_change(old[:, place] / whole, new[:, place] / whole, stretches) for place in range(len(names))]
    adjusted = holm([one.p for one in measured])
    single = before.shape[2] == 1
    columns = [
        ColumnAttribution(
            name=name,
            before=float(old[:, place].mean() / whole),
            after=float(new[:, place].mean() / whole),
            rank_before=ranks[0][place],
            rank_after=ranks[1][place],
            change=measured[place].change,
            low=measured[place].low,
            high=measured[place].high,
            direction=float(after[:, place, 0].mean() - before[:, place, 0].mean()) if single else 0.0,
            p=adjusted[place],
            drifted=adjusted[place] <= LEVEL,
        )
        for place, name in enumerate(names)
    ]
    return scale, tuple(sorted(columns, key=lambda one: (not one.drifted, -abs(one.change), one.name)))


def _ranks(weights: np.ndarray) -> list[int]:
    order = np.argsort(-weights, kind="stable")
    ranks = np.empty(len(weights), dtype=int)
    ranks[order] = np.arange(1, len(weights) + 1)
    return [int(rank) for rank in ranks]


@dataclass(frozen=True)
class _Change:
    change: float
    low: float
    high: float
    p: float


def _change(before: np.ndarray, after: np.ndarray, stretches: Sampled) -> _Change:
    old, new = mean_of_dependent(before), mean_of_dependent(after)
    change = new.mean - old.mean
    if not old.known or not new.known:
        return _Change(change, change, change, 1.0)
    variance, df = old.variance + new.variance, new.df
    if stretches.count > 1:
        means = np.bincount(stretches.stretches, weights=before) / np.bincount(stretches.stretches)
        between = float(means.var(ddof=1)) * (1 + 1 / stretches.count)
        if between > variance:
            variance, df = between, stretches.count - 1
    if variance <= 0:
        return _Change(change, change, change, 0.0 if abs(change) > TOLERANCE else 1.0)
    spread = float(np.sqrt(variance))
    half = t_quantile(0.975, df) * spread
    return _Change(change, change - half, change + half, min(1.0, 2 * t_tail((abs(change) - TOLERANCE) / spread, df)))
