"""A window's loss as it is to be expected of its answers and inputs, with a check beside it of whether that may be believed.

The interval is for the loss that the labels will show: chance of the window's rows and of the holdout's, both widened by how
dependent rows were on the holdout. It holds while targets depend on inputs as they did there. Two things tell that they may
not: rows that lie outside of everything the champion saw, at once; and once labels are known, the ``gap`` between realised
and expected losses of the same rows.
"""

import math
from collections.abc import Mapping

import numpy as np
import polars as pl
from msgspec import structs

from volant.config.model import Task
from volant.evidence.tables import FEATURE_PREFIX
from volant.monitoring.bounds import from_loss
from volant.monitoring.drift_columns import numbers, texts
from volant.monitoring.estimate_model import LossEstimator, Method, Noise, Support
from volant.monitoring.expected_loss import columns_of, loss_by_curves, loss_by_parts
from volant.monitoring.model import Estimate
from volant.stats.blocks import mean_of_dependent
from volant.stats.dependence import Rung, spread_at
from volant.stats.names import metric_named
from volant.stats.paired import t_quantile
from volant.stats.predicted import Predicted

FEWEST_ROWS = 20
OUTSIDE = 0.05
_EACH_SIDE = 0.975
_MANY = 10_000


def expected_losses(estimator: LossEstimator, predicted: Predicted, task: Task, inputs: Mapping[str, pl.Series]) -> np.ndarray:
    """Shape (n,); NaN for answers that cannot be used."""
    signed = metric_named(estimator.loss).signed
    if estimator.method is Method.CALIBRATED:
        if predicted.scores is None or predicted.scores.shape[1] != len(estimator.curves):
            return np.full(len(predicted), np.nan)
        found = loss_by_curves(estimator.loss, predicted, estimator.curves) + estimator.base
        return found if signed else np.maximum(found, 0.0)
    columns = columns_of(predicted.values, task, inputs)
    found = loss_by_parts(estimator.base, estimator.parts, columns, len(predicted), signed=signed)
    return np.where(np.isfinite(predicted.values), found, np.nan) if predicted.values.dtype.kind == "f" else found


def estimate_of(
    estimator: LossEstimator, metric: str, expected: np.ndarray, units: np.ndarray, inputs: Mapping[str, pl.Series]
) -> Estimate | None:
    """Of one window: its rows' expected losses (n,), their order ``units`` (n,) and their inputs. None for fewer than 20 rows."""
    usable = np.isfinite(expected)
    rows = int(usable.sum())
    if rows < FEWEST_ROWS:
        return None
    mean = mean_of_dependent(expected[usable], units[usable])
    chance, bias, df, bias_df = _variances(estimator.noise, expected[usable], estimator.rows)
    half = t_quantile(_EACH_SIDE, df) * math.sqrt(chance + bias)
    low, high = mean.mean - half, mean.mean + half
    low = low if metric_named(estimator.loss).signed else max(low, 0.0)
    share, column = outside(estimator, inputs)
    ends = [from_loss(metric, low), from_loss(metric, high)]
    known = [end for end in ends if end is not None]
    return Estimate(
        rows=rows,
        loss=mean.mean,
        loss_variance=mean.variance if mean.known else None,
        df=mean.df if mean.known else None,
        low_loss=low,
        high_loss=high,
        value=from_loss(metric, mean.mean),
        low=min(known, default=None),
        high=max(known, default=None),
        bias_variance=bias,
        bias_df=bias_df,
        outside=share,
        outside_column=column if share > _most_outside(estimator) else None,
    )


def with_gap(
    found: Estimate, noise: Noise, losses: np.ndarray, expected: np.ndarray, *, units: np.ndarray, groups: np.ndarray | None = None
) -> Estimate:
    """The same beside what was realised: row losses of labelled rows (n,) and what was expected of the same rows.

    The gap varies as much as the window's own rows say or, if that is more, as the holdout's: one window cannot know how much
    windows differ.
    """
    usable = np.isfinite(expected)
    if not usable.any():
        return found
    gap = mean_of_dependent((losses - expected)[usable], units[usable], None if groups is None else groups[usable])
    variance, df = (gap.variance, gap.df) if gap.known else (0.0, 0)
    effect, effect_df = _design(noise, gap.rows)
    usual = effect * _chance(noise, expected[usable])
    if usual > variance:
        variance, df = usual, effect_df
    return structs.replace(found, gap=gap.mean, gap_rows=gap.rows, gap_variance=variance if df else None, gap_df=df or None)


def _variances(noise: Noise, expected: np.ndarray, held: int) -> tuple[float, float, int, int]:
    """Of the window's mean loss about what is expected, by chance of its own rows and by chance of the ``held`` ones of the
    holdout; and the degrees of freedom of both together and of the second.
    """
    counts = np.bincount(np.searchsorted(np.array(noise.edges), expected, side="left"), minlength=len(noise.rows))
    variances, rows, share = np.array(noise.variances), np.array(noise.rows, dtype=float), counts / len(expected)
    bias = float((share**2 * variances / np.maximum(rows, 1)).sum())
    (own, own_df), (other, other_df) = _design(noise, len(expected)), _design(noise, held)
    return own * _chance(noise, expected), other * bias, min(own_df, other_df), other_df


def _chance(noise: Noise, expected: np.ndarray) -> float:
    """The variance of the mean of so many independent rows about what is expected of them."""
    codes = np.searchsorted(np.array(noise.edges), expected, side="left")
    return float(np.array(noise.variances)[codes].sum()) / len(expected) ** 2


def _design(noise: Noise, rows: int) -> tuple[float, int]:
    """How much more a mean of so many rows varies than one of independent rows, with its degrees of freedom."""
    spread = spread_at([Rung(**structs.asdict(block)) for block in noise.blocks], rows)
    df = int(min(max(spread.df, 1), _MANY))
    return (spread.effect, df) if noise.grouped_df is None or spread.effect >= noise.grouped else (noise.grouped, noise.grouped_df)


def outside(estimator: LossEstimator, inputs: Mapping[str, pl.Series]) -> tuple[float, str | None]:
    """The share of rows with an input beyond what the champion saw, and the input that is it most often."""
    masks = {name: _beyond(inputs[name], support) for name, support in estimator.support.items() if name in inputs}
    if not masks:
        return 0.0, None
    most = max(masks, key=lambda name: int(masks[name].sum()))
    share = float(np.logical_or.reduce(list(masks.values())).mean())
    return share, most.removeprefix(FEATURE_PREFIX) if share else None


def _beyond(column: pl.Series, support: Support) -> np.ndarray:
    if support.names:
        named = texts(column)
        missing = named.is_null().to_numpy()
        return np.where(missing, not support.missing, ~named.fill_null("").is_in(list(support.names)).to_numpy())
    values, usable = numbers(column)
    assert support.low is not None
    assert support.high is not None
    inside = (np.where(usable, values, support.low) >= support.low) & (np.where(usable, values, support.low) <= support.high)
    return np.where(usable, ~inside, not support.missing)


def _most_outside(estimator: LossEstimator) -> float:
    """Of k inputs, a row like those that were seen is beyond one with probability 2 k / (rows + 1)."""
    return OUTSIDE + 4 * len(estimator.support) / (estimator.learned + 1)
