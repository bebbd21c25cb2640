"""The default monitor of drift: which columns have moved, in which windows, and how far; without any configuration.

A column is an alarm in a window when it is certain that something changed (Holm over all signals: the chance of any false
alarm is held) and likely that it is more than the tolerance (its own p-value is at most 5 %). So it is judged for the window
alone, and for the newest two and four windows together, which share the 1 % of a window: ``LEVELS``. Small shifts that no few
windows show are found by an e-detector of "the effect is at most the tolerance". Everywhere the design effects of the reference
count for rows that depend on each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from volant.config.model import DriftConfig
from volant.evidence.tables import FEATURE_PREFIX
from volant.monitoring.drift_counts import Counted, counted, newest_together
from volant.monitoring.drift_model import Aspect, ColumnDrift, ColumnReference, DriftReference, DriftWindow, Judged, WindowShape
from volant.monitoring.drift_picture import bars_of, familiar_of
from volant.monitoring.drift_signals import Signal, signals_of
from volant.monitoring.shaping import merged_shapes
from volant.stats.edetector import LIMIT, change_before, detector_sums, named_columns
from volant.stats.holm import holm

LEVELS = {1: 0.007, 2: 0.0015, 4: 0.0005}
"""By how many windows are taken together: the chance of any false alarm. With the e-detector's 0.001, 1 % in all."""
LEVEL = LEVELS[1]
BEYOND = 0.05
LEANS = 0.2
"""A change that windows show together counts for the newest one if that one alone speaks for it at least so much."""
SHOWN = 100
EVERYWHERE = DriftConfig()
IGNORED = "volant.yaml says to ignore it"
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
    """Signals (columns) over windows (rows): p-values of no change, alone and adjusted, detector sums, and which are
    alarms.
    """

    signals: list[Signal]
    none: np.ndarray
    adjusted: np.ndarray
    sums: np.ndarray
    alarms: np.ndarray


def judged_windows(shapes: Sequence[WindowShape], reference: DriftReference, rules: DriftConfig = EVERYWHERE) -> Drift:
    """Judge full windows, oldest first; all lie beside ``reference``. ``rules``: what counts as having moved."""
    if not shapes:
        return Drift((), ())
    each = {name: counted([shape.columns[name] for shape in shapes]) for name in reference.columns}
    matrix = _matrix(_signals(reference, each, rules), len(shapes))
    for length in (length for length in LEVELS if 1 < length <= len(shapes)):
        together = _signals(reference, {name: newest_together(own, length) for name, own in each.items()}, rules)
        _add_alarms(matrix, together, length)
    windows = tuple(_window(shape, number, matrix) for number, shape in enumerate(shapes))
    columns = tuple(_standing(name, reference, shapes, matrix, rules) for name in reference.columns)
    return Drift(windows[-SHOWN:], columns)


def _signals(reference: DriftReference, each: Mapping[str, Counted], rules: DriftConfig) -> list[Signal]:
    return [signal for name, known in reference.columns.items() for signal in _own_signals(name, known, each[name], rules)]


def _own_signals(name: str, known: ColumnReference, own: Counted, rules: DriftConfig) -> list[Signal]:
    """Of one column, unless nobody wants to hear of it."""
    plain = name.removeprefix(FEATURE_PREFIX)
    return [] if plain in rules.ignore else signals_of(name, known, own, rules.columns.get(plain, rules.tolerance))


def _add_alarms(matrix: _Matrix, together: list[Signal], length: int) -> None:
    """What the newest ``length`` windows show together, for columns whose rows do not depend on each other."""
    if together:
        leans, alone = matrix.none[length - 1 :] <= LEANS, np.array([signal.alone for signal in together])
        matrix.alarms[length - 1 :] |= _certain(together, LEVELS[length]) & leans & alone


def _matrix(signals: list[Signal], count: int) -> _Matrix:
    if not signals:
        shape = (count, len(signals))
        return _Matrix(signals, np.ones(shape), np.ones(shape), np.zeros(shape), np.zeros(shape, dtype=bool))
    sums = detector_sums(np.column_stack([signal.lasting for signal in signals]), np.array([signal.run for signal in signals]))
    none = np.column_stack([signal.shift.none for signal in signals])
    return _Matrix(signals, none, _adjusted(signals), sums, _certain(signals, LEVEL) | named_columns(sums))


def _adjusted(signals: list[Signal]) -> np.ndarray:
    """Holm's p-values of "no change", window by window, over the signals that can be judged there."""
    none = np.column_stack([signal.shift.none for signal in signals])
    possible = np.column_stack([signal.possible for signal in signals])
    adjusted = np.ones(none.shape)
    for number in range(len(none)):
        places = np.flatnonzero(possible[number])
        adjusted[number, places] = holm(none[number, places].tolist())
    return adjusted


def _certain(signals: list[Signal], level: float) -> np.ndarray:
    beyond = np.column_stack([signal.shift.p for signal in signals]) <= BEYOND
    return np.asarray((_adjusted(signals) <= level) & beyond)


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


def _standing(name: str, reference: DriftReference, shapes: Sequence[WindowShape], matrix: _Matrix, rules: DriftConfig) -> ColumnDrift:
    """The column over the windows since it moved; else over the newest ones."""
    known, importance = reference.columns[name], reference.importance.get(name)
    places = [place for place, signal in enumerate(matrix.signals) if signal.column == name]
    begun = {place: _begun(matrix.alarms[:, place], matrix.signals[place].lasting) for place in places}
    moved = {place: ends for place, ends in begun.items() if ends is not None}
    start = min(first for first, _ in moved.values()) if moved else _newest(shapes)
    whole = shapes[start]
    for shape in shapes[start + 1 :]:
        whole = merged_shapes(whole, shape)
    own = whole.columns[name]
    pooled = {signal.aspect: signal for signal in _own_signals(name, known, counted([own]), rules)}
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
        left_out=IGNORED if name.removeprefix(FEATURE_PREFIX) in rules.ignore else known.left_out,
        bars=bars_of(known, own),
        familiar=familiar_of(known, own),
        importance=importance,
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
    return min(candidates, key=lambda signal: np.nan_to_num(float(signal.shift.none[0]), nan=2.0), default=None)


def _interval(signal: Signal) -> tuple[float, float, float]:
    shift = signal.shift
    return tuple(_short(float(np.nan_to_num(bound[0]))) for bound in (shift.effect, shift.low, shift.high))  # type: ignore[return-value]


def _short(value: float) -> float:
    """Four digits are all that anyone reads."""
    return float(f"{value:.4g}")
