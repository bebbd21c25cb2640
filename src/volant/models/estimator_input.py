"""What an estimator is given: the frame or array it was fitted on, or for one row the array it would make of it.

Frames tell an estimator little that it needs for one row of plain numbers, and checking their names costs more than
predicting. So one row goes as an array to a copy of the estimator that does not know names, where the estimator would
turn the frame into that very array itself. ``array_twin`` holds the conditions, the tests hold the equality.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from volant.data.model import Dtype
from volant.kernel.errors import InvalidInputError, UserCodeError
from volant.models.frames import NumpyMaker, PandasMaker
from volant.models.model import Field
from volant.models.trained import Trained


class EstimatorInput:
    """From raw rows (``raw`` are their fields) or from a feature function's result (``raw`` None) to an input."""

    def __init__(self, trained: Trained, raw: Sequence[Field] | None) -> None:
        self._estimator = trained.estimator
        self._form = "numpy" if _forgot_names(trained.estimator) else trained.frame.removesuffix("-lazy")
        self._names = _fitted_on(trained)
        chosen = _chosen(raw, self._names)
        self._pandas = PandasMaker(chosen) if chosen is not None and self._form == "pandas" else None
        self._numpy = NumpyMaker(chosen) if chosen is not None and self._form == "numpy" else None
        self._twin = trained.estimator if self._form == "numpy" else array_twin(trained.estimator, self._names)
        self._whole = chosen is not None and all(f.dtype is Dtype.INT for f in chosen) and self._keeps_ints(chosen)
        plain = chosen is not None and all(f.dtype in {Dtype.INT, Dtype.FLOAT} for f in chosen)
        self.takes_plain_numbers = plain and self._twin is not None

    def _keeps_ints(self, fields: Sequence[Field]) -> bool:
        return self._form == "polars" or not any(field.nullable for field in fields)

    @property
    def array_estimator(self) -> Any:
        """What takes arrays, or None."""
        return self._twin

    def estimator_for(self, given: Any) -> Any:
        """The estimator, or its copy that takes arrays."""
        return self._twin if type(given) is np.ndarray and self._twin is not None else self._estimator

    def row_of(self, columns: Mapping[str, list[Any]]) -> np.ndarray:
        """One row of plain numbers, shape (1, columns), as the frame of it would become an array."""
        values = [columns[name][0] for name in self._names]
        if self._whole and None not in values:
            return np.array((values,), dtype=np.int64)
        return np.array((values,), dtype=np.float64)  # None becomes NaN

    def from_frame(self, made: Any) -> Any:
        """Canonical raw rows, or what the feature function made of them, as the estimator takes them."""
        if isinstance(made, pl.DataFrame):
            return self._from_polars(made)
        if isinstance(made, np.ndarray) or not hasattr(made, "columns"):
            return self._from_array(made)
        made = self._ordered(made, [str(name) for name in made.columns])
        if self._form == "polars":
            return pl.from_pandas(made)
        if self._form == "numpy":
            return made.to_numpy()
        plain = self._twin is not None and len(made) == 1 and all(getattr(kind, "kind", "") in "fiu" for kind in made.dtypes)
        return made.to_numpy() if plain else made

    def _from_polars(self, made: pl.DataFrame) -> Any:
        made = self._ordered(made, made.columns)
        if self._pandas is not None:
            return self._pandas.frame(made)
        if self._numpy is not None:
            return self._numpy.array(made)
        if self._form == "numpy":
            return made.to_numpy()
        if self._twin is not None and made.height == 1:
            if all(kind == pl.Float64 for kind in made.dtypes):
                return np.array((made.row(0),), dtype=np.float64)  # as to_numpy, null to NaN included, in a third of the time
            if all(kind.is_numeric() for kind in made.dtypes):
                return made.to_numpy()
        return made.to_pandas() if self._form == "pandas" else made

    def _ordered(self, made: Any, found: list[str]) -> Any:
        if found == self._names or not self._names:
            return made
        if self._form == "numpy" and len(found) == len(self._names) and not set(found) & set(self._names):
            return made  # numbered names of an array's columns
        missing = [name for name in self._names if name not in found]
        if missing:
            raise UserCodeError(
                f"The feature function gave no column {missing[0]!r}, which the model was fitted on.",
                found=f"columns {', '.join(found[:20])}",
                next_step="a feature function must give the same columns whatever rows it is given",
            )
        return made[self._names]

    def _from_array(self, made: Any) -> Any:
        if self._form == "numpy" or not isinstance(made, np.ndarray):
            return made
        table = made.reshape(len(made), -1)
        if self._form == "pandas":
            import pandas as pd  # type: ignore[import-untyped]

            return pd.DataFrame(table, columns=self._names)
        return pl.DataFrame(table, schema=self._names)


