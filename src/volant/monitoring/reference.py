"""What the champion's loss was when it was let out: its answers on its own holdout, as its gate kept them."""

import io
import math

import numpy as np
import polars as pl

from volant.gates.model import GateReport
from volant.gates.rules import CANDIDATE
from volant.gates.service import COLUMN
from volant.kernel.errors import NotFoundError
from volant.kernel.objects import ObjectStore
from volant.monitoring.bounds import in_metric
from volant.monitoring.model import Reference
from volant.stats.blocks import mean_of_dependent
from volant.stats.metrics import row_losses
from volant.stats.names import CLASSIFICATION, metric_named
from volant.stats.predicted import Predicted, classes_of


def reference_of(report: GateReport, objects: ObjectStore, metric: str) -> tuple[float | None, float | None]:
    """Mean and variance of the mean of the row loss that stands for ``metric``.

    ``report`` is the one in which the champion was the candidate. (None, None) where it had no usable row; a variance of
    None where one row says nothing about spread.
    """
    found = full_reference(report, objects, metric)
    return (None, None) if found is None else (found.loss, found.loss_variance)


def full_reference(report: GateReport, objects: ObjectStore, metric: str) -> Reference | None:
    """The same with the metric in its own unit; None where no row of the holdout can be used."""
    table = pl.read_parquet(io.BytesIO(objects.get(report.predictions)))
    if table.height == 0:
        return None
    if CANDIDATE not in table.columns:
        raise NotFoundError(f"Gate report {report.id} holds no answers of its candidate.", found=", ".join(table.columns[:10]))
    target, predicted = target_in(table, metric), answers_in(table, metric)
    losses = row_losses(metric_named(metric).row_loss, target, predicted)
    if not losses.valid.any():
        return None
    found = mean_of_dependent(losses.values[losses.valid], table["time"].to_numpy()[losses.valid])
    value, low, high = in_metric(metric, target, predicted, found)
    return Reference(
        rows=found.rows,
        loss=found.mean,
        loss_variance=found.variance if found.known else None,
        df=found.df if found.known else None,
        value=value,
        low=low,
        high=high,
    )


def target_in(table: pl.DataFrame, metric: str) -> np.ndarray:
    """The labels that a gate kept, as metrics take them."""
    return _column(table["target"], metric)


def answers_in(table: pl.DataFrame, metric: str) -> Predicted:
    """The candidate's answers that a gate kept, with scores where it gave them."""
    values = _column(table[CANDIDATE], metric)
    head = f"{CANDIDATE}.p("
    named = {name[len(head) : -1]: name for name in table.columns if name.startswith(head) and name.endswith(")")}
    held = {name.removeprefix(COLUMN): table[name].to_numpy() for name in table.columns if name.startswith(COLUMN)}
    if not named:
        return Predicted(values, columns=held)
    scores = table.select(named.values()).cast(pl.Float64).fill_null(math.nan).to_numpy()
    known = {str(label): label for label in (*classes_of(target_in(table, metric)), *classes_of(values))}
    return Predicted(values, scores, tuple(known.get(text, text) for text in named), held)


def _column(column: pl.Series, metric: str) -> np.ndarray:
    named = metric_named(metric)
    if not named.tasks & CLASSIFICATION or (named.expression is not None and column.dtype.is_float()):
        return column.cast(pl.Float64, strict=False).fill_null(math.nan).to_numpy()
    values = np.empty(len(column), dtype=object)
    values[:] = column.to_list()
    return values
