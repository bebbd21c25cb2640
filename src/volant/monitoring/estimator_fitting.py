"""Fitting a champion's loss estimator on its own holdout."""

import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from volant.config.model import Task
from volant.monitoring.drift_columns import kind_of, numbers, texts
from volant.monitoring.drift_model import BlockEffect, Kind
from volant.monitoring.estimate_model import Curve, LossEstimator, LossPart, Method, Noise, Support
from volant.monitoring.expected_loss import columns_of, curves_of, fitted_parts, loss_by_curves, loss_by_parts
from volant.stats.blocks import mean_of_dependent
from volant.stats.dependence import SHORTEST, ladder
from volant.stats.metrics import row_losses
from volant.stats.names import metric_named
from volant.stats.predicted import Predicted

FEWEST_ROWS = 100
_MOST_ROWS = 50_000
_MOST_NAMES = 1000
_NOISE_BINS = 8


@dataclass(frozen=True)
class HeldOut:
    """n rows that the champion did not learn from: labels, answers and event times (n,), and their inputs, named as in the log
    (may be empty). ``groups`` (n,): which rows belong together.
    """

    target: np.ndarray
    predicted: Predicted
    times: np.ndarray
    inputs: Mapping[str, pl.Series]
    groups: np.ndarray | None = None


def fitted(metric: str, task: Task, held: HeldOut, seen: Mapping[str, pl.Series]) -> LossEstimator | None:
    """``seen``: inputs of all rows that the champion learned from or was judged on. None where fewer than 100 held-out rows
    can be used.
    """
    loss = metric_named(metric).row_loss
    target, predicted, times, groups = held.target, held.predicted, held.times, held.groups
    losses = row_losses(loss, target, predicted)
    rows = np.flatnonzero(losses.valid)
    if predicted.scores is not None:
        rows = rows[np.isfinite(predicted.scores[rows]).all(axis=1)]
    rows = rows[np.argsort(times[rows], kind="stable")][-_MOST_ROWS:]
    if len(rows) < FEWEST_ROWS:
        return None
    values, own = losses.values[rows], predicted.take(rows)
    curves: tuple[Curve, ...] = ()
    parts: tuple[LossPart, ...] = ()
    if predicted.scores is not None:
        curves = curves_of(target[rows], own)
        expected = loss_by_curves(loss, own, curves)
        usable = np.isfinite(expected)
        if int(usable.sum()) < FEWEST_ROWS:
            return None
        rows, values, expected, own = rows[usable], values[usable], expected[usable], own.take(usable)
        base = float((values - expected).mean())
        expected = left_out = expected + base
    else:
        columns = columns_of(own.values, task, {name: column[rows] for name, column in held.inputs.items()})
        parts, left_out = fitted_parts(columns, values)
        base = float(values.mean())
        expected = loss_by_parts(base, parts, columns, len(rows), signed=metric_named(loss).signed)
    return LossEstimator(
        method=Method.CALIBRATED if curves else Method.DIRECT,
        loss=loss,
        rows=len(rows),
        base=base,
        curves=curves,
        parts=parts,
        noise=_noise(expected, values - left_out, times[rows], None if groups is None else groups[rows]),
        support=support_of(seen),
        learned=max((len(column) for column in seen.values()), default=0),
    )


def _noise(expected: np.ndarray, residuals: np.ndarray, times: np.ndarray, groups: np.ndarray | None) -> Noise:
    edges = np.unique(np.quantile(expected, np.arange(1, _NOISE_BINS) / _NOISE_BINS))
    codes = np.searchsorted(edges, expected, side="left")
    counts = np.bincount(codes, minlength=len(edges) + 1)
    overall = float((residuals**2).mean())
    sums = np.bincount(codes, weights=residuals**2, minlength=len(edges) + 1)
    grouped = None if groups is None else mean_of_dependent(residuals, times, groups)
    known = grouped is not None and grouped.known and overall > 0
    return Noise(
        edges=tuple(edges.tolist()),
        variances=tuple(((sums + overall) / (counts + 1)).tolist()),
        rows=tuple(counts.tolist()),
        blocks=_blocks(residuals, math.sqrt(overall)),
        grouped=max(grouped.variance * len(residuals) / overall, 1.0) if known and grouped is not None else 1.0,
        grouped_df=grouped.df if known and grouped is not None else None,
    )


def _blocks(residuals: np.ndarray, deviation: float) -> tuple[BlockEffect, ...]:
    """Of successive rows in order of time."""
    whole = len(residuals) // SHORTEST
    if deviation <= 0 or whole == 0:
        return ()
    sums = (residuals[: whole * SHORTEST] / deviation).reshape(whole, SHORTEST).sum(axis=1)[:, None]
    return tuple(BlockEffect(**asdict(rung)) for rung in ladder(sums, SHORTEST))


def support_of(seen: Mapping[str, pl.Series], left_out: Collection[str] = ()) -> dict[str, Support]:
    """Range or names of each input; none of those that are no number or category, or have more than 1,000 names."""
    found = {name: _support(column) for name, column in seen.items() if name not in left_out}
    return {name: support for name, support in found.items() if support is not None}


def _support(column: pl.Series) -> Support | None:
    kind = kind_of(column.dtype)
    if kind is Kind.NUMBER:
        values, usable = numbers(column)
        if not usable.any():
            return None
        return Support(low=float(values[usable].min()), high=float(values[usable].max()), missing=not usable.all())
    names = texts(column).drop_nulls().unique().sort().to_list() if kind is Kind.CATEGORY else []
    return Support(names=tuple(names), missing=column.null_count() > 0) if 0 < len(names) <= _MOST_NAMES else None
