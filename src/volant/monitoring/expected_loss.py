"""The loss that is to be expected of each answer before its label is known.

*Probabilities* (confidence-based performance estimation; Guillory et al. 2021, ICCV; NannyML's CBPE): the model's scores are
calibrated on its holdout by isotonic regression over bins (Zadrozny & Elkan 2002, KDD); with calibrated probabilities ``q`` the
expected loss of an answer is the mean of its losses over classes, weighted by ``q``.

*No probabilities* (direct loss estimation): an additive model of the row loss over the answer and the inputs, boosted one
column at a time; how many rounds is chosen on stretches of the holdout that were left out.

Both hold while targets depend on inputs as they did on the holdout. Where that dependence changes, no method can see it
without labels.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from volant.config.model import Task
from volant.monitoring.drift_columns import numbers, texts
from volant.monitoring.estimate_model import Curve, LossPart
from volant.stats.metrics import row_losses
from volant.stats.names import metric_named
from volant.stats.predicted import Predicted, positions_of

_EPS = float(np.finfo(np.float64).eps)
_MOST_BINS, _FEWEST_IN_BIN = 200, 40
_SHRINK = 20.0
_STEP = 0.3
_ROUNDS = (0, 5, 15, 40, 100)
_FOLDS = 5
_MOST_NAMES = 50
_LEVELS = np.array([0.01, 0.03, *(np.arange(1, 16) / 16), 0.97, 0.99])


def curves_of(target: np.ndarray, predicted: Predicted) -> tuple[Curve, ...]:
    """One per class: the share of rows that were of it, never falling as its score rises."""
    assert predicted.scores is not None
    happened = positions_of(target, predicted.classes)
    return tuple(_curve(predicted.scores[:, number], happened == number) for number in range(len(predicted.classes)))


def _curve(scores: np.ndarray, happened: np.ndarray) -> Curve:
    order = np.argsort(scores, kind="stable")
    bins = int(np.clip(len(scores) // _FEWEST_IN_BIN, 1, _MOST_BINS))
    prior = float(happened.mean())
    blocks: list[tuple[float, float, float]] = []  # rows, sum of scores, sum of happened
    for chunk in np.array_split(order, bins):
        blocks.append((float(len(chunk)), float(scores[chunk].sum()), float(happened[chunk].sum())))
        while len(blocks) > 1 and blocks[-2][2] / blocks[-2][0] >= blocks[-1][2] / blocks[-1][0]:
            last = blocks.pop()
            before = blocks.pop()
            blocks.append((before[0] + last[0], before[1] + last[1], before[2] + last[2]))
    return Curve(
        scores=tuple(total / rows for rows, total, _ in blocks), shares=tuple((hits + prior) / (rows + 1) for rows, _, hits in blocks)
    )


def calibrated(scores: np.ndarray, curves: Sequence[Curve]) -> np.ndarray:
    """Shape (n, k) of scores to probabilities of the same shape; rows add up to 1."""
    shares = np.column_stack([np.interp(scores[:, k], curve.scores, curve.shares) for k, curve in enumerate(curves)])
    total = shares.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(shares, total, out=np.full_like(shares, 1 / max(len(curves), 1)), where=total > 0))


def loss_by_curves(loss: str, predicted: Predicted, curves: Sequence[Curve]) -> np.ndarray:
    """Shape (n,); NaN for an answer without usable scores. ``loss``: error, brier, logloss or a business metric's."""
    assert predicted.scores is not None
    scores = np.asarray(predicted.scores, dtype=np.float64)
    usable = np.asarray(np.isfinite(scores).all(axis=1))
    found = np.full(len(scores), np.nan)
    if usable.any():
        found[usable] = _over_classes(loss, predicted.take(usable), scores[usable], calibrated(scores[usable], curves))
    return found


def _over_classes(loss: str, predicted: Predicted, scores: np.ndarray, shares: np.ndarray) -> np.ndarray:
    named = metric_named(loss)
    if named.expression is not None:
        return _expected_value(loss, predicted, shares)
    if loss == "error":
        place = positions_of(predicted.values, predicted.classes)
        return np.asarray(1 - np.where(place < 0, 0.0, shares[np.arange(len(place)), np.maximum(place, 0)]))
    total = scores.sum(axis=1, keepdims=True)
    given = np.divide(np.clip(scores, 0, 1), total, out=np.zeros_like(scores), where=total > 0)
    if loss == "logloss":
        return np.asarray(-(shares * np.log(np.clip(given, _EPS, 1 - _EPS))).sum(axis=1))
    squares = (given**2).sum(axis=1) - 2 * (shares * given).sum(axis=1) + 1
    return np.asarray(squares / 2 if len(predicted.classes) == 2 else squares)


