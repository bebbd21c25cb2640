"""Expressions over prediction, label and columns, as text: read into a tree, with the place of whatever is wrong.

Light on purpose: ``volant config validate`` and the control process read expressions here; ``stats/expression_values.py`` computes them.
"""

import re
from collections.abc import Iterator

from volant.config.kinds import nearest
from volant.kernel.codec import Value
from volant.kernel.errors import UsageError

MOST_TEXT = 2000
DEEPEST = 80
LABEL, PREDICTION, PROBABILITY = "label", "prediction", "probability"
ANSWERS = (LABEL, PREDICTION, PROBABILITY)
FUNCTIONS: dict[str, tuple[int, int]] = {  # how many arguments at least and at most
    "if": (3, 3),
    "min": (2, 20),
    "max": (2, 20),
    "abs": (1, 1),
    "clip": (3, 3),
    "round": (1, 2),
    "floor": (1, 1),
    "ceil": (1, 1),
    "log": (1, 1),
    "exp": (1, 1),
    "sqrt": (1, 1),
    "coalesce": (2, 20),
}
_COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")
_WORDS = {"and", "or", "not", "in", "is", "null", "true", "false"}
_TOKEN = re.compile(
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<word>[^\W\d]\w*)|(?P<text>\"[^\"]*\"|'[^']*')|(?P<column>`[^`]+`)"
    r"|(?P<sign>==|!=|<=|>=|\*\*|[-+*/%<>(),\[\]])"
)
Literal = bool | int | float | str | None


class Term(Value, frozen=True, kw_only=True):
    """One operation. ``op``: ``literal``, ``column``, ``label``, ``prediction``, ``probability``, an operator's sign or word, or a
    function's name. ``value``: a literal's value, a column's name, or the class of a probability. ``at``: where it stands, from 1.
    """

    op: str
    at: int
    of: tuple["Term", ...] = ()
    value: Literal = None
    values: tuple[Literal, ...] = ()  # of ``in``
    depth: int = 1


_SHOWN = 40  # characters


def wrong_at(text: str, at: int, what: str, next_step: str) -> UsageError:
    """An error that shows the place in the expression."""
    rest = text[at - 1 :]
    near = rest if len(rest) <= _SHOWN else f"{rest[: _SHOWN - 1]}…"
    return UsageError(f"character {at} of the expression: {what}", found=near or "the end", next_step=next_step, field="expression")


class _Token(Value, frozen=True, kw_only=True):
    kind: str  # number, word, text, column, sign, end
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    found, place = [], 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        match = _TOKEN.match(text, place)
        if match is None:
            step = "close the quote" if text[place] in "\"'`" else "write == to compare" if text[place] == "=" else "take it out"
            raise wrong_at(text, place + 1, f"{text[place]!r} means nothing here", step)
        found.append(_Token(kind=str(match.lastgroup), text=match[0], at=place + 1))
        place = match.end()
    return [*found, _Token(kind="end", text="", at=len(text) + 1)]


def parse(text: str) -> Term:
    """The tree of an expression. ``UsageError`` with the position of what cannot be read."""
    if len(text) > MOST_TEXT:
        raise UsageError(f"the expression has {len(text):,} characters", next_step=f"at most {MOST_TEXT:,} are read", field="expression")
    reader = _Reader(text)
    term = reader.alternatives()
    if reader.token.kind != "end":
        raise wrong_at(
            text, reader.token.at, f"{reader.token.text!r} does not belong here", "an operator is missing before it, or take it out"
        )
    return term


