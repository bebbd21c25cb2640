"""A column before and after, small enough to look at: a few bars on one axis, and the numbers that other tools give."""

from itertools import pairwise

import numpy as np

from volant.monitoring.drift_model import OTHERS, Bar, ColumnReference, ColumnShape, Kind
from volant.stats.familiar import FROM_ROWS, Counted, categories_compared, numbers_compared

_BARS = 20
_NAMES = 8
_TAIL = 0.005


def bars_of(known: ColumnReference, own: ColumnShape) -> tuple[Bar, ...]:
    """Shares of the reference and of the window, by stretch of values in order, or by category, the largest first."""
    if known.kind is Kind.NUMBER:
        return _number_bars(known, own)
    return _category_bars(known, own) if known.kind is Kind.CATEGORY else ()


def _number_bars(known: ColumnReference, own: ColumnShape) -> tuple[Bar, ...]:
    values, before, after = _three(known, own)
    if len(values) <= _BARS:
        return _bars([f"{value:.4g}" for value in values], before, after)
    edges = np.linspace(*_reach(values, before, after), _BARS + 1)
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, _BARS - 1)
    names = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges.tolist())]
    return _bars(names, np.bincount(place, before, _BARS), np.bincount(place, after, _BARS))


def _reach(values: np.ndarray, before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Where nearly all of both lies; what is outside counts in the outermost bars."""
    ends = []
    for counts in (before, after):
        whole = np.cumsum(counts)
        if whole[-1] > 0:
            ends += [values[np.searchsorted(whole, _TAIL * whole[-1])], values[np.searchsorted(whole, (1 - _TAIL) * whole[-1])]]
    return float(min(ends)), float(max(ends))


def _category_bars(known: ColumnReference, own: ColumnShape) -> tuple[Bar, ...]:
    names = [*known.names, *(name for name in own.unseen if name != OTHERS)]
    unseen = [float(count) for name, count in own.unseen.items() if name != OTHERS]
    before = np.array([*known.counts, *([0.0] * len(unseen))], dtype=float)
    after = np.array([*own.counts, *unseen], dtype=float)
    whole = before.sum() + known.rest, after.sum() + own.unseen.get(OTHERS, 0)
    order = np.argsort(-(before / max(whole[0], 1) + after / max(whole[1], 1)), kind="stable")
    top = order[:_NAMES]
    rest = whole[0] - before[top].sum(), whole[1] - after[top].sum()
    shown = [names[place] for place in top], before[top], after[top]
    if any(rest):
        shown = [*shown[0], "others"], np.append(shown[1], rest[0]), np.append(shown[2], rest[1])
    return _bars(*shown)


def _bars(names: list[str], before: np.ndarray, after: np.ndarray) -> tuple[Bar, ...]:
    first, second = before / max(before.sum(), 1.0), after / max(after.sum(), 1.0)
    return tuple(Bar(text=name, before=float(f"{b:.4g}"), after=float(f"{a:.4g}")) for name, b, a in zip(names, first, second, strict=True))


def _three(known: ColumnReference, own: ColumnShape) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values that stand for the bins in which there is anything, with the counts of both."""
    before, after = np.array(known.counts, dtype=float), np.array(own.counts, dtype=float)
    kept = (before + after) > 0
    return np.array(known.centres)[kept], before[kept], after[kept]


def familiar_of(known: ColumnReference, own: ColumnShape) -> dict[str, float]:
    """Numbers that other tools give, from histograms: approximate (``stats/familiar.py`` gives them exactly from rows)."""
    if sum(own.counts) + sum(own.unseen.values()) == 0 or sum(known.counts) == 0:
        return {}
    if known.kind is Kind.NUMBER:
        found = numbers_compared(Counted(*_three(known, own)), without=(FROM_ROWS,))
    elif known.kind is Kind.CATEGORY:
        unseen = list(own.unseen.values())
        before = np.array([*known.counts, known.rest, *([0] * len(unseen))], dtype=float)
        after = np.array([*own.counts, 0, *unseen], dtype=float)
        kept = (before + after) > 0
        found = categories_compared(before[kept], after[kept])
    else:
        return {}
    return {name: float(f"{value:.4g}") for name, value in found.items() if np.isfinite(value)}
