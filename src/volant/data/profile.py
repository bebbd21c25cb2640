"""What a dataset looks like: one line of numbers per column, small enough to be drawn on a page.

Counts, extremes, means and spreads are of all rows, from one streaming pass. Quantiles, histograms
and frequent values come from up to 100,000 rows, evenly spread: all rows of most files. Beyond that ``sampled`` says so,
and distinct counts are estimates (HyperLogLog).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from volant.data.model import Column, Dtype
from volant.kernel.codec import Value

if TYPE_CHECKING:
    import polars as pl

Scalar = bool | int | float | str | None
SAMPLE = 100_000
BINS = 30
TOP = 10
_QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_TIMES = (Dtype.DATE, Dtype.DATETIME)
_LONGEST = 80


class Histogram(Value, frozen=True, kw_only=True):
    """Counts of the profiled rows between neighbouring edges; times are microseconds since 1970. k counts, k + 1 edges."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


class Frequent(Value, frozen=True, kw_only=True):
    """A value and how often it was seen among the profiled rows."""

    value: Scalar
    count: int


class ColumnProfile(Value, frozen=True, kw_only=True):
    """One column. Times are ISO texts; ``mean``, ``sd``, ``quantiles`` are of numbers only."""

    name: str
    dtype: Dtype
    count: int
    missing: int
    distinct: int
    minimum: Scalar = None
    maximum: Scalar = None
    mean: float | None = None
    sd: float | None = None
    zeros: int | None = None
    quantiles: dict[str, float] = {}
    histogram: Histogram | None = None
    frequent: tuple[Frequent, ...] = ()
    warnings: tuple[str, ...] = ()


class Profile(Value, frozen=True, kw_only=True):
    """A table. ``sampled``: rows that quantiles, histograms and frequent values were taken from."""

    rows: int
    sampled: int
    columns: tuple[ColumnProfile, ...]
    warnings: tuple[str, ...] = ()


def profile_frame(frame: "pl.DataFrame | pl.LazyFrame", columns: Sequence[Column]) -> Profile:
    """Profile the named columns. They hold the types that ``reading`` gives them."""
    import polars as pl

    lazy = frame.lazy()
    wanted = [e.alias(f"{i}.{what}") for i, column in enumerate(columns) for what, e in _measures(column).items()]
    found = lazy.select(*wanted, pl.len().alias("rows")).collect(engine="streaming").row(0, named=True)
    rows = int(found["rows"])
    step = -(-rows // SAMPLE) if rows else 1
    names = [column.name for column in columns]
    sample = lazy.select(names).gather_every(step).collect(engine="streaming") if rows else lazy.select(names).collect()
    profiles = []
    for i, column in enumerate(columns):
        prefix = f"{i}."
        measures = {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)}
        profiles.append(_column(column, measures, rows, sample[column.name]))
    return Profile(rows=rows, sampled=sample.height, columns=tuple(profiles))


def _measures(column: Column) -> "dict[str, pl.Expr]":
    import polars as pl

    cell = pl.col(column.name)
    if column.dtype is Dtype.FLOAT:
        present = cell.is_not_null() & cell.is_not_nan()
        finite = pl.when(cell.is_finite()).then(cell)
        return {
            "missing": (~present).sum(),
            "distinct": cell.approx_n_unique(),
            "min": finite.min(),
            "max": finite.max(),
            "mean": finite.mean(),
            "sd": finite.std(),
            "zeros": (cell == 0).sum(),
            "infinite": cell.is_infinite().sum(),
        }
    found = {"missing": cell.null_count(), "distinct": cell.approx_n_unique()}
    if column.dtype is Dtype.INT:
        found |= {"mean": cell.mean(), "sd": cell.std(), "zeros": (cell == 0).sum()}
    if column.dtype is not Dtype.STRING:
        found |= {"min": cell.min(), "max": cell.max()}
    if column.dtype is Dtype.BOOL:
        found |= {"mean": cell.mean()}
    return found


