"""Trainings and answers of a replay: each distinct training runs once, each row is asked once per model."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from volant.kernel.clock import Clock
from volant.kernel.digests import digest
from volant.stats.predicted import Predicted

if TYPE_CHECKING:
    import polars as pl

Predict = Callable[[np.ndarray], Predicted]
"""Positions of rows in the history, int64 (k,), to one answer per row."""


class Train(Protocol):
    """Makes a model that answers of the rows at these positions, ascending. ``weights`` (k,): how much each row counts; only given
    where they differ.
    """

    def __call__(self, rows: np.ndarray, /, *weights: np.ndarray) -> Predict:
        """See the class."""
        ...


class OverBudgetError(Exception):
    """The time budget does not allow a further training. Never leaves this package."""


@dataclass(eq=False)
class Trained:
    """A model of the replay. ``answers`` maps the positions asked so far to values; see :meth:`Ledger.answer`."""

    number: int
    rows: np.ndarray
    predict: Predict
    duration_us: int
    asked: np.ndarray
    values: np.ndarray = field(default_factory=lambda: np.empty(0))
    scores: np.ndarray | None = None
    classes: tuple[bool | int | float | str, ...] = ()
    at: int = 0  # the first instant at which a policy asked for it


class Ledger:
    """All trainings of one replay over a history of ``size`` rows."""

    def __init__(self, train: Train, size: int, clock: Clock, budget_us: int | None) -> None:
        self._train = train
        self._size = size
        self._clock = clock
        self._ends_at = None if budget_us is None else clock.now() + budget_us
        self._by_rows: dict[str, Trained] = {}
        self.shared = 0

    @property
    def trained(self) -> tuple[Trained, ...]:
        """Distinct trainings in the order in which they ran."""
        return tuple(self._by_rows.values())

    def train(self, rows: np.ndarray, at: int, *, weights: np.ndarray | None = None, needed: bool = False) -> Trained:
        """The model of these rows, asked for at the instant ``at``. ``weights`` (k,): how much each counts; None: alike.

        ``OverBudgetError`` if it would have to run after the budget (unless ``needed``).
        """
        given = () if weights is None else (np.ascontiguousarray(weights, dtype=np.float64),)
        key = digest(b"".join([np.ascontiguousarray(rows, dtype=np.int64).tobytes(), *(one.tobytes() for one in given)]))
        if key in self._by_rows:
            self.shared += 1
            return self._by_rows[key]
        started = self._clock.now()
        if not needed and self._ends_at is not None and started >= self._ends_at:
            raise OverBudgetError
        predict = self._train(rows, *given)
        took, unasked = self._clock.now() - started, np.zeros(self._size, dtype=bool)
        model = Trained(len(self._by_rows) + 1, rows, predict, took, unasked, at=at)
        self._by_rows[key] = model
        return model

    def answer(self, model: Trained, rows: np.ndarray) -> Predicted:
        """The model's answers for these positions; only rows it was never asked about reach the model."""
        fresh = rows[~model.asked[rows]]
        if len(fresh):
            self._keep(model, fresh, model.predict(fresh))
        return Predicted(model.values[rows], None if model.scores is None else model.scores[rows], model.classes)

    def _keep(self, model: Trained, rows: np.ndarray, found: Predicted) -> None:
        if not model.asked.any():
            model.values = np.zeros(self._size, dtype=found.values.dtype if found.values.dtype.kind in "biuf" else object)
            model.scores = None if found.scores is None else np.zeros((self._size, found.scores.shape[1]))
            model.classes = found.classes
        model.values[rows] = found.values
        if model.scores is not None and found.scores is not None:
            model.scores[rows] = found.scores
        model.asked[rows] = True

    def frame(self) -> "pl.DataFrame":
        """Every answer: ``model`` (training number), ``row`` (position), ``value``, ``scores`` (list, or null)."""
        import polars as pl

        parts = []
        for model in self.trained:
            rows = np.flatnonzero(model.asked)
            values = model.values[rows] if len(rows) else np.empty(0)
            scores = None if model.scores is None else pl.Series(model.scores[rows].tolist(), dtype=pl.List(pl.Float64))
            text = values.dtype.kind == "O"
            parts.append(
                pl.DataFrame(
                    {
                        "model": pl.Series([model.number] * len(rows), dtype=pl.Int32),
                        "row": pl.Series(rows, dtype=pl.Int64),
                        "value": pl.Series([str(value) for value in values.tolist()]) if text else pl.Series(values.astype(np.float64)),
                        "scores": pl.Series([None] * len(rows), dtype=pl.List(pl.Float64)) if scores is None else scores,
                    }
                )
            )
        return pl.concat([part for part in parts if len(part)]) if any(len(part) for part in parts) else pl.DataFrame()
