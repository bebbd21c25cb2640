"""A fitted model as everybody else sees it: raw rows in, an answer out, the same offline and served."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from volant.kernel.errors import InvalidInputError
from volant.models.answers import AnswerMaker
from volant.models.boosted_row import BoostedRow, boosted_row
from volant.models.encoded_row import EncodedRow, encoded_row
from volant.models.estimator_input import EstimatorInput
from volant.models.features import FeatureCall
from volant.models.frames import ColumnsReader, canonical_rows
from volant.models.model import Signature
from volant.models.ports import Answer
from volant.models.trained import Trained
from volant.models.user_errors import user_error


class FittedModel:
    """An estimator with its feature function. A ``ModelRunner`` and a ``serving.ports.ColumnRunner``; not thread-safe."""

    def __init__(self, trained: Trained, signature: Signature) -> None:
        self.signature = signature
        self.trained = trained
        self.features = (
            None
            if trained.function is None or trained.features is None
            else FeatureCall(trained.function, trained.features, trained.state, signature.inputs)
        )
        self._reader = ColumnsReader(signature.inputs)
        raw = signature.inputs if self.features is None else None
        self._input = EstimatorInput(trained, raw)
        self._answers = AnswerMaker(trained.estimator, signature)
        self._quick_numbers: BoostedRow | None = None
        self._quick_texts: EncodedRow | None = None
        self._quick_tried = False

    @classmethod
    def of(cls, trained: Trained, signature: Signature) -> "FittedModel":
        """The model of a training in memory.

        Raises ``InvalidInputError`` if the estimator cannot predict or answers other classes than the target has.
        """
        if not callable(getattr(trained.estimator, "predict", None)):
            raise InvalidInputError(
                "The model step returned something that cannot predict.",
                found=type(trained.estimator).__qualname__,
                next_step="return a fitted estimator: an object with a predict method",
            )
        return cls(trained, signature)

    def predict(self, rows: pl.DataFrame) -> Answer:
        """See ``ModelRunner``. No rows give an empty answer."""
        return self.predict_canonical(canonical_rows(rows, self.signature.inputs))

    def predict_columns(self, columns: Mapping[str, list[Any]], count: int) -> Answer:
        """See ``serving.ports.ColumnRunner``."""
        if count == 1 and self._input.takes_plain_numbers:
            return self._ask(self._input.row_of(columns), 1)
        return self.predict_canonical(self._reader.frame(columns, count))

    def predict_canonical(self, rows: pl.DataFrame) -> Answer:
        """As :meth:`predict`, for rows that are in the signature's order and types already."""
        if rows.height == 0:
            return self._answers.empty()
        made = rows if self.features is None else self.features(rows)
        return self._ask(self._input.from_frame(made), rows.height)

    def _ask(self, given: Any, count: int) -> Answer:
        try:
            quick = self._quickly(given) if count == 1 else None
            if quick is not None:
                return quick
            return self._answers.ask(self._input.estimator_for(given), given, count)
        except InvalidInputError:
            raise
        except Exception as error:
            raise user_error(f"The model ({type(self.trained.estimator).__name__}) raised.", error) from error

    def _quickly(self, given: Any) -> Answer | None:
        """One row's answer without scikit-learn's set-up for many, where that is known to be the same."""
        if not self._quick_tried:  # at the first single row: a model that only ever scores frames need not pay for it
            self._quick_tried = True
            twin = self._input.array_estimator
            self._quick_numbers = None if twin is None else boosted_row(twin, self._answers)
            self._quick_texts = encoded_row(self.trained.estimator, self._answers) if twin is None else None
        if type(given) is np.ndarray:
            return self._quick_numbers.answer(given) if self._quick_numbers is not None and given.dtype.kind in "iuf" else None
        if self._quick_texts is not None and isinstance(given, pl.DataFrame):
            return self._quick_texts.answer(given)
        return None
