"""Running the row-local feature function on raw rows, with its fitted state and the parameters of the training."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from volant.kernel.errors import UserCodeError, VolantError
from volant.models.frames import NumpyMaker, PandasMaker
from volant.models.model import FeatureFunction, Field
from volant.models.user_errors import user_error


class FeatureCall:
    """The feature function with everything but the rows filled in."""

    def __init__(self, function: Callable[..., Any], described: FeatureFunction, state: Mapping[str, Any], fields: Sequence[Field]) -> None:
        self.name = described.name
        self._given = _givers(described.frame, fields)
        self._call = _bound(function, described, state)

    def given(self, rows: pl.DataFrame) -> Any:
        """Canonical rows as the function takes them."""
        return self._given(rows)

    def __call__(self, rows: pl.DataFrame) -> Any:
        """What the function makes of canonical rows. ``UserCodeError`` if it raises."""
        return self.run(self.given(rows), rows.height)

    def run(self, given: Any, count: int) -> Any:
        """As a call, for rows that are already as the function takes them.

        One Polars row goes in more than once: alone, Polars divides it by a number where many rows are multiplied by the
        number's reciprocal, and a tree whose threshold lies on the value then answers otherwise.
        """
        if count != 1:
            return self._made(given, count)
        if isinstance(given, pl.DataFrame):
            return self._made(_repeated(given, 2), 2)[:1]
        if isinstance(given, pl.LazyFrame):
            copies = 2 * pl.thread_pool_size()  # each thread takes its part
            return self._made(_repeated(given.collect(), copies).lazy(), copies)[:1]
        return self._made(given, 1)

    def _made(self, given: Any, count: int) -> Any:
        try:
            made = self._call(given)
        except VolantError:
            raise
        except Exception as error:
            raise user_error(f"The feature function {self.name!r} raised.", error) from error
        if isinstance(made, pl.LazyFrame):
            made = made.collect()
        if isinstance(made, pl.Series):
            made = made.to_frame()
        rows = _height(made)
        if rows != count:
            raise UserCodeError(
                f"The feature function {self.name!r} gave another number of rows.",
                found=f"{rows} rows for {count}" if rows is not None else f"{type(made).__name__}, not a frame or an array",
                next_step="give one row for each row, in their order",
            )
        return made


def _repeated(row: pl.DataFrame, copies: int) -> pl.DataFrame:
    """Column by column: a frame made of one repeated row is still computed as a single row."""
    return pl.DataFrame([column.new_from_index(0, copies) for column in row.get_columns()])


def _givers(frame: str, fields: Sequence[Field]) -> Callable[[pl.DataFrame], Any]:
    if frame == "pandas":
        return PandasMaker(fields).frame
    if frame == "numpy":
        return NumpyMaker(fields).array
    return pl.DataFrame.lazy if frame == "polars-lazy" else lambda rows: rows


def _height(made: Any) -> int | None:
    shape = getattr(made, "shape", None)
    return int(shape[0]) if isinstance(shape, tuple) and shape else None


def _bound(function: Callable[..., Any], described: FeatureFunction, state: Mapping[str, Any]) -> Callable[[Any], Any]:
    """State goes by name, except where the function's parameters are positional only."""
    values = {**{name: state[name] for name in described.state}, **described.params}
    parameters = list(inspect.signature(function).parameters.values())[1:]
    positional = [values.pop(p.name) for p in parameters if p.kind is p.POSITIONAL_ONLY and p.name in values]
    if not positional:
        return partial(function, **values) if values else function
    return lambda rows: function(rows, *positional, **values)


def column_values(made: Any) -> dict[str, list[Any]]:
    """A feature function's result as named columns of plain values; unnamed columns are called by their position."""
    if isinstance(made, pl.LazyFrame):
        made = made.collect()
    if isinstance(made, pl.DataFrame):
        return {column.name: column.to_list() for column in made.get_columns()}
    if isinstance(made, np.ndarray):
        table = made.reshape(len(made), -1)
        return {str(position): table[:, position].tolist() for position in range(table.shape[1])}
    if hasattr(made, "columns") and hasattr(made, "iloc"):
        return {str(name): _plain(made.iloc[:, position]) for position, name in enumerate(made.columns)}
    if hasattr(made, "toarray"):
        return column_values(np.asarray(made.toarray()))
    return {str(getattr(made, "name", None) or 0): _plain(made)}


def _plain(column: Any) -> list[Any]:
    """A pandas column's values with one sign for what is missing."""
    missing = column.isna().to_numpy()
    return [None if gone else value for value, gone in zip(column.tolist(), missing, strict=True)]
