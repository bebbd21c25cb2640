"""What a model takes and gives, read off the rows it was fitted on."""

from typing import TYPE_CHECKING

from volant.config.model import Task
from volant.data.model import Dtype
from volant.kernel.errors import InvalidInputError
from volant.models.model import Field, Signature
from volant.stats.predicted import classes_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


def infer_signature(rows: "pl.DataFrame", target: "pl.Series", task: Task, target_name: str) -> Signature:
    """Inputs in the order of the rows' columns; ``classes`` sorted, of the type the target has.

    ``nullable`` where a training row had no value (null, or NaN in a column of floats). Raises ``InvalidInputError``
    for a column of a type that cannot be served, and for a classification target with fewer than two classes.
    """
    inputs = tuple(_field(column) for column in rows.get_columns())
    if not inputs:
        raise InvalidInputError(
            "The model has no input columns.", found="rows without columns", next_step="drop fewer columns (data.drop)", field="data.drop"
        )
    classes = () if task is Task.REGRESSION else _classes(target, target_name)
    return Signature(inputs=inputs, target=target_name, task=task, classes=classes)


def _field(column: "pl.Series") -> Field:
    dtype = _logical(column)
    missing = column.null_count() > 0 or (column.dtype.is_float() and bool(column.is_nan().any()))
    return Field(name=column.name, dtype=dtype, nullable=missing)


def _logical(column: "pl.Series") -> Dtype:
    """The logical type of a column; one without any value counts as numbers, as when it is read from a file."""
    import polars as pl

    kind = column.dtype
    if kind.is_integer():
        return Dtype.INT
    if kind.is_float() or kind == pl.Null:
        return Dtype.FLOAT
    if isinstance(kind, pl.Datetime):
        return Dtype.DATETIME
    known = {pl.Boolean: Dtype.BOOL, pl.Date: Dtype.DATE, pl.String: Dtype.STRING, pl.Categorical: Dtype.STRING, pl.Enum: Dtype.STRING}
    found = known.get(kind.base_type())
    if found is None:
        raise InvalidInputError(
            f"Column {column.name!r} has a type that a model cannot be served with.",
            found=str(kind),
            next_step="make it a number, a text, true/false, a date or a time; or drop it (data.drop)",
            field=column.name,
        )
    return found


def _classes(target: "pl.Series", name: str) -> tuple[bool | int | float | str, ...]:
    classes = classes_of(target.to_numpy() if target.dtype.is_numeric() and target.null_count() == 0 else _objects(target))
    if len(classes) < 2:
        raise InvalidInputError(
            f"The target {name!r} has fewer than two classes in the training rows.",
            found=f"{len(target)} rows, {', '.join(map(repr, classes)) or 'no label'}",
            next_step="train on more rows (train.window), or choose another target",
            field="target",
        )
    return classes


def _objects(target: "pl.Series") -> "np.ndarray":
    import numpy as np

    values = np.empty(len(target), dtype=object)
    values[:] = target.to_list()
    return values
