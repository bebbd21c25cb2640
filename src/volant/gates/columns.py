"""Arrays as columns of a stored table, and tables as bytes."""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from volant.stats.predicted import Predicted

if TYPE_CHECKING:
    import polars as pl


def series(values: np.ndarray) -> "pl.Series":
    """A column of any values; of values of several types their text."""
    import polars as pl

    if values.dtype.kind in "biuf":
        return pl.Series(values)
    kinds = {type(value) for value in values.tolist() if value is not None}
    if len(kinds) > 1:
        return pl.Series([None if value is None else str(value) for value in values.tolist()], dtype=pl.String)
    return pl.Series(values.tolist())


def answer_columns(name: str, predicted: Predicted) -> "dict[str, pl.Series]":
    """``NAME`` with the answers, and ``NAME.p(CLASS)`` per class."""
    import polars as pl

    found = {name: series(predicted.values)}
    if predicted.scores is not None:
        found |= {f"{name}.p({label})": pl.Series(predicted.scores[:, k]) for k, label in enumerate(predicted.classes)}
    return found


def answers_in(table: "pl.DataFrame", name: str) -> Predicted:
    """What :func:`answer_columns` made. Classes are of the type of the labels and answers in the table, where those know them."""
    start = f"{name}.p("
    chances = [column for column in table.columns if column.startswith(start)]
    values = table[name].to_numpy()
    if not chances:
        return Predicted(values)
    labels = [*(table["target"].to_list() if "target" in table.columns else ()), *values.tolist()]
    typed = {str(label): label for label in labels if label is not None}
    texts = [column[len(start) : -1] for column in chances]
    return Predicted(values, table.select(chances).to_numpy(), tuple(typed.get(text, text) for text in texts))


def table_bytes(columns: "Mapping[str, pl.Series]") -> bytes:
    """As Parquet."""
    import polars as pl

    buffer = io.BytesIO()
    pl.DataFrame(dict(columns)).write_parquet(buffer)
    return buffer.getvalue()


def table_from(data: bytes) -> "pl.DataFrame":
    """The table of :func:`table_bytes`."""
    import polars as pl

    return pl.read_parquet(io.BytesIO(data))
