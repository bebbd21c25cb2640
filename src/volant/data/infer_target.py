"""What kind of thing the target is, and by what it should be judged."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from volant.config.model import Task
from volant.data.plan import Asked
from volant.kernel.errors import InvalidInputError, UsageError
from volant.stats.names import metric_named

if TYPE_CHECKING:
    import polars as pl

Note = Callable[[str, str, str, str], None]
_MANY_CLASSES = 100
_FEW_INTEGERS = 20
_MAYBE_CLASSES = 50
_RARE = 0.1
_EXAMPLES = 5


def check_target(frame: "pl.DataFrame", target: str, shown: str) -> None:
    """Every row has a target and it is not the same everywhere; ``InvalidInputError`` otherwise."""
    values = frame[target]
    absent = values.is_null() | (values.is_nan() if values.dtype.is_float() else values.is_null())
    count = int(absent.fill_null(value=True).sum())
    if count == values.len():
        raise InvalidInputError(
            f"The target {target!r} has no value in any row.",
            found=f"{count} empty cells",
            next_step="choose another --target",
            field="target",
        )
    if count:
        rows = ", ".join(str(row + 1) for row in absent.fill_null(value=True).arg_true().head(_EXAMPLES))
        raise InvalidInputError(
            f"The target {target!r} is missing in {count} of {values.len()} rows of {shown}.",
            found=f"data rows {rows}{' ...' if count > _EXAMPLES else ''}",
            next_step="fill or remove these rows; a row without an answer teaches nothing",
            field="target",
        )
    if values.n_unique() == 1 and values.len() > 1:
        raise InvalidInputError(
            f"The target {target!r} is {values[0]!r} in every row.", found="1 value", next_step="choose another --target", field="target"
        )
    if values.dtype.is_float() and not values.is_finite().all():
        raise InvalidInputError(
            f"The target {target!r} holds infinite values.",
            found=f"{int((~values.is_finite()).sum())} rows",
            next_step="repair these rows",
            field="target",
        )


def infer_task(frame: "pl.DataFrame", asked: Asked, note: Note, warnings: list[str]) -> Task:
    """The task, said or guessed; an integer target that may be a class is warned of."""
    import polars as pl

    values = frame[asked.target]
    distinct = values.n_unique()
    if asked.task is not None:
        return _said(asked, values, distinct)
    numeric = values.dtype.is_numeric()
    whole = values.dtype.is_integer() or (numeric and bool((values == values.cast(float).floor()).all()))
    if isinstance(values.dtype, pl.Date | pl.Datetime):
        raise InvalidInputError(
            f"The target {asked.target!r} holds dates.", found=str(values.dtype), next_step="choose a number or a class", field="target"
        )
    if not numeric:
        _check_classes(asked.target, distinct, values.len())
    if distinct == 2 and (whole or not numeric):
        note(
            "task",
            "binary",
            f"{asked.target!r} has two values ({', '.join(map(str, values.unique().sort().to_list()))})",
            "--task regression",
        )
        return Task.BINARY
    if not numeric:
        note("task", "multiclass", f"{asked.target!r} is text with {distinct} values", "--task TASK")
        return Task.MULTICLASS
    if whole and distinct <= _FEW_INTEGERS and values.len() >= _FEW_INTEGERS * distinct and _dense(values, distinct):
        note("task", "multiclass", f"{asked.target!r} has only {distinct} whole numbers, side by side", "--task regression")
        warnings.append(
            f"{asked.target!r} holds {distinct} whole numbers and is taken as a class; if it measures something, say --task regression."
        )
        return Task.MULTICLASS
    note("task", "regression", f"{asked.target!r} is a number with {distinct} values", "--task multiclass")
    if whole and distinct <= _MAYBE_CLASSES:
        warnings.append(
            f"{asked.target!r} holds {distinct} whole numbers and is taken as a number; if they are codes, say --task multiclass."
        )
    return Task.REGRESSION


def _dense(values: "pl.Series", distinct: int) -> bool:
    low, high = values.min(), values.max()
    return isinstance(low, int | float) and isinstance(high, int | float) and high - low < 2 * distinct


def _check_classes(target: str, distinct: int, rows: int) -> None:
    if distinct > _MANY_CLASSES and distinct > rows // 10:
        raise InvalidInputError(
            f"The target {target!r} looks like an identifier or free text.",
            found=f"{distinct} different texts in {rows} rows",
            next_step="choose a number or a class as --target",
            field="target",
        )


def _said(asked: Asked, values: "pl.Series", distinct: int) -> Task:
    tasks = [Task.BINARY.value, Task.MULTICLASS.value, Task.REGRESSION.value]
    if asked.task not in tasks:
        import difflib

        nearest = difflib.get_close_matches(str(asked.task), tasks, n=1)
        hint = f"did you mean {nearest[0]!r}?" if nearest else f"use one of: {', '.join(tasks)}"
        raise UsageError(f"There is no task {asked.task!r} yet.", found=asked.task, next_step=hint, field="task")
    task = Task(asked.task)
    if task is Task.REGRESSION and not values.dtype.is_numeric():
        raise InvalidInputError(
            f"The target {asked.target!r} is no number.",
            found=str(values.dtype),
            next_step="use --task binary or multiclass",
            field="target",
        )
    if task is Task.BINARY and distinct != 2:
        raise InvalidInputError(
            f"The target {asked.target!r} has not two values.",
            found=f"{distinct} values",
            next_step="use --task multiclass or regression",
            field="target",
        )
    return task


def infer_metric(frame: "pl.DataFrame", asked: Asked, task: Task, note: Note) -> str:
    """The metric that decides; for rare classes one that looks at scores, because guessing the common class is nearly always right."""
    if asked.metric is not None:
        return metric_named(asked.metric, task).name
    if task is Task.REGRESSION:
        note("metric", "mae", "the usual error, in the target's own unit", "--metric NAME")
        return "mae"
    rarest = int(frame[asked.target].value_counts()["count"].min() or 0) / frame.height  # type: ignore[arg-type]
    if task is Task.BINARY and rarest < _RARE:
        note("metric", "logloss", f"the rarer class is only {rarest:.1%} of rows, so the error says little", "--metric NAME")
        return "logloss"
    note("metric", "error", "the share of wrong answers", "--metric NAME")
    return "error"
