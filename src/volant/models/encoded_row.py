"""One row through a Pipeline of a ColumnTransformer that codes texts and boosted trees, without a frame for each part.

A ColumnTransformer takes milliseconds to split and join the columns of a single row. What an OrdinalEncoder makes of a
text depends on that text alone, so it is asked once for every category, for a missing one and for an unknown one; from
then on one look-up does. Checked on probe rows before it is used, like :mod:`volant.models.boosted_row`.
"""

# ruff: noqa: SLF001 - what is private in scikit-learn is checked on probe rows before it is relied on

import math
from typing import Any

import numpy as np
import polars as pl

from volant.models.answers import AnswerMaker
from volant.models.boosted_row import BoostedRow, boosted_row, same
from volant.models.ports import Answer

_STRANGE = "\x00 never seen \x00"
_PROBES = 16

Table = dict[str | None, float]


class EncodedRow:
    """The columns' codes as tables, in the order in which the trees take them."""

    def __init__(self, pipeline: Any, trees: BoostedRow) -> None:
        columns = pipeline.steps[0][1]
        self.names: list[str] = list(map(str, columns.feature_names_in_))
        self.plan: list[tuple[int, Table | None]] = []
        for name, transformer, _ in columns.transformers_:
            places = list(columns._transformer_to_input_indices[name])
            if not (isinstance(transformer, str) and transformer == "drop"):
                self.plan += zip(places, _tables(transformer, len(places)), strict=True)
        self._texts = {place for place, table in self.plan if table is not None}
        self._used = {place for place, _ in self.plan}
        self._trees = trees

    def answer(self, made: pl.DataFrame) -> Answer | None:
        """The answer for a frame of one row; None where its columns have other types than the tables were made for."""
        if made.columns != self.names or not all(self._fits(place, kind) for place, kind in enumerate(made.dtypes)):
            return None
        row = made.row(0)
        return self._trees.answer_list([_number(row[place]) if table is None else _code(table, row[place]) for place, table in self.plan])

    def _fits(self, place: int, kind: pl.DataType) -> bool:
        if place in self._texts:
            return kind == pl.String
        return place not in self._used or kind == pl.Boolean or kind.is_numeric()


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _code(table: Table, value: str | None) -> float:
    found = table.get(value)
    return table[_STRANGE] if found is None else found


def _tables(transformer: Any, count: int) -> list[Table | None]:
    """A table for each column an encoder takes, None for each column that passes through. ``ValueError`` for others."""
    kind = transformer if isinstance(transformer, str) else type(transformer).__name__
    if kind == "passthrough" or (kind == "FunctionTransformer" and transformer.func is None):
        return [None] * count
    if (
        kind != "OrdinalEncoder"
        or not type(transformer).__module__.startswith("sklearn.")
        or transformer.handle_unknown != "use_encoded_value"
    ):
        raise ValueError(f"{kind} is not known to work column by column")
    texts = [[text for text in values.tolist() if isinstance(text, str)] for values in transformer.categories_]
    if any(len(known) + 1 < len(values) for known, values in zip(texts, transformer.categories_, strict=True)):
        raise ValueError("categories that are no texts")
    asked: list[list[str | None]] = [[*known, None, _STRANGE] for known in texts]
    longest = max(map(len, asked))
    frame = pl.DataFrame(
        {str(name): values + [None] * (longest - len(values)) for name, values in zip(transformer.feature_names_in_, asked, strict=True)},
        schema_overrides=dict.fromkeys(map(str, transformer.feature_names_in_), pl.String),
    )
    codes = np.asarray(transformer.transform(frame), dtype=np.float64)
    return [dict(zip(values, codes[: len(values), place].tolist(), strict=True)) for place, values in enumerate(asked)]


def encoded_row(pipeline: Any, answers: AnswerMaker) -> EncodedRow | None:
    """The quick way for this Pipeline on Polars frames, or None where it is not known to be the same."""
    steps: Any = getattr(pipeline, "steps", ())
    if type(pipeline).__name__ != "Pipeline" or len(steps) != 2 or type(steps[0][1]).__name__ != "ColumnTransformer":
        return None
    if hasattr(steps[0][1], "_sklearn_output_config"):
        return None
    trees = boosted_row(steps[1][1], answers)
    if trees is None:
        return None
    try:
        quick = EncodedRow(pipeline, trees)
        return quick if _agrees(quick, pipeline, answers) else None
    except (AttributeError, TypeError, ValueError, KeyError, IndexError):  # built otherwise in this version
        return None


def _agrees(quick: EncodedRow, pipeline: Any, answers: AnswerMaker) -> bool:
    """Whether probe rows of known, unknown and missing texts and of numbers are answered bit by bit alike."""
    rng = np.random.default_rng(0)
    tables = dict(quick.plan)
    columns = {}
    for place, name in enumerate(quick.names):
        table = tables.get(place)
        pool: list[Any] = [None, *rng.normal(0, 100, 8)] if table is None else [*table, None]
        chosen = [pool[number] for number in rng.integers(0, len(pool), _PROBES)]
        columns[name] = pl.Series(name, chosen, pl.Float64 if table is None else pl.String)
    probes = pl.DataFrame(list(columns.values()))
    for number in range(_PROBES):
        probe = probes[number : number + 1]
        ours = quick.answer(probe)
        if ours is None or not same(ours, answers.ask(pipeline, probe, 1)):
            return False
    return True
