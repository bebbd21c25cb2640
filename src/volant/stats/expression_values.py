"""What an expression over prediction, label and columns gives for each row.

A row has a value where every number it needs is there and the result is finite: division by zero, the logarithm of a negative
number, an overflow, or a missing column leave the row without a value. They never become NaN results: callers count such rows.
True and false count as 1 and 0; missing values follow three-valued logic (``false and missing`` is false).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from volant.config.expressions import Literal, Term
from volant.kernel.errors import InvalidInputError
from volant.stats.predicted import LARGEST, Predicted, positions_of


@dataclass(frozen=True)
class Cells:
    """n values: float64, or objects where ``text``. ``there`` masks those that are known; others hold 0 or ""."""

    values: np.ndarray
    there: np.ndarray
    text: bool = False


def values_of_rows(term: Term, label: np.ndarray, predicted: Predicted) -> tuple[np.ndarray, np.ndarray]:
    """(values, mask of rows that have one), both (n,); rows without one hold 0.

    Raises ``InvalidInputError`` for a column that is not there or holds what the expression cannot use.
    """
    with np.errstate(all="ignore"):
        found = _Rows(label, predicted).of(term)
    numbers = _number(term, found)
    return np.where(numbers.there, numbers.values, 0.0), numbers.there


def cells(values: np.ndarray, name: str) -> Cells:
    """A column as the evaluator takes it; NaN, null and infinite cells are not there."""
    kind = values.dtype.kind
    if kind in "biu":
        return Cells(values.astype(np.float64), np.ones(len(values), dtype=bool))
    if kind == "f":
        there = np.abs(values) <= LARGEST
        return Cells(np.where(there, values, 0.0).astype(np.float64), there)
    if kind not in "OUST":
        raise InvalidInputError(f"column {name!r} holds {values.dtype}, which expressions do not read", field="metrics")
    return _objects(values.tolist(), name)


def _objects(values: list[object], name: str) -> Cells:
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {bool, int, float}:
        return cells(np.array([math.nan if value is None else float(value) for value in values], dtype=np.float64), name)  # type: ignore[arg-type]
    if kinds - {bool, int, float, str}:
        odd = next(iter(kinds - {bool, int, float, str})).__name__
        raise InvalidInputError(f"column {name!r} holds values of type {odd}, which expressions do not read", field="metrics")
    there = np.array([value is not None and value == value for value in values], dtype=bool)  # noqa: PLR0124 - NaN is not itself
    found = np.empty(len(values), dtype=object)
    found[:] = ["" if value is None else value for value in values]
    return Cells(found, there, text=True)


class _Rows:
    """Evaluates terms over the rows of one question."""

    def __init__(self, label: np.ndarray, predicted: Predicted) -> None:
        self._label, self._predicted, self._count = label, predicted, len(label)

    def of(self, term: Term) -> Cells:
        if not term.of:
            return self._leaf(term)
        parts = [self.of(part) for part in term.of]
        if term.op == "in":
            hits = [_equal(parts[0], self._constant(value)) for value in term.values]
            return Cells(np.logical_or.reduce(hits).astype(np.float64), parts[0].there)
        if term.op in _OF_ANYTHING:
            return _OF_ANYTHING[term.op](term, parts)
        return _OF_NUMBERS.get(term.op, _computed)(term, [_number(part, found) for part, found in zip(term.of, parts, strict=True)])

    def _leaf(self, term: Term) -> Cells:
        if term.op == "literal":
            return self._constant(term.value)
        if term.op == "label":
            return cells(self._label, "label")
        if term.op == "prediction":
            return cells(self._predicted.values, "prediction")
        if term.op == "probability":
            return self._probability(term.value)
        column = self._predicted.columns.get(str(term.value))
        if column is None:
            raise InvalidInputError(
                f"the rows have no column {term.value!r}, which the metric reads",
                found=f"columns {', '.join(self._predicted.columns) or 'none'}",
                next_step="use columns that requests carry",
                field="metrics",
            )
        return cells(column, str(term.value))

    def _constant(self, value: Literal) -> Cells:
        there = np.full(self._count, value is not None)
        if isinstance(value, str):
            return Cells(np.full(self._count, value, dtype=object), there, text=True)
        return Cells(np.full(self._count, float(value or 0.0)), there)

    def _probability(self, of: Literal) -> Cells:
        scores, classes = self._predicted.scores, self._predicted.classes
        if scores is None:
            raise InvalidInputError("the metric reads probabilities and the model gives none", field="metrics")
        named = {str(name): number for number, name in enumerate(classes)}
        if of is None:
            place = len(classes) - 1
        else:
            place = int(positions_of(np.array([of], dtype=object), classes)[0])
            place = named.get(str(of), -1) if place < 0 else place
        if place < 0:  # a class that this model never saw
            return Cells(np.zeros(self._count), np.ones(self._count, dtype=bool))
        return cells(np.asarray(scores[:, place], dtype=np.float64), "probability")


def _number(term: Term, found: Cells) -> Cells:
    if found.text:
        if not found.there.any():
            return Cells(np.zeros(len(found.there)), found.there)
        raise InvalidInputError(
            f"character {term.at} of the metric's expression gives texts where numbers are needed",
            found=repr(found.values[found.there][0]),
            next_step='compare them: column == "value"',
            field="metrics",
        )
    return found


def _missing(_term: Term, parts: list[Cells]) -> Cells:
    there = parts[0].there
    return Cells((~there).astype(np.float64), np.ones(len(there), dtype=bool))


def _chosen(term: Term, parts: list[Cells]) -> Cells:
    condition, first, second = _number(term.of[0], parts[0]), parts[1], parts[2]
    yes = condition.values != 0
    values = np.where(yes, first.values, second.values)
    return Cells(values, condition.there & np.where(yes, first.there, second.there), text=first.text or second.text)


def _first(_term: Term, parts: list[Cells]) -> Cells:
    found = parts[-1]
    for part in reversed(parts[:-1]):
        found = Cells(np.where(part.there, part.values, found.values), part.there | found.there, text=part.text or found.text)
    return found


def _equal(left: Cells, right: Cells) -> np.ndarray:
    same: np.ndarray = np.asarray(left.values == right.values, dtype=bool)
    return np.asarray(same & left.there & right.there)


def _alike(term: Term, parts: list[Cells]) -> Cells:
    same = np.asarray(_equal(*parts) == (term.op == "=="), dtype=np.float64)
    return Cells(same, parts[0].there & parts[1].there)


_ORDERS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def _ordered(term: Term, parts: list[Cells]) -> Cells:
    left, right = parts
    there = left.there & right.there
    result = np.zeros(len(there))
    try:
        result[there] = _ORDERS[term.op](left.values[there], right.values[there])
    except TypeError as error:
        raise InvalidInputError(f"character {term.at} of the metric's expression orders a number and a text", field="metrics") from error
    return Cells(result, there)


def _joined(term: Term, parts: list[Cells]) -> Cells:
    """Kleene's logic: what decides alone needs no other."""
    left, right = parts
    decides = term.op == "or"
    alone = [side.there & ((side.values != 0) == decides) for side in (left, right)]
    settled = alone[0] | alone[1]
    return Cells(np.where(settled, float(decides), float(not decides)), settled | (left.there & right.there))


