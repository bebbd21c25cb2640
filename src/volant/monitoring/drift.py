"""The default monitor of drift: which columns have moved, in which windows, and how far; without any configuration.

One window is an alarm for a column whose Holm-adjusted p-value over all signals is at most 1 %; small shifts that no single
window shows are found by an e-detector over windows. Both test "the effect is at most the tolerance", with design effects
of the reference for rows that depend on each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from volant.monitoring.drift_model import Aspect, ColumnDrift, ColumnReference, DriftReference, DriftWindow, Judged, WindowShape
from volant.monitoring.drift_picture import bars_of, familiar_of
from volant.monitoring.drift_signals import Signal, signals_of
from volant.monitoring.shaping import merged_shapes
from volant.stats.edetector import LIMIT, change_before, detector_sums, named_columns
from volant.stats.holm import holm
from volant.stats.shifts import TOLERANCE

LEVEL = 0.01
SHOWN = 100
_ENOUGH_ROWS = 1000
_LINGERS = 2
_GAP = 2


@dataclass(frozen=True)
class Drift:
    """What full windows of one champion say, and where each column stands after them."""

    windows: tuple[DriftWindow, ...]
    columns: tuple[ColumnDrift, ...]


@dataclass(frozen=True)
class _Matrix:
    """Signals (columns) over windows (rows): adjusted p-values, detector sums, and which are alarms."""

    signals: list[Signal]
    adjusted: np.ndarray
    sums: np.ndarray
    alarms: np.ndarray


def judged_windows(shapes: Sequence[WindowShape], reference: DriftReference, least: float = TOLERANCE) -> Drift:
    """Judge full windows, oldest first; all lie beside ``reference``."""
    signals = [
        signal
        for name, known in reference.columns.items()
        for signal in signals_of(name, known, [shape.columns[name] for shape in shapes], least)
    ]
    matrix = _matrix(signals, len(shapes))
    windows = tuple(_window(shape, number, matrix) for number, shape in enumerate(shapes))
    columns = tuple(_standing(name, known, shapes, matrix, least) for name, known in reference.columns.items()) if shapes else ()
    return Drift(windows[-SHOWN:], columns)


def _matrix(signals: list[Signal], count: int) -> _Matrix:
    if not signals or not count:
        return _Matrix(
            signals, np.ones((count, len(signals))), np.zeros((count, len(signals))), np.zeros((count, len(signals)), dtype=bool)
        )
    p = np.column_stack([signal.shift.p for signal in signals])
    possible = np.column_stack([signal.possible for signal in signals])
    adjusted = np.ones(p.shape)
    for number in range(count):
        places = np.flatnonzero(possible[number])
        adjusted[number, places] = holm(p[number, places].tolist())
    sums = detector_sums(p, np.array([signal.run for signal in signals]))
    return _Matrix(signals, adjusted, sums, (adjusted <= LEVEL) | named_columns(sums))


def _window(shape: WindowShape, number: int, matrix: _Matrix) -> DriftWindow:
    found: dict[str, Judged] = {}
    for place, signal in enumerate(matrix.signals):
        effect = float(signal.shift.effect[number])
        if not np.isfinite(effect):
            continue
        here = Judged(
            aspect=signal.aspect,
            effect=_short(effect),
            low=_short(float(signal.shift.low[number])),
            high=_short(float(signal.shift.high[number])),
            p=_short(float(matrix.adjusted[number, place])),
            evidence=_short(float(matrix.sums[number, place]) / (LIMIT * len(matrix.signals))),
            drifted=bool(matrix.alarms[number, place]),
        )
        known = found.get(signal.column)
        if known is None or (here.drifted, -here.p) > (known.drifted, -known.p):
            found[signal.column] = here
    return DriftWindow(number=shape.number, from_us=shape.from_us, to_us=shape.to_us, rows=shape.rows, columns=found)


def _standing(name: str, known: ColumnReference, shapes: Sequence[WindowShape], matrix: _Matrix, least: float) -> ColumnDrift:
    """The column over the windows since it moved; else over the newest ones."""
    places = [place for place, signal in enumerate(matrix.signals) if signal.column == name]
    begun = {place: _begun(matrix.alarms[:, place], matrix.signals[place].shift.p) for place in places}
    moved = {place: ends for place, ends in begun.items() if ends is not None}
    start = min(first for first, _ in moved.values()) if moved else _newest(shapes)
    whole = shapes[start]
    for shape in shapes[start + 1 :]:
        whole = merged_shapes(whole, shape)
    own = whole.columns[name]
    pooled = {signal.aspect: signal for signal in signals_of(name, known, [own], least)}
    told = _told(pooled, {matrix.signals[place].aspect for place in moved})
    effect, low, high = (0.0, 0.0, 0.0) if told is None else _interval(told)
    return ColumnDrift(
        column=name,
        kind=known.kind,
        aspect=Aspect.VALUES if told is None else told.aspect,
        drifting=bool(moved),
        effect=effect,
        low=low,
        high=high,
        tolerance=0.0 if told is None else _short(told.tolerated),
        design_effect=1.0 if told is None else _short(float(told.design[0])),
        since_us=shapes[start].from_us if moved else None,
        seen_us=min(shapes[alarm].to_us for _, alarm in moved.values()) if moved else None,
        windows=len(shapes) - start,
        rows=own.rows,
        missing_before=known.absent / max(known.rows, 1),
        missing_after=own.absent / max(own.rows, 1),
        unseen=sum(own.unseen.values()) / max(own.rows - own.absent, 1) if not known.rest else 0.0,
        left_out=known.left_out,
        bars=bars_of(known, own),
        familiar=familiar_of(known, own),
    )


def _begun(alarms: np.ndarray, p: np.ndarray) -> tuple[int, int] | None:
    """(first window, first alarm) of the present episode; None: there is none."""
    if not alarms[-_LINGERS:].any():
        return None
    alarm, before = int(np.flatnonzero(alarms)[-1]), -1
    for place in np.flatnonzero(alarms[:alarm])[::-1].tolist():
        if alarm - place > _GAP:
            before = place
            break
        alarm = place
    return before + 1 + change_before(p[before + 1 :], alarm - before - 1), alarm


def _newest(shapes: Sequence[WindowShape]) -> int:
    """The first of the newest windows that together have enough rows to look at."""
    rows, start = 0, len(shapes)
    while start > 0 and rows < _ENOUGH_ROWS:
        start -= 1
        rows += shapes[start].rows
    return start


def _told(pooled: dict[Aspect, Signal], moved: set[Aspect]) -> Signal | None:
    """What to speak of: an aspect that moved, then the one that is least likely to be noise."""
    candidates = [signal for aspect, signal in pooled.items() if not moved or aspect in moved] or list(pooled.values())
    return min(candidates, key=lambda signal: np.nan_to_num(float(signal.shift.p[0]), nan=2.0), default=None)


def _interval(signal: Signal) -> tuple[float, float, float]:
    shift = signal.shift
    return tuple(_short(float(np.nan_to_num(bound[0]))) for bound in (shift.effect, shift.low, shift.high))  # type: ignore[return-value]


def _short(value: float) -> float:
    """Four digits are all that anyone reads."""
    return float(f"{value:.4g}")
