"""The proof that a feature function is row-local: what it makes of a row does not depend on the rows beside it.

A value computed over the batch (a mean, a rank, a running sum, the row before) is right in training and silently wrong
when rows come one at a time. So the function is run on sample rows whole, again, in another order, in halves, twice
over, with holes where training had holes, and one by one, and every row must come out the same each time.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from volant.kernel.errors import InvalidInputError, UserCodeError
from volant.models.features import FeatureCall, column_values
from volant.models.fitted import FittedModel
from volant.models.frames import canonical_rows

MAX_ROWS = 200
ESTIMATOR_ROWS = 24
TOLERANCE = 1e-12  # relative: sums of one row's values may be taken in another order
PREDICTION_TOLERANCE = 1e-7  # relative to the largest: matrix products over many rows are rounded otherwise than over one
_HOLE_EVERY = 3

Columns = dict[str, list[Any]]


class _Trial(NamedTuple):
    """A way to split rows into batches. ``batches``: positions; together they may name a row more than once."""

    what: str
    batches: list[np.ndarray]


def prove_row_local(model: FittedModel, sample: pl.DataFrame) -> None:
    """Raise ``InvalidInputError`` naming the columns that depend on other rows, and what to do instead.

    ``sample``: raw training rows, up to 200 are used. Without a feature function only the estimator is tried.
    """
    rows = _chosen(canonical_rows(sample, model.signature.inputs), MAX_ROWS)
    if rows.height == 0:
        return
    if model.features is not None:
        _prove_function(model.features, rows)
        holed = _holed(rows, [field.name for field in model.signature.inputs if field.nullable])
        if holed is not None:
            _prove_function(model.features, holed)
    _prove_estimator(model, _chosen(rows, ESTIMATOR_ROWS))


def _chosen(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    if rows.height <= most:
        return rows
    return rows[np.linspace(0, rows.height - 1, most).astype(np.int64)]


def _holed(rows: pl.DataFrame, nullable: Sequence[str]) -> pl.DataFrame | None:
    """The rows with values taken away, another third in each column, where training rows lacked some too."""
    names = [name for name in nullable if rows[name].null_count() < rows.height]
    if not names or rows.height < 2:
        return None
    number = pl.int_range(pl.len())
    holes = [
        pl.when((number + shift) % _HOLE_EVERY == 0).then(None).otherwise(pl.col(name)).alias(name) for shift, name in enumerate(names)
    ]
    return rows.with_columns(holes)


def _trials(count: int) -> list[_Trial]:
    everything = np.arange(count)
    shuffled = np.random.default_rng(0).permutation(count)
    half = count // 2
    trials = [_Trial("in another order", [shuffled])]
    if half:
        trials.append(_Trial("in two halves", [everything[:half], everything[half:]]))
    trials.append(_Trial("each twice", [np.concatenate([everything, shuffled])]))
    trials.append(_Trial("one by one", list(everything.reshape(-1, 1))))
    return trials


def _prove_function(features: FeatureCall, rows: pl.DataFrame) -> None:
    whole = _run_watched(features, rows)
    again = column_values(features(rows))
    if differing := _differing(whole, again, np.arange(rows.height)):
        raise InvalidInputError(
            f"The feature function {features.name!r} does not give the same result twice.",
            found=f"{_named(differing)} of the same rows differ",
            next_step="use no randomness, clock or changing global value in it",
            field=differing[0],
        )
    wrong: dict[str, str] = {}
    failures: list[InvalidInputError] = []
    for trial in _trials(rows.height):
        for batch in trial.batches:
            try:
                part = column_values(features(rows[batch]))
            except UserCodeError as error:
                failures.append(_fails_in_parts(features.name, trial.what, error))
                break
            for name in _differing(whole, part, batch):
                wrong.setdefault(name, trial.what)
    if wrong:
        raise _not_local(features.name, wrong)
    if failures:
        raise failures[0]


def _run_watched(features: FeatureCall, rows: pl.DataFrame) -> Columns:
    """The result for all rows, after making sure that the rows themselves stayed as they were."""
    given = features.given(rows.clone())
    before = column_values(features.given(rows))
    made = column_values(features.run(given, rows.height))
    after = column_values(given)
    changed = [name for name in {**before, **after} if name not in before or name not in after] or _differing(
        before, after, np.arange(rows.height)
    )
    if changed:
        raise InvalidInputError(
            f"The feature function {features.name!r} changes the rows it is given.",
            found=f"{_named(changed)} of its argument changed",
            next_step="work on a copy: rows = rows.copy() (pandas), rows.with_columns(...) (Polars)",
            field=changed[0],
        )
    return made


def _fails_in_parts(function: str, what: str, error: UserCodeError) -> InvalidInputError:
    return InvalidInputError(
        f"The feature function {function!r} fails when it is given the rows {what}, though not for all of them together.",
        found=error.found,
        next_step=_advice(function),
        details=error.details,
    )


def _differing(whole: Columns, part: Columns, batch: np.ndarray) -> list[str]:
    """Columns of ``part`` that are not the batch's rows of ``whole``, or that only one of them has."""
    names = [*whole, *(name for name in part if name not in whole)]
    return [name for name in names if name not in whole or name not in part or not _same(whole[name], part[name], batch)]