def _expected_value(loss: str, predicted: Predicted, shares: np.ndarray) -> np.ndarray:
    """A business metric with each class as the label in turn, weighted by how likely it is; NaN where it has no value with one."""
    found = np.zeros(len(predicted))
    for number, name in enumerate(predicted.classes):
        label = np.empty(len(predicted), dtype=object)
        label[:] = [name] * len(predicted)
        values = row_losses(loss, label, predicted)
        found += shares[:, number] * np.where(values.valid, values.values, np.nan)
    return found


def columns_of(values: np.ndarray, task: Task, inputs: Mapping[str, pl.Series]) -> dict[str, pl.Series]:
    """The answers beside the inputs that a direct estimate may use."""
    answer = pl.Series(values) if task is Task.REGRESSION else pl.Series([None if v is None else str(v) for v in values], dtype=pl.String)
    return {"prediction": answer, **inputs}


def fitted_parts(columns: Mapping[str, pl.Series], losses: np.ndarray) -> tuple[tuple[LossPart, ...], np.ndarray]:
    """What each column adds to the mean loss, and what would have been expected of each row had its stretch been left out, (n,).

    Rows are in order of time. No part where none helps on stretches that were left out.
    """
    plans = [_plan(name, column) for name, column in columns.items()]
    codes = [_codes(plan, columns[plan.column]) for plan in plans]
    widths = [len(plan.parts) for plan in plans]
    folds = np.array_split(np.arange(len(losses)), _FOLDS)
    left_out = {rounds: np.empty(len(losses)) for rounds in _ROUNDS}
    for fold in folds if len(losses) >= 2 * _FOLDS else ():
        rest = np.setdiff1d(np.arange(len(losses)), fold)
        for rounds, tables in _boosted([c[rest] for c in codes], widths, losses[rest]).items():
            left_out[rounds][fold] = losses[rest].mean() + _sum([c[fold] for c in codes], tables)
    if len(losses) < 2 * _FOLDS:
        return (), np.full(len(losses), losses.mean())
    best = min(_ROUNDS, key=lambda rounds: float(((losses - left_out[rounds]) ** 2).mean()))
    tables = _boosted(codes, widths, losses)[best]
    parts = tuple(
        LossPart(column=plan.column, edges=plan.edges, names=plan.names, parts=tuple(table.tolist()))
        for plan, table in zip(plans, tables, strict=True)
        if table.any()
    )
    return parts, left_out[best]


def loss_by_parts(
    base: float, parts: Sequence[LossPart], columns: Mapping[str, pl.Series], rows: int, *, signed: bool = False
) -> np.ndarray:
    """Shape (n,). A column that is not there counts as missing. ``signed``: losses may be below 0."""
    found = np.full(rows, base)
    for part in parts:
        column = columns.get(part.column)
        table = np.array(part.parts)
        found += table[-1] if column is None else table[_codes(part, column)]
    return found if signed else np.asarray(np.maximum(found, 0.0))


def _plan(name: str, column: pl.Series) -> LossPart:
    """Bins or names, nothing added yet."""
    if column.dtype.is_numeric():
        values, usable = numbers(column)
        edges = np.unique(np.quantile(values[usable], _LEVELS)) if usable.any() else np.empty(0)
        return LossPart(column=name, edges=tuple(edges.tolist()), parts=(0.0,) * (len(edges) + 2))
    found = texts(column).drop_nulls().rename("name").value_counts().sort(["count", "name"], descending=[True, False])
    names = tuple(found["name"][:_MOST_NAMES].to_list())
    return LossPart(column=name, names=names, parts=(0.0,) * (len(names) + 1))


def _codes(plan: LossPart, column: pl.Series) -> np.ndarray:
    missing = len(plan.parts) - 1
    if plan.names or not column.dtype.is_numeric():
        place = {name: number for number, name in enumerate(plan.names)}
        return np.array([place.get(value, missing) for value in texts(column).to_list()], dtype=np.int64)
    values, usable = numbers(column)
    return np.where(usable, np.searchsorted(np.array(plan.edges), np.where(usable, values, 0.0), side="left"), missing)


def _boosted(codes: Sequence[np.ndarray], widths: Sequence[int], losses: np.ndarray) -> dict[int, list[np.ndarray]]:
    """What each column adds after so many rounds; each round follows the column that explains most of what is left."""
    tables = [np.zeros(width) for width in widths]
    counts = [np.bincount(c, minlength=width) + _SHRINK for c, width in zip(codes, widths, strict=True)]
    left, found = losses - losses.mean(), {}
    for number in range(max(_ROUNDS) + 1):
        if number in _ROUNDS:
            found[number] = [table.copy() for table in tables]
        sums = [np.bincount(c, weights=left, minlength=width) for c, width in zip(codes, widths, strict=True)]
        best = max(range(len(codes)), key=lambda k: float((sums[k] ** 2 / counts[k]).sum()))
        step = _STEP * sums[best] / counts[best]
        tables[best] += step
        left -= step[codes[best]]
    return found


def _sum(codes: Sequence[np.ndarray], tables: Sequence[np.ndarray]) -> np.ndarray:
    return np.asarray(sum(table[c] for c, table in zip(codes, tables, strict=True)))
