"""Training beside serving: the same rows on both sides, value by value; and what came right after a release.

Rows are the same that have one key or, without keys, one event time. Numbers differ when they are apart by more than one part in a
million, which is what single precision and texts of six digits may do to a number. A value that is missing on one side differs.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from msgspec import structs

from volant.monitoring.drift_columns import numbers, texts
from volant.monitoring.drift_counts import counted
from volant.monitoring.drift_model import ColumnReference, DriftReference, Kind
from volant.monitoring.drift_reference import column_reference
from volant.monitoring.drift_signals import signals_of
from volant.monitoring.inspection_model import ReleaseShift, SkewedColumn
from volant.monitoring.shaping import column_shapes
from volant.monitoring.windows import WINDOW
from volant.stats.holm import holm

LEVEL = 0.01
_APART = 1e-6
_ALIKE = 1e-3
_MOST_OF = 0.95
_ENOUGH = 5
_LONGEST = 60


def compared_rows(rows: Sequence[str], trained: Mapping[str, pl.Series], served: Mapping[str, pl.Series]) -> tuple[SkewedColumn, ...]:
    """Each column of n paired rows with the names ``rows``; those that differ first, the largest share first."""
    found = [_column(name, rows, trained[name], served[name]) for name in trained]
    return tuple(sorted(found, key=lambda one: (-one.share, one.name)))


def _column(name: str, rows: Sequence[str], trained: pl.Series, served: pl.Series) -> SkewedColumn:
    before, after, apart = _apart(trained, served)
    places = np.flatnonzero(apart)
    both = np.flatnonzero(apart & before & after)
    low, high = _interval(len(places), len(rows))
    example = int((both if len(both) else places)[0]) if len(places) else None
    return SkewedColumn(
        name=name,
        compared=len(rows),
        differing=len(places),
        share=len(places) / max(len(rows), 1),
        low=low,
        high=high,
        missing_served=int((before & ~after).sum()),
        missing_trained=int((~before & after).sum()),
        row=None if example is None else rows[example],
        trained=None if example is None else _shown(trained[example]),
        served=None if example is None else _shown(served[example]),
        pattern=_pattern(trained.gather(both), served.gather(both)) if len(both) >= _ENOUGH else None,
    )


def _apart(trained: pl.Series, served: pl.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(there when trained, there when served, differ), each (n,) bool."""
    if trained.dtype.is_numeric() and (served.dtype.is_numeric() or served.dtype == pl.Null):
        (before, known), (after, given) = numbers(trained), numbers(served)
        with np.errstate(invalid="ignore"):
            far = np.abs(after - before) > _APART * np.maximum(np.abs(before), np.abs(after))
        return known, given, np.where(known & given, far, known != given)
    first, second = texts(trained), texts(served)
    known, given = first.is_not_null().to_numpy(), second.is_not_null().to_numpy()
    return known, given, np.where(known & given, (first != second).fill_null(value=True).to_numpy(), known != given)


def _interval(count: int, of: int) -> tuple[float, float]:
    """95 % of a share (Clopper & Pearson 1934, Biometrika 26), rows taken as independent."""
    from scipy.stats import beta

    low = 0.0 if count == 0 else float(beta.ppf(0.025, count, of - count + 1))
    high = 1.0 if count == of else float(beta.ppf(0.975, count + 1, of - count))
    return low, high


def _shown(value: object) -> str:
    return "missing" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value)[:_LONGEST]


def _pattern(trained: pl.Series, served: pl.Series) -> str | None:
    """What nearly all values that differ have in common."""
    if not (trained.dtype.is_numeric() and served.dtype.is_numeric()):
        return _pattern_of_texts(texts(trained), texts(served))
    before, after = numbers(trained)[0], numbers(served)[0]
    if _steady(after, after, float(np.median(after))):
        return f"served is always {np.median(after):.6g}"
    with np.errstate(divide="ignore", invalid="ignore"):
        times = after / before
    factor = float(np.median(times)) if np.isfinite(times).all() else math.nan
    if math.isfinite(factor) and factor != 1 and _steady(times, times, factor):
        return f"served is {factor:.6g} times the other"
    more = after - before
    shift = float(np.median(more))
    if shift and float(np.mean(np.abs(more - shift) <= _ALIKE * abs(shift))) >= _MOST_OF:
        return f"served is the other {'+' if shift > 0 else '-'} {abs(shift):.6g}"
    return None


def _steady(values: np.ndarray, scale: np.ndarray, middle: float) -> bool:
    return float(np.mean(np.abs(values - middle) <= _ALIKE * np.maximum(np.abs(scale), abs(middle)))) >= _MOST_OF


def _pattern_of_texts(trained: pl.Series, served: pl.Series) -> str | None:
    pairs = {
        "only spaces differ": (trained.str.strip_chars(), served.str.strip_chars()),
        "only upper and lower case differ": (trained.str.to_lowercase(), served.str.to_lowercase()),
        "only the spelling of a number differs": (trained.cast(pl.Float64, strict=False), served.cast(pl.Float64, strict=False)),
    }
    return next((said for said, (one, other) in pairs.items() if _MOST_OF * len(one) <= int((one == other).sum())), None)


def release_shifts(trained: Mapping[str, pl.Series], served: pl.DataFrame, whole: DriftReference) -> tuple[ReleaseShift, ...]:
    """Inputs of the first rows served beside the newest rows learned from, in the order of their p-values.

    ``trained``: names as in the log, values in order of time. ``whole``: the reference of all rows learned from, which knows how much
    stretches of that length differ anyway.
    """
    found: dict[str, ColumnReference] = {}
    for name, column in trained.items():
        own, known = column_reference(column), whole.columns.get(name)
        if known is not None and known.left_out is None and own.kind is known.kind and own.kind is not Kind.NONE:
            found[name] = structs.replace(own, blocks=known.blocks, absent_blocks=known.absent_blocks, left_out=None)
    reference = structs.replace(whole, rows=max((len(column) for column in trained.values()), default=0), columns=found)
    lines = served.with_columns(pl.lit(0, dtype=pl.Int64).alias(WINDOW))
    shapes = column_shapes(lines, reference)
    signals = [signal for name, known in found.items() for signal in signals_of(name, known, counted(shapes[name])) if signal.possible[0]]
    adjusted = holm([float(signal.shift.p[0]) for signal in signals])
    shifts = [
        ReleaseShift(
            name=signal.column.removeprefix("f:") + (" missing" if signal.aspect.value == "missing" else ""),
            effect=float(signal.shift.effect[0]),
            low=float(signal.shift.low[0]),
            high=float(signal.shift.high[0]),
            tolerance=signal.tolerated,
            p=p,
            skewed=p <= LEVEL,
        )
        for signal, p in zip(signals, adjusted, strict=True)
    ]
    return tuple(sorted(shifts, key=lambda one: (one.p, -one.effect, one.name)))