def _same(whole: list[Any], part: list[Any], batch: np.ndarray) -> bool:
    return all(_equal(whole[row], value) for row, value in zip(batch.tolist(), part, strict=True))


def _equal(left: Any, right: Any) -> bool:
    """Equal, both missing, or floats that differ in rounding only."""
    if _missing(left) or _missing(right):
        return _missing(left) and _missing(right)
    if isinstance(left, str) != isinstance(right, str):
        return False
    if isinstance(left, float) or isinstance(right, float):
        try:
            return math.isclose(left, right, rel_tol=TOLERANCE, abs_tol=0.0)
        except TypeError:
            return False
    try:
        return bool(left == right)
    except ValueError:  # arrays inside a column
        return bool(np.array_equal(left, right))


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _not_local(function: str, wrong: dict[str, str]) -> InvalidInputError:
    names = list(wrong)
    return InvalidInputError(
        f"The feature function {function!r} is not row-local: {_named(names)} {'depends' if len(names) == 1 else 'depend'} on other rows.",
        found="the same rows come out otherwise when given " + ", ".join(dict.fromkeys(wrong.values())),
        next_step=_advice(function),
        field=names[0],
        details=tuple(f"column {name!r} differs when rows are given {what}" for name, what in list(wrong.items())[:20]),
    )


def _advice(function: str) -> str:
    return (
        "compute what needs many rows (means, ranks, categories) in a step of its own, def means(rows): ..., and take it as an "
        f"argument: def {function}(rows, means); it is then fitted once, kept with the model and used unchanged when serving"
    )


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    return f"column{'s' if len(names) > 1 else ''} {shown}" + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _prove_estimator(model: FittedModel, rows: pl.DataFrame) -> None:
    """The estimator too may look at the batch. Labels that hang on rounding are judged by their scores."""
    whole = _outputs(model.predict_canonical, rows)
    scale = np.nanmax(np.abs(whole), initial=0.0) if whole.dtype.kind == "f" else 0.0
    for trial in _trials(rows.height):
        for batch in trial.batches:
            part = _outputs(model.predict_canonical, rows[batch])
            if not _close(whole[batch], part, scale):
                kind = type(model.trained.estimator).__name__
                raise InvalidInputError(
                    f"The model ({kind}) predicts otherwise when it is given the rows {trial.what}.",
                    found="its prediction for a row depends on the rows beside it",
                    next_step="fit what it needs in fit, and use only that in predict",
                )


def _outputs(predict: Callable[[pl.DataFrame], Any], rows: pl.DataFrame) -> np.ndarray:
    answer = predict(rows)
    found: np.ndarray = answer.values if answer.scores is None else answer.scores
    return found


def _close(whole: np.ndarray, part: np.ndarray, scale: float) -> bool:
    if whole.dtype.kind == "f":
        return bool(np.allclose(whole, part, rtol=0.0, atol=PREDICTION_TOLERANCE * scale, equal_nan=True))
    return bool(whole.tolist() == part.tolist())
