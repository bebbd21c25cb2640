"""Blocks as aligned text, with or without colours. No width is assumed: pipes and files have none."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import assert_never

from volant.cli.blocks import Block, Cell, Facts, Hint, Mark, Style, Table, Text, Tree, text_of

_CODES = {Style.GOOD: "32", Style.BAD: "31", Style.WARN: "33", Style.DIM: "2", Style.STRONG: "1"}

Paint = Callable[[Cell], str]


def colourless(cell: Cell) -> str:
    """Only the text."""
    return text_of(cell)


def coloured(cell: Cell) -> str:
    """With the escape codes of terminals."""
    return f"\x1b[{_CODES[cell.style]}m{cell.text}\x1b[0m" if isinstance(cell, Mark) else cell


def render(blocks: Sequence[Block], paint: Paint = colourless) -> str:
    """All blocks, each ending its last line."""
    return "".join(f"{line}\n" for block in blocks for line in lines(block, paint))


def lines(block: Block, paint: Paint = colourless) -> Iterator[str]:
    """One block, line by line. Control characters of foreign texts are shown, not sent."""
    match block:
        case Text():
            yield from paint(_clean(block.text, keep="\n")).split("\n")
        case Facts():
            width = max((columns(name) for name, _ in block.rows), default=0)
            for name, value in block.rows:
                yield f"{paint(Mark(name, Style.DIM))}{' ' * (width - columns(name) + 2)}{paint(_clean(value))}".rstrip()
        case Table():
            yield from _table(block, paint)
        case Tree():
            yield paint(_clean(block.text))
            yield from _below(block.below, "", paint)
        case Hint():
            yield f"{paint(Mark('next:', Style.DIM))} {paint(_clean(block.text))}"
        case _:
            assert_never(block)


def _table(table: Table, paint: Paint) -> Iterator[str]:
    if not table.rows:
        yield paint(Mark(table.empty, Style.DIM))
        return
    rows = [[_clean(cell) for cell in row] for row in table.rows]
    names = [heading.lstrip(">") for heading in table.headings]
    widths = [max(columns(name), *(columns(text_of(row[i])) for row in rows)) for i, name in enumerate(names)]
    right = [heading.startswith(">") for heading in table.headings]
    head: list[Cell] = [Mark(name.upper(), Style.DIM) for name in names]
    for row in [head, *rows]:
        cells = [_padded(cell, width, right=side, paint=paint) for cell, width, side in zip(row, widths, right, strict=True)]
        yield "  ".join(cells).rstrip()


def _padded(cell: Cell, width: int, *, right: bool, paint: Paint) -> str:
    space = " " * (width - columns(text_of(cell)))
    return f"{space}{paint(cell)}" if right else f"{paint(cell)}{space}"


def _below(trees: Sequence[Tree], indent: str, paint: Paint) -> Iterator[str]:
    for position, tree in enumerate(trees):
        last = position == len(trees) - 1
        yield f"{indent}{'└─ ' if last else '├─ '}{paint(_clean(tree.text))}"
        yield from _below(tree.below, f"{indent}{'   ' if last else '│  '}", paint)


def _clean(cell: Cell, keep: str = "") -> Cell:
    text = "".join(c if c.isprintable() or c in keep else f"\\x{ord(c):02x}" for c in text_of(cell))
    return Mark(text, cell.style) if isinstance(cell, Mark) else text


def columns(text: str) -> int:
    """How wide a text is in a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