_OF_ANYTHING: dict[str, Callable[[Term, list[Cells]], Cells]] = {
    "if": _chosen,
    "coalesce": _first,
    "null?": _missing,
    "==": _alike,
    "!=": _alike,
    **dict.fromkeys(_ORDERS, _ordered),
}
_OF_NUMBERS: dict[str, Callable[[Term, list[Cells]], Cells]] = {"and": _joined, "or": _joined}


def _modulo(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.asarray(np.where(right == 0, np.nan, np.mod(left, np.where(right == 0, 1.0, right))))


def _clipped(value: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.asarray(np.minimum(np.maximum(value, low), high))


def _rounded(value: np.ndarray, digits: np.ndarray | None = None) -> np.ndarray:
    scale = 1.0 if digits is None else 10.0 ** np.trunc(digits)
    return np.asarray(np.round(value * scale) / scale)


_COMPUTED: dict[str, Callable[..., np.ndarray]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": _modulo,
    "**": np.power,
    "minus": np.negative,
    "not": lambda value: np.asarray(value == 0, dtype=np.float64),
    "abs": np.abs,
    "clip": _clipped,
    "round": _rounded,
    "floor": np.floor,
    "ceil": np.ceil,
    "log": np.log,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "min": lambda *parts: np.asarray(np.minimum.reduce(parts)),
    "max": lambda *parts: np.asarray(np.maximum.reduce(parts)),
}


def _computed(term: Term, parts: list[Cells]) -> Cells:
    values = np.asarray(_COMPUTED[term.op](*(part.values for part in parts)), dtype=np.float64)
    there = np.logical_and.reduce([part.there for part in parts]) & (np.abs(values) <= LARGEST)
    return Cells(np.where(there, values, 0.0), there)