def _fitted_on(trained: Trained) -> list[str]:
    """The columns the estimator saw, in its order: some of those the model step was given."""
    names = list(trained.feature_names)
    seen = getattr(trained.estimator, "feature_names_in_", None) if _is_sklearn(trained.estimator) else None
    if seen is not None and names:
        strange = [name for name in map(str, seen) if name not in names]
        if strange:
            raise _made_inside(f"column {strange[0]!r}", names)
        return list(map(str, seen))
    count = getattr(trained.estimator, "n_features_in_", None) if _is_sklearn(trained.estimator) else None
    if count is not None and names and count != len(names):
        raise _made_inside(f"{count} columns", names)
    return names


def _made_inside(what: str, names: list[str]) -> InvalidInputError:
    return InvalidInputError(
        f"The model was fitted on {what}, which the model step made itself: it would be missing when serving.",
        found=f"the model step is given {len(names)} columns: {', '.join(map(repr, names[:12]))}",
        next_step="make and choose columns in the feature function (def features(rows)), or inside a scikit-learn Pipeline",
        field="features",
    )


def _chosen(raw: Sequence[Field] | None, names: Sequence[str]) -> list[Field] | None:
    """The raw fields the estimator was fitted on, in its order."""
    if raw is None:
        return None
    known = {field.name: field for field in raw}
    return [known[name] for name in names if name in known] if names else list(raw)


def _is_sklearn(estimator: Any) -> bool:
    return type(estimator).__module__.startswith("sklearn.")


def _forgot_names(estimator: Any) -> bool:
    """Fitted on a bare array inside the model step: names would only make it warn at every call."""
    return _is_sklearn(estimator) and hasattr(estimator, "n_features_in_") and not hasattr(estimator, "feature_names_in_")


def array_twin(estimator: Any, names: Sequence[str]) -> Any:
    """A copy that takes one row as an array of numbers and answers as the estimator does; None where that is not certain.

    It is certain for an estimator of scikit-learn, or a Pipeline of them, that was fitted on columns in this very order
    and whose parts never saw a name: those make an array of any frame first.
    """
    if not _is_sklearn(estimator) or list(getattr(estimator, "feature_names_in_", ())) != list(names):
        return None
    if type(estimator).__name__ == "Pipeline":
        return _pipeline_twin(estimator)
    return _nameless(estimator) if _knows_no_names_inside(estimator) else None


def _pipeline_twin(pipeline: Any) -> Any:
    steps = [(name, step) for name, step in pipeline.steps if step not in (None, "passthrough")]
    parts = [step for _, step in steps]
    if not parts or not all(_is_sklearn(part) and _knows_no_names_inside(part) for part in parts):
        return None
    if "feature_names_in_" not in vars(parts[0]) or any(hasattr(part, "feature_names_in_") for part in parts[1:]):
        return None
    twin = copy.copy(pipeline)
    twin.steps = [(steps[0][0], _nameless(parts[0])), *steps[1:]]
    twin.memory = None
    return twin


def _nameless(estimator: Any) -> Any:
    twin = copy.copy(estimator)
    del twin.feature_names_in_
    return twin


def _knows_no_names_inside(estimator: Any) -> bool:
    """Nothing in it works by column name: no part fitted on a frame, no function of the user, no output as a frame."""
    if "feature_names_in_" not in vars(estimator) and hasattr(estimator, "feature_names_in_"):
        return False
    if hasattr(estimator, "_sklearn_output_config") or hasattr(estimator, "transformers"):
        return False
    return not any(_works_by_name(value) for value in vars(estimator).values())


def _works_by_name(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_works_by_name(item) for item in value)
    if isinstance(value, dict):
        return any(_works_by_name(item) for item in value.values())
    if hasattr(value, "feature_names_in_") or hasattr(value, "transformers"):
        return True
    return callable(value) and not isinstance(value, type) and not _is_sklearn(value)