def _column(column: Column, found: dict[str, Any], rows: int, sample: "pl.Series") -> ColumnProfile:
    absent = int(found["missing"] or 0)
    present = rows - absent
    distinct = _distinct(sample) if sample.len() == rows else min(int(found["distinct"] or 0), present)
    numbers = _numbers(sample, column.dtype)
    return ColumnProfile(
        name=column.name,
        dtype=column.dtype,
        count=present,
        missing=absent,
        distinct=distinct,
        minimum=_shown(found.get("min")),
        maximum=_shown(found.get("max")),
        mean=_real(found.get("mean")),
        sd=_real(found.get("sd")),
        zeros=int(found["zeros"] or 0) if "zeros" in found else None,
        quantiles=_quantiles(numbers) if column.dtype not in _TIMES else {},
        histogram=_histogram(numbers, whole=column.dtype is Dtype.INT),
        frequent=_frequent(sample) if column.dtype in {Dtype.STRING, Dtype.BOOL} or distinct <= BINS else (),
        warnings=_warnings(column, found, rows, distinct),
    )


def _distinct(sample: "pl.Series") -> int:
    values = sample.drop_nulls()
    return int((values.drop_nans() if values.dtype.is_float() else values).n_unique())


def _numbers(sample: "pl.Series", dtype: Dtype) -> np.ndarray:
    """Finite values as doubles; times as microseconds."""
    import polars as pl

    if dtype in {Dtype.STRING, Dtype.BOOL}:
        return np.empty(0)
    values = sample.drop_nulls()
    if dtype in _TIMES:
        values = values.cast(pl.Datetime("us")).cast(pl.Int64)
    numbers = values.cast(pl.Float64).to_numpy()
    kept: np.ndarray = numbers[np.isfinite(numbers)]
    return kept


def _quantiles(numbers: np.ndarray) -> dict[str, float]:
    if len(numbers) == 0:
        return {}
    with np.errstate(all="ignore"):  # neighbours may lie further apart than a double can say
        found = np.quantile(numbers, _QUANTILES)
    return {str(q): float(v) for q, v in zip(_QUANTILES, found, strict=True) if np.isfinite(v)}


def _histogram(numbers: np.ndarray, *, whole: bool) -> Histogram | None:
    """Equal bins over the range; one bin for each integer where there are few."""
    if len(numbers) == 0:
        return None
    low, high = float(numbers.min()), float(numbers.max())
    if whole and high - low < BINS:
        edges = np.arange(low - 0.5, high + 1.0)
    elif low == high:
        edges = np.array([low, np.nextafter(low, np.inf)])
    else:
        with np.errstate(all="ignore"):
            edges = np.linspace(low, high, min(BINS, len(numbers)) + 1)
    if not (np.isfinite(edges).all() and (np.diff(edges) > 0).all()):
        return None  # a range beyond what doubles can divide
    counts, _ = np.histogram(numbers, bins=edges)
    return Histogram(edges=tuple(map(float, edges)), counts=tuple(map(int, counts)))


def _frequent(sample: "pl.Series") -> tuple[Frequent, ...]:
    """The commonest values; equal counts in order of the values, so that equal data give equal profiles."""
    import polars as pl

    table = sample.drop_nulls().alias("value").value_counts(name="count")
    if sample.dtype.is_float():
        table = table.filter(pl.col("value").is_not_nan())
    top = table.sort(["count", "value"], descending=[True, False]).head(TOP)
    return tuple(Frequent(value=_shown(value), count=int(count)) for value, count in top.iter_rows())


def _warnings(column: Column, found: dict[str, Any], rows: int, distinct: int) -> tuple[str, ...]:
    absent = int(found["missing"] or 0)
    present = rows - absent
    notes = []
    if present == 0:
        return ("no value in any row",) if rows else ()
    if absent:
        notes.append(f"{absent} missing ({absent / rows:.1%})")
    if distinct == 1:
        notes.append("the same value in every row" if absent == 0 else "only one value besides missing")
    if column.dtype is Dtype.STRING and present > 100 and distinct > 0.9 * present:
        notes.append("differs in nearly every row")
    if found.get("infinite"):
        notes.append(f"{found['infinite']} infinite values")
    mean, sd, high, low = (found.get(k) for k in ("mean", "sd", "max", "min"))
    if column.dtype in {Dtype.INT, Dtype.FLOAT} and sd and mean is not None:
        reach = max(abs(high - mean), abs(mean - low)) / sd
        if np.isfinite(reach) and reach > 50:
            notes.append(f"a value {reach:.0f} standard deviations from the mean")
    return tuple(notes)


def _real(value: Any) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None


def _shown(value: Any) -> Scalar:
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return str(value.isoformat())
