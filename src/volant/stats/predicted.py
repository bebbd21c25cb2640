"""A model's answers for n rows, as the numbers of this package take them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

LARGEST = 1e70
"""Larger numbers than this are no measurements; their squares' squares would leave what a float can hold."""


@dataclass(frozen=True)
class Predicted:
    """Answers for n rows.

    ``values``: shape (n,), numbers or class labels. ``scores``: None, or class probabilities of shape (n, k) in
    the order of ``classes``. ``columns``: what the rows themselves hold, (n,) each, for metrics that read it.
    """

    values: np.ndarray
    scores: np.ndarray | None = None
    classes: tuple[bool | int | float | str, ...] = ()
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: np.ndarray) -> "Predicted":
        """The answers at these positions (integers or a mask)."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return Predicted(self.values[rows], None if self.scores is None else self.scores[rows], self.classes, columns)

    def beside(self, columns: Mapping[str, np.ndarray]) -> "Predicted":
        """The same answers with the columns of their rows, (n,) each."""
        return replace(self, columns=columns)


def joined(parts: "list[Predicted]") -> Predicted:
    """Answers of several stretches, one after the other.

    Scores survive only where every part has them. Parts of models that know different classes are brought to the
    union of classes, in order of first appearance, with probability 0 for what a model does not know.
    """
    values = np.concatenate([part.values for part in parts])
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in (parts[0].columns if parts else ())}
    if any(part.scores is None for part in parts):
        return Predicted(values, None, parts[0].classes if parts else (), columns)
    classes = tuple(dict.fromkeys(name for part in parts for name in part.classes))
    return Predicted(values, np.concatenate([_spread(part, classes) for part in parts]), classes, columns)


def _spread(part: Predicted, classes: tuple[bool | int | float | str, ...]) -> np.ndarray:
    assert part.scores is not None
    if part.classes == classes:
        return part.scores
    wide = np.zeros((len(part), len(classes)))
    for column, name in enumerate(part.classes):
        wide[:, classes.index(name)] = part.scores[:, column]
    return wide


def usable_target(target: np.ndarray) -> np.ndarray:
    """Mask of rows with a label: not null, not NaN, not beyond ``LARGEST``. Shape (n,), bool."""
    if target.dtype.kind == "f":
        return np.asarray(np.abs(target) <= LARGEST)
    if target.dtype.kind == "O":
        values = target.tolist()
        if any(issubclass(kind, float | type(None)) for kind in set(map(type, values))):
            return np.array([_is_label(value) for value in values], dtype=bool)
    return np.ones(len(target), dtype=bool)


def _is_label(value: object) -> bool:
    if value is None:
        return False
    return not isinstance(value, float) or abs(value) <= LARGEST


def labels_equal(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Element by element equality of labels of any two types; 1, 1.0 and True are one label. Shape (n,), bool."""
    if left.dtype.kind in "biuf" and right.dtype.kind in "biuf":
        return np.asarray(left == right)
    if left.dtype.kind == right.dtype.kind == "U":
        return np.asarray(left == right)
    return np.array([a == b for a, b in zip(left.tolist(), right.tolist(), strict=True)], dtype=bool)


def positions_of(labels: np.ndarray, classes: tuple[bool | int | float | str, ...]) -> np.ndarray:
    """Index of each label in ``classes``; -1 for a label that is not one of them. Shape (n,), int64."""
    place = {name: number for number, name in enumerate(classes)}
    return np.array([place.get(value, -1) for value in labels.tolist()], dtype=np.int64)


def classes_of(labels: np.ndarray) -> tuple[bool | int | float | str, ...]:
    """The distinct labels, sorted (by text where they do not sort by themselves)."""
    distinct = set(labels[usable_target(labels)].tolist())
    try:
        return tuple(sorted(distinct))
    except TypeError:
        return tuple(sorted(distinct, key=lambda value: (type(value).__name__, str(value))))
