"""Drift as a replay sees it: the inputs of past windows beside the rows that the present model learned from.

The same monitor as over live traffic. What a model answered is not compared here: a replay knows no answers of the rows that
it learned from.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from volant.config.model import DriftConfig
from volant.monitoring.drift import EVERYWHERE, judged_windows
from volant.monitoring.drift_model import DriftReference, WindowShape, moved_columns
from volant.monitoring.drift_reference import reference_of
from volant.monitoring.model import MovedColumn
from volant.monitoring.shaping import column_shapes
from volant.monitoring.windows import WINDOW

if TYPE_CHECKING:
    from volant.loop.replay_ledger import Trained


class ReplayDrift:
    """Over one history: ``inputs`` are the columns to compare, named as in the log, ``event_times`` (n,) their instants; ``rules``: what
    counts as having moved.
    """

    def __init__(self, inputs: pl.DataFrame, event_times: np.ndarray, rules: DriftConfig = EVERYWHERE) -> None:
        self._inputs = inputs
        self._times = event_times
        self._rules = rules
        self._references: dict[int, DriftReference] = {}
        self._shapes: dict[tuple[int, int, int], WindowShape] = {}

    def moved(self, model: "Trained", windows: Sequence[np.ndarray]) -> tuple[MovedColumn, ...]:
        """Columns that moved in these windows (positions of rows, oldest first) away from what the model learned."""
        shapes = [self._shape(model, number, rows) for number, rows in enumerate(windows) if len(rows)]
        return moved_columns(judged_windows(shapes, self._reference(model), self._rules).columns)

    def _reference(self, model: "Trained") -> DriftReference:
        if model.number not in self._references:
            learned = self._inputs[model.rows]
            columns = {name: learned[name] for name in learned.columns}
            self._references[model.number] = reference_of(columns, model="replay", version=model.number)
        return self._references[model.number]

    def _shape(self, model: "Trained", number: int, rows: np.ndarray) -> WindowShape:
        key = (model.number, int(rows[0]), int(rows[-1]))
        if key not in self._shapes:
            found = column_shapes(self._inputs[rows].with_columns(pl.lit(0).alias(WINDOW)), self._reference(model))
            self._shapes[key] = WindowShape(
                model="replay",
                epoch=0,
                arm="champion",
                number=number,
                version=model.number,
                from_us=int(self._times[rows[0]]),
                to_us=int(self._times[rows[-1]]),
                rows=len(rows),
                columns={name: shapes[0] for name, shapes in found.items()},
            )
        return self._shapes[key]
