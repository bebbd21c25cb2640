"""What commands print, as values: a renderer for terminals and one for everything else draw the same."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple


class Style(StrEnum):
    """What a text means; a renderer picks the colour."""

    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    DIM = "dim"
    STRONG = "strong"


class Mark(NamedTuple):
    """A text with a meaning."""

    text: str
    style: Style


Cell = str | Mark


class Text(NamedTuple):
    """Lines as they are."""

    text: Cell


class Facts(NamedTuple):
    """Names with values, aligned."""

    rows: Sequence[tuple[str, Cell]]


class Table(NamedTuple):
    """Rows under headings; a heading that begins with ``>`` is of a column of numbers."""

    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    empty: str = "nothing yet"


class Tree(NamedTuple):
    """A text with what hangs below it."""

    text: Cell
    below: "Sequence[Tree]" = ()


class Hint(NamedTuple):
    """What to do next."""

    text: str


Block = Text | Facts | Table | Tree | Hint


def good(text: str) -> Mark:
    """As it should be."""
    return Mark(text, Style.GOOD)


def bad(text: str) -> Mark:
    """Wrong."""
    return Mark(text, Style.BAD)


def warn(text: str) -> Mark:
    """To be looked at."""
    return Mark(text, Style.WARN)


def dim(text: str) -> Mark:
    """Beside the point."""
    return Mark(text, Style.DIM)


def strong(text: str) -> Mark:
    """The point."""
    return Mark(text, Style.STRONG)


def text_of(cell: Cell) -> str:
    """Without its meaning."""
    return cell if isinstance(cell, str) else cell.text
