"""Columns that give the target away: copies, exact sums, near-perfect predictors.

A model that learns from such a column looks perfect in every test and is useless live, where the column is not known
before the target is.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from volant.config.model import Task
from volant.kernel.codec import Value

if TYPE_CHECKING:
    import polars as pl

_ROWS = 20_000
_MOST_COLUMNS = 60
_BINS = 100
_EXACT = 1e-7  # of the target's standard deviation
_NEAR_R2 = 0.99
_NEAR_ERROR = 0.02  # of the errors of always guessing the commonest class


class Leak(Value, frozen=True, kw_only=True):
    """Columns that give the target away. ``exact``: they hold it, so nothing is lost by leaving them out."""

    columns: tuple[str, ...]
    sentence: str
    exact: bool


def find_leaks(frame: "pl.DataFrame", target: str, task: Task, candidates: Sequence[str]) -> tuple[Leak, ...]:
    """Leaks among the candidate columns, surest first. Looks at up to 20,000 rows, evenly spread."""
    step = max(1, frame.height // _ROWS)
    sample = frame.gather_every(step)
    copies = [_copy(name, target) for name in candidates if _is_copy(sample, name, target)]
    known = {name for leak in copies for name in leak.columns}
    rest = [name for name in candidates if name not in known]
    linear = _linear(sample, target, rest)
    sums = () if linear is None else (linear,)
    known |= {name for leak in sums for name in leak.columns}
    near = [leak for name in rest if name not in known and (leak := _near(sample, name, target, task)) is not None]
    return (*copies, *sums, *near)


def _copy(name: str, target: str) -> Leak:
    return Leak(columns=(name,), sentence=f"{name!r} is a copy of the target {target!r}", exact=True)


def _is_copy(sample: "pl.DataFrame", name: str, target: str) -> bool:
    import polars as pl

    same = sample[name].dtype == sample[target].dtype or (sample[name].dtype.is_numeric() and sample[target].dtype.is_numeric())
    return same and bool(sample.select((pl.col(name) == pl.col(target)).fill_null(value=False).all()).item())


def _linear(sample: "pl.DataFrame", target: str, names: Sequence[str]) -> Leak | None:
    """An exact linear relation, with as few columns as carry it."""
    numbers = [name for name in names if sample[name].dtype.is_numeric() and sample[name].null_count() == 0]
    if not numbers or len(numbers) > _MOST_COLUMNS or not sample[target].dtype.is_numeric():
        return None
    x = np.column_stack([sample[name].to_numpy().astype(float) for name in numbers])
    y = sample[target].to_numpy().astype(float)
    spread = x.std(axis=0)
    usable = np.isfinite(x).all(axis=0) & (spread > 0)
    kept = [i for i in range(len(numbers)) if usable[i]]
    if len(y) < 3 * (len(kept) + 1) or not _fits(x[:, kept], y):
        return None
    for i in list(kept):
        fewer = [j for j in kept if j != i]
        if fewer and _fits(x[:, fewer], y):
            kept = fewer
    return _linear_leak([numbers[i] for i in kept], target, _coefficients(x[:, kept], y))


def _coefficients(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    with_one = np.column_stack([x, np.ones(len(y))])
    found: np.ndarray = np.linalg.lstsq(with_one, y, rcond=None)[0]
    return found


def _fits(x: np.ndarray, y: np.ndarray) -> bool:
    if x.shape[1] == 0:
        return False
    residual = y - np.column_stack([x, np.ones(len(y))]) @ _coefficients(x, y)
    return bool(np.abs(residual).max() < _EXACT * max(float(y.std()), 1e-300))


def _linear_leak(names: Sequence[str], target: str, coefficients: np.ndarray) -> Leak:
    plain_sum = np.allclose(coefficients[:-1], 1.0, atol=1e-6) and abs(coefficients[-1]) < 1e-6 * max(1.0, abs(coefficients).max())
    shown = " + ".join(map(repr, names))
    if plain_sum:
        return Leak(columns=tuple(names), sentence=f"{shown} = {target!r} in every row", exact=True)
    return Leak(columns=tuple(names), sentence=f"{target!r} is an exact linear function of {', '.join(map(repr, names))}", exact=False)


def _near(sample: "pl.DataFrame", name: str, target: str, task: Task) -> Leak | None:
    """Learn the target from bins of one column on half of the rows, drawn so as not to fall in step with hours or days."""
    codes = _bins(sample, name)
    if codes is None:
        return None
    learn = np.random.default_rng(0).random(len(codes)) < 0.5
    if task is Task.REGRESSION:
        y = sample[target].to_numpy().astype(float)
        score = _r2(codes, y, learn)
        if score < _NEAR_R2:
            return None
        return Leak(columns=(name,), sentence=f"{name!r} alone explains {score:.1%} of {target!r}", exact=False)
    classes = sample[target].cast(str).rank("dense").to_numpy().astype(int) - 1
    right, base = _accuracy(codes, classes, learn)
    if base >= 1 or (1 - right) > _NEAR_ERROR * (1 - base):
        return None
    return Leak(columns=(name,), sentence=f"{name!r} alone predicts {target!r} right in {right:.2%} of rows", exact=False)


def _bins(sample: "pl.DataFrame", name: str) -> np.ndarray | None:
    """Codes of the column's values, or of quantile bins where there are many; None if every row differs from the rest."""
    column = sample[name]
    if column.n_unique() <= _BINS:
        return column.cast(str).fill_null("").rank("dense").to_numpy().astype(int)
    if not column.dtype.is_numeric():
        return None
    values = column.cast(float).fill_null(float("nan")).to_numpy()
    edges = np.unique(np.nanquantile(values, np.linspace(0, 1, _BINS + 1)[1:-1]))
    return np.searchsorted(edges, values)


def _r2(codes: np.ndarray, y: np.ndarray, learn: np.ndarray) -> float:
    size = int(codes.max()) + 1
    counts = np.bincount(codes[learn], minlength=size)
    sums = np.bincount(codes[learn], weights=y[learn], minlength=size)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), y[learn].mean())
    rest = ~learn
    total = ((y[rest] - y[rest].mean()) ** 2).sum()
    return float(1 - ((y[rest] - means[codes[rest]]) ** 2).sum() / total) if total > 0 else 0.0


def _accuracy(codes: np.ndarray, classes: np.ndarray, learn: np.ndarray) -> tuple[float, float]:
    """Share right on the rest by the commonest class of each bin, and by the commonest class overall."""
    table = np.zeros((int(codes.max()) + 1, int(classes.max()) + 1))
    np.add.at(table, (codes[learn], classes[learn]), 1)
    table += np.bincount(classes[learn], minlength=table.shape[1]) * 1e-9  # an unseen bin guesses the commonest class
    rest = ~learn
    common = int(np.bincount(classes[learn]).argmax())
    return float((table.argmax(axis=1)[codes[rest]] == classes[rest]).mean()), float((classes[rest] == common).mean())
