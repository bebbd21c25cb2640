"""What the shapes of windows say, signal by signal: a signal is one aspect of one column (its values, or that they are missing)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from msgspec import structs

from volant.monitoring.drift_counts import Counted
from volant.monitoring.drift_model import OTHERS, Aspect, BlockEffect, ColumnReference, Kind
from volant.stats.cells import either, strongest_cell
from volant.stats.dependence import Rung, Spread, spread_at
from volant.stats.shifts import (
    TOLERANCE,
    Noise,
    Shift,
    category_size,
    combined_df,
    exact_share_p,
    heavy_tail_df,
    judged,
    lasting_p,
    share_size,
    tolerance,
)
from volant.stats.smooth import polynomials, tail_weight

FEWEST_ROWS = 20
_MOST_CELLS = 5000


@dataclass(frozen=True)
class Signal:
    """One aspect of one column over w windows. Not judged in a window: NaN. ``possible`` (w,): whether it could be an alarm at
    all there; ``run``: how many windows in a row resemble each other like one; ``design``: the design effect of each window.
    """

    column: str
    aspect: Aspect
    shift: Shift
    lasting: np.ndarray
    possible: np.ndarray
    tolerated: float
    design: np.ndarray
    run: float
    alone: bool


def signals_of(column: str, reference: ColumnReference, counted: Counted, least: float = TOLERANCE) -> list[Signal]:
    """The signals of one column; values that are left out of judgement have none."""
    found = []
    if reference.left_out is None and reference.kind is not Kind.NONE:
        found.append(_values(column, reference, counted, least))
    if reference.absent or counted.absent.any():
        found.append(_missing(column, reference, counted, least))
    return found


def _values(column: str, reference: ColumnReference, counted: Counted, least: float) -> Signal:
    before = np.array(reference.counts, dtype=float)
    rows, m = counted.rows - counted.absent, float(before.sum() + reference.rest)
    if reference.kind is Kind.CATEGORY:
        found = [cells(before, reference.rest, known, unseen) for known, unseen in counted.categories()]
        sizes = [category_size(*pair) for pair in found]
        size, k = np.array([pair[0] for pair in sizes]), np.array([float(pair[1]) for pair in sizes])
        signal = _signal(column, Aspect.VALUES, _Measured(size, k, rows, m, reference.blocks, np.inf), least)
        return _beside_cells(signal, found)
    scores = polynomials(before)
    size, k = _number_size(scores, before, counted.counts, m, rows)
    steady = heavy_tail_df(tail_weight(scores, before), m * rows / (m + np.maximum(rows, 1)))
    return _signal(column, Aspect.VALUES, _Measured(size, k, rows, m, reference.blocks, steady), least)


def _beside_cells(signal: Signal, found: Sequence[tuple[np.ndarray, np.ndarray]]) -> Signal:
    """With the test of the one category that moved most, where rows do not depend on each other."""
    if not signal.alone:
        return signal
    own = [strongest_cell(*pair, signal.tolerated, float(design)) for pair, design in zip(found, signal.design, strict=True)]
    none, p = either(signal.shift.none, np.array([one[0] for one in own])), either(signal.shift.p, np.array([one[1] for one in own]))
    return replace(signal, shift=replace(signal.shift, p=p, none=none), lasting=p)


def _number_size(scores: np.ndarray, before: np.ndarray, after: np.ndarray, m: float, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared lengths of mean scores; of a reference that is constant, Cohen's h of the share of other values."""
    if scores.shape[1] == 0:
        other = rows - after[:, int(np.argmax(before))]
        return share_size(0, int(m), other, rows), np.ones(len(rows))
    means = (after @ scores) / np.maximum(rows, 1)[:, None]
    return np.asarray((means**2).sum(axis=1)), np.full(len(rows), float(scores.shape[1]))


