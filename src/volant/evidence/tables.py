"""Predictions as a table: one line per predicted row, the shape in which segments are sealed and queried.

====================  ==================================================================================
``prediction_id``     ``{request}.{row}``; what labels name
``request_id``        the client's own id, or null
``at``                int64 microseconds UTC, when it was answered
``event_time``        int64 microseconds UTC from the project's time column, or null
``key``               canonical key text, or null
``model`` ``version`` ``arm`` ``epoch``  who answered
``f:NAME``            the raw value of column NAME as the request gave it (checked against the signature)
``prediction``        typed by what the model gives: bool, int64, float64 or text; null where it raised
``scores``            list of float64 in the order of the signature's classes, or null
``latency_us``        of the whole request
``outcome`` ``source`` ``error``  how it ended, ``http`` or ``batch``, and what was raised
``rollout`` ``rollout_epoch``  the rollout on its way, and its weights, or null
``assigned``          the arm it belonged to, where another one answered, or null
``pair``              the line of the other arm for the same row, or null
====================  ==================================================================================
"""

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any

from volant.evidence.model import Prediction
from volant.evidence.reading import rows_of

if TYPE_CHECKING:
    import polars as pl

FEATURE_PREFIX = "f:"


def prediction_table(predictions: Iterable[Prediction]) -> "pl.DataFrame":
    """Lines of the predictions given, in their order."""
    import polars as pl

    kept = [prediction for prediction in predictions if rows_of(prediction) > 0]
    fixed = {name: _gather(kept, name) for name in ("request_id", "at", "model", "version", "arm", "epoch", "latency_us")}
    ends = {name: _gather(kept, name) for name in ("outcome", "source", "error")}
    data: dict[str, pl.Series] = {
        "prediction_id": pl.Series([f"{p.id}.{i}" for p in kept for i in range(rows_of(p))], dtype=pl.String),
        "event_time": pl.Series(_per_row(kept, "event_times"), dtype=pl.Int64),
        "key": pl.Series(_per_row(kept, "keys"), dtype=pl.String),
        "prediction": typed_series(_per_row(kept, "values")),
        "scores": pl.Series(_per_row(kept, "scores"), dtype=pl.List(pl.Float64)),
    }
    data |= {name: pl.Series(values, dtype=_fixed_type(name)) for name, values in (fixed | ends).items()}
    order = ["prediction_id", "request_id", "at", "event_time", "key", "model", "version", "arm", "epoch"]
    data |= _trials(kept)
    last = ["prediction", "scores", "latency_us", "outcome", "source", "error", "rollout", "rollout_epoch", "assigned", "pair"]
    features = {FEATURE_PREFIX + name: typed_series(_feature(kept, name)) for name in _feature_names(kept)}
    return pl.DataFrame({name: data[name] for name in order} | features | {name: data[name] for name in last})


def _trials(predictions: Sequence[Prediction]) -> "dict[str, pl.Series]":
    import polars as pl

    trials = [(p.trial, i) for p in predictions for i in range(rows_of(p))]
    pairs = [None if trial is None or trial.pair is None else f"{trial.pair}.{i}" for trial, i in trials]
    return {
        "rollout": pl.Series([None if trial is None else trial.rollout for trial, _ in trials], dtype=pl.String),
        "rollout_epoch": pl.Series([None if trial is None else trial.epoch for trial, _ in trials], dtype=pl.Int64),
        "assigned": pl.Series([None if trial is None else trial.assigned for trial, _ in trials], dtype=pl.String),
        "pair": pl.Series(pairs, dtype=pl.String),
    }


def typed_series(values: Sequence[Any]) -> "pl.Series":
    """Values under the narrowest type that holds them all without loss of meaning."""
    import polars as pl

    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return pl.Series(values, dtype=pl.Null)
    if kinds == {bool}:
        return pl.Series(values, dtype=pl.Boolean)
    if kinds == {int} and all(-(1 << 63) <= v < 1 << 63 for v in values if v is not None):
        return pl.Series(values, dtype=pl.Int64)
    if kinds <= {int, float}:
        return pl.Series([None if v is None else float(v) for v in values], dtype=pl.Float64)
    return pl.Series([v if v is None or isinstance(v, str) else str(v) for v in values], dtype=pl.String)


def _fixed_type(name: str) -> Any:
    import polars as pl

    return pl.Int64 if name in {"at", "version", "epoch", "latency_us"} else pl.String


def _gather(predictions: Sequence[Prediction], name: str) -> list[Any]:
    return [value for p in predictions for value in repeat(getattr(p, name), rows_of(p))]


def _per_row(predictions: Sequence[Prediction], name: str) -> list[Any]:
    return [value for p in predictions for value in padded(getattr(p, name) or (), rows_of(p))]


def _feature(predictions: Sequence[Prediction], name: str) -> list[Any]:
    return [value for p in predictions for value in padded(p.columns.get(name, ()), rows_of(p))]


def padded(values: Sequence[Any], rows: int) -> list[Any]:
    """The values, with None for rows beyond them."""
    return [*values, *repeat(None, rows - len(values))]


def _feature_names(predictions: Sequence[Prediction]) -> list[str]:
    return sorted({name for p in predictions for name in p.columns})
