"""What kind of value each part of an expression has, and which parts do not fit together."""

from collections.abc import Mapping
from enum import StrEnum

from volant.config.expressions import ANSWERS, FUNCTIONS, LABEL, PREDICTION, PROBABILITY, Term, terms, wrong_at
from volant.config.kinds import nearest

_ARITHMETIC = {"+", "-", "*", "/", "%", "**", "minus", "min", "max", "abs", "clip", "round", "floor", "ceil", "log", "exp", "sqrt"}
_LOGIC = {"and", "or", "not"}
_ORDERS = {"<", "<=", ">", ">="}


class Sort(StrEnum):
    """What a value is. True and false count as 1 and 0 wherever a number is asked for."""

    NUMBER = "a number"
    TEXT = "a text"
    MOMENT = "a time"
    ANY = "anything"  # not known before the data are read


def check(text: str, term: Term, *, columns: Mapping[str, Sort] | None, answer: Sort) -> None:
    """``UsageError`` with the position of the first part that does not fit.

    ``columns``: those that a request carries; None where they are not known. ``answer``: what label and prediction are.
    """
    if _sort(text, term, columns, answer) is Sort.TEXT:
        raise wrong_at(text, term.at, "it gives a text", "make it give a number: if(..., 1, 0)")
    if not any(part.op in {PREDICTION, PROBABILITY} for part in terms(term)):
        raise wrong_at(text, 1, "it reads no answer of the model, so it is the same for every model", "use prediction or probability in it")


def _sort(text: str, term: Term, columns: Mapping[str, Sort] | None, answer: Sort) -> Sort:
    below = [_sort(text, part, columns, answer) for part in term.of]
    if not term.of:
        return _leaf(text, term, columns, answer)
    if term.op in _ARITHMETIC or term.op in _LOGIC:
        return _numbers(text, term, below)
    if term.op in {"==", "!=", "in", *_ORDERS}:
        listed = [Sort.TEXT if isinstance(value, str) else Sort.NUMBER for value in term.values]
        _alike(text, term, [*below, *listed], f"{term.op!r} compares")
        return Sort.NUMBER
    if term.op == "if":
        _numbers(text, term, below[:1])
        return _alike(text, term, below[1:], "if(...) chooses between")
    return _alike(text, term, below, "coalesce(...) chooses between") if term.op == "coalesce" else Sort.NUMBER


def _leaf(text: str, term: Term, columns: Mapping[str, Sort] | None, answer: Sort) -> Sort:
    if term.op == "column":
        return _column(text, term, columns)
    if term.op in {LABEL, PREDICTION}:
        return answer
    if term.op == "literal":
        return Sort.TEXT if isinstance(term.value, str) else Sort.ANY if term.value is None else Sort.NUMBER
    return Sort.NUMBER


def _column(text: str, term: Term, columns: Mapping[str, Sort] | None) -> Sort:
    name = str(term.value)
    if columns is None:
        return Sort.ANY
    if name not in columns:
        close = nearest(name, (*columns, *ANSWERS, *FUNCTIONS))
        listed = ", ".join(list(columns)[:12])
        step = f"did you mean {close!r}?" if close else f"the columns are {listed}"
        raise wrong_at(text, term.at, f"there is no column {name!r} in what the model is asked with", step)
    if columns[name] is Sort.MOMENT:
        raise wrong_at(text, term.at, f"{name!r} is a time, which expressions do not read", "use columns of numbers, texts or true/false")
    return columns[name]


def _numbers(text: str, term: Term, below: list[Sort]) -> Sort:
    for part, sort in zip(term.of, below, strict=False):
        if sort is Sort.TEXT:
            raise wrong_at(text, part.at, f"{term.op!r} needs numbers and this is a text", 'compare it first: column == "value"')
    return Sort.NUMBER


def _alike(text: str, term: Term, below: list[Sort], what: str) -> Sort:
    known = {sort for sort in below if sort is not Sort.ANY}
    if len(known) > 1:
        raise wrong_at(text, term.at, f"{what} a number with a text", "make both sides of one kind")
    return known.pop() if known else Sort.ANY
