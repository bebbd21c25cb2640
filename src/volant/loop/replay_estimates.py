"""What a replay would have expected of windows whose labels were still out: the trigger ``estimated_performance`` as it is heard live.

The same estimator as over live traffic, fitted once per model on the rows that its gate kept; windows whose labels are all known
are held against it, so that an estimate that labels contradict is not listened to here either.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from volant.config.model import Task
from volant.monitoring.estimate_model import LossEstimator
from volant.monitoring.estimating import estimate_of, expected_losses, with_gap
from volant.monitoring.estimator_fitting import HeldOut, fitted
from volant.monitoring.model import EstimatedWindow
from volant.stats.metrics import row_losses
from volant.stats.predicted import Predicted

if TYPE_CHECKING:
    from volant.loop.replay_ledger import Trained


@dataclass(frozen=True)
class Answered:
    """Rows of one window (positions) with a model's answers; ``known``: which labels are known by now, shape (n,)."""

    rows: np.ndarray
    answers: Predicted
    known: np.ndarray


class ReplayEstimates:
    """Over one history. ``inputs`` are its columns named as in the log; arrays have shape (n,)."""

    def __init__(
        self, metric: str, task: Task, inputs: pl.DataFrame, *, event_times: np.ndarray, target: np.ndarray, groups: np.ndarray | None
    ) -> None:
        self._metric, self._task = metric, task
        self._inputs, self._times, self._target, self._groups = inputs, event_times, target, groups
        self._estimators: dict[int, LossEstimator | None] = {}
        self._windows: dict[tuple[int, ...], EstimatedWindow | None] = {}

    def windows(self, model: "Trained", held: Answered, past: list[Answered]) -> tuple[EstimatedWindow, ...]:
        """What is to be expected of these windows, oldest first; empty where fewer than 100 rows were held out."""
        estimator = self._estimator(model, held)
        if estimator is None:
            return ()
        found = [self._known(model, estimator, window) for window in past if len(window.rows)]
        return tuple(window for window in found if window is not None)

    def _known(self, model: "Trained", estimator: LossEstimator, window: Answered) -> EstimatedWindow | None:
        key = (model.number, int(window.rows[0]), int(window.rows[-1]), int(window.known.sum()))
        if key not in self._windows:
            self._windows[key] = self._window(estimator, window)
        return self._windows[key]

    def _estimator(self, model: "Trained", held: Answered) -> LossEstimator | None:
        if model.number not in self._estimators:
            rows = held.rows
            kept = HeldOut(self._target[rows], held.answers, self._times[rows], self._columns(rows), self._of_groups(rows))
            seen = self._columns(np.union1d(model.rows, rows))
            self._estimators[model.number] = fitted(self._metric, self._task, kept, seen)
        return self._estimators[model.number]

    def _window(self, estimator: LossEstimator, window: Answered) -> EstimatedWindow | None:
        rows, times = window.rows, self._times[window.rows]
        inputs = {name: column for name, column in self._columns(rows).items() if name in estimator.columns}
        expected = expected_losses(estimator, window.answers, self._task, inputs)
        found = estimate_of(estimator, self._metric, expected, times, inputs)
        if found is None:
            return None
        losses = row_losses(estimator.loss, self._target[rows], window.answers)
        known = losses.valid & window.known
        if known.any():
            groups = self._of_groups(rows[known])
            found = with_gap(found, estimator.noise, losses.values[known], expected[known], units=times[known], groups=groups)
        complete = bool(window.known.all())
        return EstimatedWindow(from_us=int(times[0]), to_us=int(times[-1]), labelled=complete, estimate=found)

    def _columns(self, rows: np.ndarray) -> dict[str, pl.Series]:
        part = self._inputs[rows]
        return {name: part[name] for name in part.columns}

    def _of_groups(self, rows: np.ndarray) -> np.ndarray | None:
        return None if self._groups is None else self._groups[rows]
