"""What each column is good for: names of rows, features, slices, or nothing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from volant.config.model import Task
from volant.data.findings import Findings
from volant.data.leaks import find_leaks
from volant.data.model import Dtype
from volant.data.plan import Roles
from volant.kernel.errors import InvalidInputError

if TYPE_CHECKING:
    import polars as pl

_KEY_NAMES = ("id", "key", "uuid", "guid")
_FEW = 1000  # values of a column that can still be a category or part of a key


def left_out(found: Findings, task: Task, time: str | None) -> tuple[str, ...]:
    """The user's columns, and those that cannot or must not be learned from."""
    drop = list(found.asked.drop)
    kept = {found.asked.target, time, found.asked.group, *found.asked.key}

    def leave_out(name: str, why: str) -> None:
        drop.append(name)
        found.guess("drop", name, why, "remove it from data.drop in volant.yaml to keep it")

    for column in found.table.columns:
        if column.name in kept or column.name in drop:
            continue
        why = _unusable(found.frame[column.name], column.dtype)
        if why is not None:
            leave_out(column.name, why)
            found.warnings.append(f"{column.name!r} is left out: {why}.")
    _leaks(found, task, drop, time)
    features = [n for n in found.names() if n not in drop and n != found.asked.target and n not in found.asked.key]
    if not features:
        raise InvalidInputError(
            "No column is left to learn from.",
            found=f"columns {', '.join(found.names()[:20])}",
            next_step="drop fewer columns",
            field="data.drop",
        )
    return tuple(drop)


def _unusable(values: "pl.Series", dtype: Dtype) -> str | None:
    if values.null_count() == values.len() or (values.dtype.is_float() and values.is_nan().fill_null(value=True).all()):
        return "it has no value in any row"
    distinct = values.n_unique()
    if dtype is Dtype.INT and distinct == values.len() and values.null_count() == 0 and bool((values.diff().drop_nulls() == 1).all()):
        return "it only counts the rows"
    if dtype is Dtype.STRING and distinct > _FEW and distinct > values.len() // 2:
        return f"it is text that differs in nearly every row ({distinct} of {values.len()} values)"
    return None


def _leaks(found: Findings, task: Task, drop: list[str], time: str | None) -> None:
    """Warn of leaks, dropped or not; leave out those that hold the target exactly, if something else remains."""
    target = found.asked.target
    candidates = [
        n
        for n in found.names()
        if n not in {target, time} and n not in found.asked.key and found.frame[n].null_count() < found.frame.height
    ]
    for leak in find_leaks(found.frame, target, task, candidates):
        inside = [name for name in leak.columns if name not in drop]
        if not inside:
            found.warnings.append(f"Target leak: {leak.sentence}. Left out by --drop: right so.")
            continue
        others = [n for n in candidates if n not in drop and n not in leak.columns]
        if leak.exact and others:
            for name in inside:
                drop.append(name)
                found.guess("drop", name, leak.sentence, "remove it from data.drop in volant.yaml to keep it")
            found.warnings.append(f"Target leak: {leak.sentence}. Left out: {', '.join(map(repr, inside))}.")
        else:
            found.warnings.append(
                f"Possible target leak: {leak.sentence}. If it is not known before the target is, give --drop {','.join(inside)}."
            )


def infer_key(found: Findings, time: str | None, drop: tuple[str, ...]) -> tuple[str, ...]:
    """What names a row: as said, or columns that look like it and are different in every row."""
    frame, asked = found.frame, found.asked
    if asked.key:
        doubles = frame.height - frame.select(asked.key).n_unique()
        if doubles:
            found.warnings.append(f"The key {', '.join(asked.key)} repeats in {doubles} rows; the last row of each key is used.")
        return asked.key
    solid = [c for c in found.table.columns if not c.nullable and c.name != asked.target and c.dtype is not Dtype.FLOAT]
    for column in solid:
        named = column.name.lower() in _KEY_NAMES or column.name.lower().endswith(("_id", "_key", "_uuid"))
        if named and frame[column.name].n_unique() == frame.height:
            found.guess("key", column.name, "its name says so and its values are unique", "--key COLUMNS")
            return (column.name,)
    if time is None or not any(c.name == time for c in solid):
        return ()
    if frame[time].n_unique() == frame.height:
        found.guess("key", time, "every row has a time of its own", "--key COLUMNS")
        return (time,)
    for column in solid:
        if column.name == time or column.name in drop or frame[column.name].n_unique() > _FEW:
            continue
        if frame.select(column.name, time).n_unique() == frame.height:
            pair = (column.name, time) if column.dtype is Dtype.STRING else (time, column.name)
            found.guess("key", ", ".join(pair), "together they are different in every row", "--key COLUMNS")
            return pair
    return ()


def assign_roles(found: Findings, time: str | None, key: tuple[str, ...], drop: tuple[str, ...]) -> Roles:
    """How the columns that are left become features."""
    numbers, categories, unused = [], [], []
    for column in found.table.columns:
        name = column.name
        if name in {found.asked.target, time} or name in drop:
            continue
        distinct = found.frame[name].n_unique()
        if name in key and distinct > min(_FEW, found.frame.height // 2):
            continue
        if column.dtype in {Dtype.INT, Dtype.FLOAT, Dtype.BOOL}:
            numbers.append(name)
        elif column.dtype is Dtype.STRING:
            categories.append(name)
        else:
            unused.append(name)
        if distinct == 1:
            found.warnings.append(f"{name!r} has the same value in every row.")
    if unused:
        found.warnings.append(f"Dates that no feature uses yet: {', '.join(map(repr, unused))}; see features() in pipeline.py.")
    parts = _time_parts(found, time, (*numbers, *categories))
    if not (numbers or categories or parts):
        raise InvalidInputError(
            "No column is left to learn from.", found="only time and key columns", next_step="drop fewer columns", field="data.drop"
        )
    return Roles(numbers=tuple(numbers), categories=tuple(categories), time_parts=parts, unused=tuple(unused))


def _time_parts(found: Findings, time: str | None, features: Sequence[str]) -> tuple[str, ...]:
    """Parts of the time that come round often enough in the file to be learned."""
    if time is None or found.table.dtype(time) not in {Dtype.DATE, Dtype.DATETIME}:
        return ()
    values = found.frame[time]
    parts = {"hour": values.dt.hour()} if found.table.dtype(time) is Dtype.DATETIME else {}
    parts |= {"weekday": values.dt.weekday(), "month": values.dt.month()}
    often = {"hour": 2, "weekday": 7, "month": 2}
    return tuple(part for part, series in parts.items() if series.n_unique() >= often[part] and not _has(found, features, series))


def _has(found: Findings, features: Sequence[str], part: "pl.Series") -> bool:
    """Whether a column says the same already, in other words perhaps (``weekday`` counted from Sunday)."""
    count = part.n_unique()
    for name in features:
        column = found.frame[name]
        if column.n_unique() == count and found.frame.select(column.alias("a"), part.alias("b")).n_unique() == count:
            return True
    return False


def infer_slices(found: Findings, roles: Roles) -> tuple[str, ...]:
    """One text column with a few values, none of them rare: models are compared within each."""
    for name in roles.categories:
        counts = found.frame[name].drop_nulls().value_counts()["count"].to_numpy()
        if 2 <= len(counts) <= 8 and float(np.min(counts)) >= 0.05 * found.frame.height:
            found.guess("slices", name, f"{len(counts)} values, none rare", "gates in volant.yaml")
            return (name,)
    return ()