class _Reader:
    """Recursive descent; each method reads one level of precedence, the loosest first."""

    def __init__(self, text: str) -> None:
        self._text, self._tokens, self._place, self._open = text, _tokens(text), 0, 0

    @property
    def token(self) -> _Token:
        return self._tokens[self._place]

    def _next(self) -> _Token:
        token = self.token
        self._place += token.kind != "end"
        return token

    def _takes(self, *texts: str) -> _Token | None:
        token = self.token
        return self._next() if token.kind in {"sign", "word"} and token.text in texts else None

    def _must(self, text: str, what: str) -> None:
        if self._takes(text) is None:
            raise wrong_at(self._text, self.token.at, f"{what} needs {text!r}", f"write {text!r} here")

    def _made(self, op: str, at: int, *of: Term, value: Literal = None, values: tuple[Literal, ...] = ()) -> Term:
        depth = 1 + max((term.depth for term in of), default=0)
        if depth > DEEPEST:
            raise wrong_at(self._text, at, "the expression is nested too deeply", f"at most {DEEPEST} operations may hang on each other")
        return Term(op=op, at=at, of=of, value=value, values=values, depth=depth)

    def alternatives(self) -> Term:
        left = self._conjunction()
        while token := self._takes("or"):
            left = self._made("or", token.at, left, self._conjunction())
        return left

    def _conjunction(self) -> Term:
        left = self._negation()
        while token := self._takes("and"):
            left = self._made("and", token.at, left, self._negation())
        return left

    def _negation(self) -> Term:
        signs = []
        while token := self._takes("not"):
            signs.append(token.at)
        term = self._comparison()
        for at in reversed(signs):
            term = self._made("not", at, term)
        return term

    def _comparison(self) -> Term:
        left = self._sum()
        if token := self._takes(*_COMPARISONS):
            left = self._made(token.text, token.at, left, self._sum())
            if self.token.text in _COMPARISONS:
                raise wrong_at(self._text, self.token.at, "comparisons are not chained", "write a < b and b < c")
        elif token := self._takes("is"):
            negative = self._takes("not")
            self._must("null", "is")
            left = self._made("null?", token.at, left)
            left = self._made("not", token.at, left) if negative else left
        elif token := self._takes("in", "not"):
            if token.text == "not":
                self._must("in", "not")
            found = self._made("in", token.at, left, values=self._listed())
            left = self._made("not", token.at, found) if token.text == "not" else found
        return left

    def _listed(self) -> tuple[Literal, ...]:
        self._must("[", "in")
        values = [self._literal("a list")]
        while self._takes(","):
            values.append(self._literal("a list"))
        self._must("]", "the list")
        return tuple(values)

    def _literal(self, where: str) -> Literal:
        minus, token = self._takes("-"), self._next()
        if token.kind == "number":
            return -_number(token.text) if minus else _number(token.text)
        if token.kind == "text" and not minus:
            return token.text[1:-1]
        if token.text in {"true", "false"} and not minus:
            return token.text == "true"
        raise wrong_at(self._text, token.at, f"{where} takes numbers, texts in quotes, true and false", 'write ["a", "b"] or [1, 2]')

    def _sum(self) -> Term:
        left = self._product()
        while token := self._takes("+", "-"):
            left = self._made(token.text, token.at, left, self._product())
        return left

    def _product(self) -> Term:
        left = self._signed()
        while token := self._takes("*", "/", "%"):
            left = self._made(token.text, token.at, left, self._signed())
        return left

    def _signed(self) -> Term:
        signs = []
        while token := self._takes("-", "+"):
            signs.append(token)
        term = self._power()
        for token in reversed(signs):
            term = self._made("minus", token.at, term) if token.text == "-" else term
        return term

    def _power(self) -> Term:
        base = self._atom()
        if token := self._takes("**"):
            minus = self._takes("-")
            power = self._atom()
            base = self._made("**", token.at, base, self._made("minus", minus.at, power) if minus else power)
        return base

    def _atom(self) -> Term:
        token = self._next()
        if token.kind == "number":
            return self._made("literal", token.at, value=_number(token.text))
        if token.kind == "text":
            return self._made("literal", token.at, value=token.text[1:-1])
        if token.kind == "column":
            return self._made("column", token.at, value=token.text[1:-1])
        if token.text == "(":
            return self._inside(token)
        if token.kind == "word" and token.text not in _WORDS:
            return self._named(token)
        if token.text in {"true", "false", "null"}:
            return self._made("literal", token.at, value={"true": True, "false": False}.get(token.text))
        what = "the expression ends too early" if token.kind == "end" else f"{token.text!r} cannot stand here"
        raise wrong_at(self._text, token.at, what, "write a number, a column, prediction, label or a function here")

    def _inside(self, token: _Token) -> Term:
        self._open += 1
        if self._open > DEEPEST // 4:
            raise wrong_at(self._text, token.at, "too many parentheses inside each other", f"at most {DEEPEST // 4} are read")
        term = self.alternatives()
        self._must(")", "the parenthesis")
        self._open -= 1
        return term

    def _named(self, token: _Token) -> Term:
        if not (self.token.kind == "sign" and self.token.text == "("):
            return self._made(token.text, token.at) if token.text in ANSWERS else self._made("column", token.at, value=token.text)
        opening = self._next()
        if token.text == PROBABILITY:
            wanted = self._literal("probability(...)")
            self._must(")", "probability(")
            return self._made(PROBABILITY, token.at, value=wanted)
        return self._called(token, opening)

    def _called(self, token: _Token, opening: _Token) -> Term:
        if token.text not in FUNCTIONS:
            close = nearest(token.text, (*FUNCTIONS, PROBABILITY))
            step = f"did you mean {close!r}?" if close else f"use one of {', '.join((*FUNCTIONS, PROBABILITY))}"
            raise wrong_at(self._text, token.at, f"there is no function {token.text!r}", step)
        given = [self._inside_call(opening)]
        while self._takes(","):
            given.append(self._inside_call(opening))
        self._must(")", f"{token.text}(")
        least, most = FUNCTIONS[token.text]
        if not least <= len(given) <= most:
            takes = str(least) if least == most else f"{least} to {most}"
            raise wrong_at(self._text, token.at, f"{token.text} takes {takes} arguments and has {len(given)}", "correct the arguments")
        return self._made(token.text, token.at, *given)

    def _inside_call(self, opening: _Token) -> Term:
        self._open += 1
        if self._open > DEEPEST // 4:
            raise wrong_at(self._text, opening.at, "too many parentheses inside each other", f"at most {DEEPEST // 4} are read")
        term = self.alternatives()
        self._open -= 1
        return term


def _number(text: str) -> int | float:
    return int(text) if text.isdigit() and len(text) <= 15 else float(text)


def terms(term: Term) -> Iterator[Term]:
    """The term and everything below it."""
    yield term
    for part in term.of:
        yield from terms(part)


def columns_read(term: Term) -> tuple[str, ...]:
    """Names of the columns, in order of appearance, each once."""
    return tuple(dict.fromkeys(str(part.value) for part in terms(term) if part.op == "column"))
