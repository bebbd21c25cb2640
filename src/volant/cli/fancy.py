"""Blocks on a terminal: tables fold to its width. Imported only when somebody is looking."""

from collections.abc import Sequence
from typing import IO

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text as RichText

from volant.cli.blocks import Block, Cell, Mark, Style, Table, text_of
from volant.cli.plain import coloured, colourless, render

_STYLES = {Style.GOOD: "green", Style.BAD: "bold red", Style.WARN: "yellow", Style.DIM: "dim", Style.STRONG: "bold"}


def show(blocks: Sequence[Block], out: IO[str], *, colour: bool) -> None:
    """Write all blocks."""
    console = Console(file=out, no_color=not colour, highlight=False, soft_wrap=False)
    for block in blocks:
        if isinstance(block, Table) and block.rows:
            console.print(_table(block))
        else:
            out.write(render([block], coloured if colour else colourless))


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
