"""Blocks on a terminal: tables fold to its width. Imported only when somebody is looking."""

from collections.abc import Sequence
from typing import IO

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text as RichText

from volant.cli.blocks import Block, Cell, Mark, Style, Table, Text, text_of
from volant.cli.plain import coloured, colourless, columns, render

_STYLES = {Style.GOOD: "green", Style.BAD: "bold red", Style.WARN: "yellow", Style.DIM: "dim", Style.STRONG: "bold"}
_FEWEST, _GAP, _READABLE = 3, 2, 12


def show(blocks: Sequence[Block], out: IO[str], *, colour: bool) -> None:
    """Write all blocks."""
    console = Console(file=out, color_system="auto" if colour else None, highlight=False, soft_wrap=False)
    for block in blocks:
        if isinstance(block, Table) and block.rows:
            shown, left_out = _fitting(block, console.width)
            console.print(_table(shown))
            if left_out:
                note = f"no room for {', '.join(left_out)}: a wider terminal or --json shows them"
                out.write(render([Text(Mark(note, Style.DIM))], coloured if colour else colourless))
        else:
            out.write(render([block], coloured if colour else colourless))


def _fitting(block: Table, width: int) -> tuple[Table, list[str]]:
    """As many of the first columns as can be read at this width, and the names of the rest."""
    needed = [_least(block, i) for i in range(len(block.headings))]
    keep = len(needed)
    while keep > _FEWEST and sum(needed[:keep]) + _GAP * (keep - 1) > width:
        keep -= 1
    left_out = [heading.lstrip(">") for heading in block.headings[keep:]]
    return Table(block.headings[:keep], [row[:keep] for row in block.rows], block.empty), left_out


def _least(block: Table, index: int) -> int:
    """The width below which a column cannot be read: numbers whole, texts by their words up to a point."""
    heading, cells = block.headings[index], [text_of(row[index]) for row in block.rows]
    if heading.startswith(">"):
        return max(columns(text) for text in (heading[1:], *cells))
    words = [word for text in (heading, *cells) for word in text.split()]
    return min(max((columns(word) for word in words), default=0), _READABLE)


def _table(block: Table) -> RichTable:
    table = RichTable(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in block.headings:
        number = heading.startswith(">")
        table.add_column(heading.lstrip(">").upper(), justify="right" if number else "left", no_wrap=number, overflow="fold")
    for row in block.rows:
        table.add_row(*(_cell(cell) for cell in row))
    return table


def _cell(cell: Cell) -> RichText:
    text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text_of(cell))
    return RichText(text, style=_STYLES[cell.style] if isinstance(cell, Mark) else "")
