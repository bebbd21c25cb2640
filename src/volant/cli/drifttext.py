"""Drift as ``volant monitor`` prints it."""

from typing import Any

from volant.cli.blocks import Block, Cell, Table, Text, dim, warn
from volant.cli.numbers import moment, number

Json = dict[str, Any]
_SHOWN = 12


def drift_blocks(drift: Json | None) -> list[Block]:
    """A table of columns, those that moved first; nothing where nothing was compared yet."""
    if drift is None or not drift["strip"]:
        return []
    judged = [column for column in drift["columns"] if column["left_out"] is None or column["drifting"]]
    rows = [_row(column) for column in judged[: max(_SHOWN, len(drift["drifting"]))]]
    blocks: list[Block] = [
        Table(("column", ">effect", "95 %", ">tolerance", ">importance", "since", ""), rows, empty="no column can be compared")
    ]
    hidden, left = len(judged) - len(rows), [column for column in drift["columns"] if column["left_out"] is not None]
    if hidden:
        blocks.append(Text(dim(f"and {hidden} more columns that have not moved")))
    if left:
        names = ", ".join(f"{column['name']} ({column['left_out']})" for column in left[:3])
        blocks.append(Text(dim(f"not compared: {names}" + (f" and {len(left) - 3} more" if len(left) > 3 else ""))))
    return blocks


def _row(column: Json) -> list[Cell]:
    span = f"[{number(column['low'])}, {number(column['high'])}]"
    if not column["drifting"]:
        return [column["name"], number(column["effect"]), span, number(column["tolerance"]), _importance(column), "", dim("has not moved")]
    return [
        warn(column["name"]),
        warn(number(column["effect"])),
        span,
        number(column["tolerance"]),
        _importance(column),
        "" if column["since_us"] is None else moment(column["since_us"]),
        warn(_what(column)),
    ]


def _importance(column: Json) -> Cell:
    """How much of the champion's answers hangs on it."""
    return "-" if column["importance"] is None else f"{column['importance']:.0%}"


def _what(column: Json) -> str:
    if column["aspect"] == "missing":
        return f"missing in {column['missing_after']:.2%} of rows, before {column['missing_before']:.2%}"
    unseen = f", {column['unseen']:.1%} unseen" if column["unseen"] >= 0.001 else ""
    return f"moved{unseen}"


def drift_concerns(drift: Json | None) -> list[str]:
    """One sentence for each column that moved."""
    if drift is None:
        return []
    return [_sentence(column) for column in drift["columns"] if column["drifting"]]


def _sentence(column: Json) -> str:
    span = f"{number(column['effect'])} [{number(column['low'])}, {number(column['high'])}] since {moment(column['since_us'])}"
    if column["aspect"] == "missing":
        return f"{column['name']} is {_what(column)}: effect {span}"
    return f"{column['name']} has moved away from what the champion learned: effect {span}, tolerance {number(column['tolerance'])}"
