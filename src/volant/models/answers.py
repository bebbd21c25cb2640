"""Asking an estimator and bringing what it says into the shape and the labels that the signature promises."""

from typing import Any

import numpy as np

from volant.config.model import Task
from volant.kernel.errors import InvalidInputError, UserCodeError
from volant.models.model import Signature
from volant.models.ports import Answer

# Their predict is, in so many words, the class of the largest predict_proba: asking once is enough.
_BY_LARGEST_SCORE = {"RandomForestClassifier", "ExtraTreesClassifier"}


class AnswerMaker:
    """Predictions of one estimator as answers.

    Raises ``InvalidInputError`` if a classifier was fitted on other labels than the target has.
    """

    def __init__(self, estimator: Any, signature: Signature) -> None:
        self._regression = signature.task is Task.REGRESSION
        self._classes = signature.classes
        self._labels = label_array(signature.classes)
        self._place = {label: number for number, label in enumerate(signature.classes)}
        self._columns = None if self._regression else self._score_columns(estimator)
        self._scored = not self._regression and hasattr(estimator, "predict_proba")
        self._by_score = self._scored and _answers_largest_score(estimator)

    def empty(self) -> Answer:
        """The answer for no rows."""
        values = np.empty(0) if self._regression else self._labels[:0]
        return Answer(values=values, scores=np.empty((0, len(self._classes))) if self._scored else None)

    def ask(self, estimator: Any, given: Any, count: int) -> Answer:
        """Predictions for ``count`` rows. Raises what the estimator raises, ``UserCodeError`` for a misshapen answer."""
        if self._regression:
            return Answer(values=_numbers(estimator.predict(given), count))
        if not self._scored:
            return Answer(values=self._labelled(_flat(estimator.predict(given), count)))
        raw = np.asarray(estimator.predict_proba(given), dtype=np.float64)
        scores = self._ordered(raw, count)
        if self._by_score:
            return Answer(values=self._labelled(estimator.classes_[np.argmax(raw, axis=1)]), scores=scores)
        return Answer(values=self._labelled(_flat(estimator.predict(given), count)), scores=scores)

    def from_scores(self, raw: np.ndarray, best: np.ndarray) -> Answer:
        """The answer for scores in the estimator's order of classes and the position of each row's answer in it."""
        columns = np.arange(len(self._classes)) if self._columns is None else self._columns
        return Answer(values=self._labels[columns[best]], scores=self._ordered(raw, len(raw)))

    def _score_columns(self, estimator: Any) -> np.ndarray | None:
        """Where each of the estimator's score columns stands in the signature's order; None if they agree."""
        known = getattr(estimator, "classes_", None)
        if known is None or not isinstance(known, np.ndarray):
            return None
        places = [self._place.get(label) for label in known.tolist()]
        if None in places:
            raise InvalidInputError(
                "The model answers other labels than the target has.",
                found=f"the model's classes {known.tolist()[:8]!r}, the target's {list(self._classes)[:8]!r}",
                next_step="fit the estimator on the target as it is given to the model step",
                field="target",
            )
        return None if places == list(range(len(self._classes))) else np.array(places)

    def _ordered(self, raw: np.ndarray, count: int) -> np.ndarray:
        width = len(self._classes) if self._columns is None else len(self._columns)
        if raw.shape != (count, width):
            raise UserCodeError(
                "The model gave class probabilities of another shape.",
                found=f"{raw.shape} for {count} rows and {width} classes",
                next_step="give one row for each row and one column for each class, in sorted order",
            )
        if self._columns is None:
            return raw
        scores = np.zeros((count, len(self._classes)))
        scores[:, self._columns] = raw
        return scores

    def _labelled(self, values: np.ndarray) -> np.ndarray:
        """The target's own labels; 1, 1.0 and True are one label."""
        if values.dtype.kind == self._labels.dtype.kind and values.dtype.kind in "biU":
            return values
        try:
            return self._labels[[self._place[value] for value in values.tolist()]]
        except (KeyError, TypeError) as error:
            raise UserCodeError(
                "The model gave a label that the target does not have.",
                found=str(error)[:120],
                next_step=f"labels are {', '.join(map(repr, self._classes[:12]))}",
            ) from error


def label_array(classes: tuple[bool | int | float | str, ...]) -> np.ndarray:
    """Labels as one array whose ``tolist`` gives them back with their types. Shape (k,)."""
    kinds = {type(label) for label in classes}
    if len(kinds) == 1 and kinds & {bool, int, float}:
        return np.array(classes)
    labels = np.empty(len(classes), dtype=object)
    labels[:] = classes
    return labels


def _answers_largest_score(estimator: Any) -> bool:
    """The classes a Pipeline or a search ends in count; an answer with several outputs does not."""
    final = estimator
    while type(final).__module__.startswith("sklearn.") and type(final).__name__ == "Pipeline":
        final = final.steps[-1][1]
    plain = type(final).__module__.startswith("sklearn.ensemble.") and type(final).__name__ in _BY_LARGEST_SCORE
    return plain and isinstance(getattr(final, "classes_", None), np.ndarray)


def _flat(values: Any, count: int) -> np.ndarray:
    array = np.asarray(values)
    if array.shape == (count, 1):
        array = array.reshape(count)
    if array.shape != (count,):
        raise UserCodeError(
            "The model gave predictions of another shape.",
            found=f"{array.shape} for {count} rows",
            next_step="predict must give one value for each row",
        )
    return array


def _numbers(values: Any, count: int) -> np.ndarray:
    array = _flat(values, count)
    try:
        return array.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise UserCodeError(
            "The model gave predictions that are not numbers.",
            found=repr(array[:3].tolist())[:120],
            next_step="for labels set task: binary or multiclass",
        ) from error