def cells(before: np.ndarray, rest: int, known: np.ndarray, unseen: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """(reference, window) counts of each category. Where the reference does not name all of its own, what it does not name is
    one cell; else each unseen name is one.
    """
    new, others = [float(count) for name, count in unseen.items() if name != OTHERS], float(unseen.get(OTHERS, 0))
    if rest:
        return np.append(before, float(rest)), np.append(known, sum(new) + others)
    if others:
        each = max(min(new, default=1.0), others / _MOST_CELLS)
        new += [each] * int(others // each) + ([others % each] if others % each else [])
    return np.concatenate([before, np.zeros(len(new))]), np.concatenate([known, new])


def _missing(column: str, reference: ColumnReference, counted: Counted, least: float) -> Signal:
    rows, absent = counted.rows, counted.absent
    size = share_size(reference.absent, reference.rows, absent, rows)
    measured = _Measured(size, np.ones(len(rows)), rows, float(reference.rows), reference.absent_blocks, np.inf)
    found = _signal(column, Aspect.MISSING, measured, least)
    exact = [exact_share_p(reference.absent, reference.rows, int(a), int(n)) if n else 1.0 for a, n in zip(absent, rows, strict=True)]
    shift = found.shift
    p, none = (np.where(np.isfinite(shift.p), np.maximum(own, exact), np.nan) for own in (shift.p, shift.none))
    lasting = np.where(np.isfinite(shift.p), np.maximum(found.lasting, exact), np.nan)
    possible = found.possible & (absent + reference.absent > 0)
    return replace(found, shift=replace(shift, p=p, none=none), lasting=lasting, possible=possible)


@dataclass(frozen=True)
class _Measured:
    """Squared lengths (w,) of mean scores with ``k`` degrees of freedom over ``rows`` rows, against a reference of ``m``.

    ``steady``: degrees of freedom of the scores' own tails.
    """

    size: np.ndarray
    k: np.ndarray
    rows: np.ndarray
    m: float
    blocks: Sequence[BlockEffect]
    steady: np.ndarray | float


def _signal(column: str, aspect: Aspect, found: _Measured, least: float) -> Signal:
    rungs = [Rung(**structs.asdict(block)) for block in found.blocks]
    own, of_reference = [spread_at(rungs, max(n, 1.0)) for n in found.rows], spread_at(rungs, found.m)
    noise = _noise(found, own, of_reference)
    most = float(np.max(noise.k, initial=1.0)) * of_reference.share
    tolerated = tolerance(max(most, 1.0) * of_reference.effect, found.m, least)
    shift = judged(found.size, noise, tolerated)
    known = (found.rows >= FEWEST_ROWS) & (found.k > 0)
    hidden = np.where(known, 0.0, np.nan)
    shift = Shift(shift.effect + hidden, shift.low + hidden, shift.high + hidden, shift.p + hidden, shift.none + hidden)
    alone = not any(spread.strongest > 0 for spread in (*own, of_reference))
    lasting = shift.p
    if not alone:  # how much rows depend is known from few stretches: too little to trust less than the tolerance
        shift, lasting = replace(shift, none=shift.p), lasting_p(found.size, noise, tolerated) + hidden
    return Signal(column, aspect, shift, lasting, known, tolerated, np.array([spread.effect for spread in own]), _run(own), alone)


def _noise(found: _Measured, own: Sequence[Spread], of_reference: Spread) -> Noise:
    """Of the windows and of the reference together."""
    rows, m = np.maximum(found.rows, 1.0), max(found.m, 1.0)
    df = np.array([spread.df for spread in own], dtype=float)
    return Noise(
        variance=np.array([spread.effect for spread in own]) / rows + of_reference.effect / m,
        k=np.maximum(found.k, 1.0),
        share=np.array([spread.share for spread in own]),
        df=combined_df([df, found.steady]) if np.isfinite(df).all() or np.isfinite(found.steady).all() else np.full(len(rows), np.inf),
        strongest=np.array([spread.strongest for spread in own]) / rows + of_reference.strongest / m,
        stretches=np.array([spread.stretches for spread in own], dtype=float),
    )


def _run(spreads: Sequence[Spread]) -> float:
    return max((spread.run for spread in spreads), default=1.0)
