"""Decisions as the command line shows them."""

from typing import Any

from volant.cli.blocks import Block, Cell, Table, Text, bad, dim, strong
from volant.kernel.clock import iso

Json = dict[str, Any]
_SHOWN = 5


def when(at: int) -> str:
    """To the second: decisions of one rollout may follow each other fast."""
    return iso(at)[:19].replace("T", " ")


def lived_blocks(found: Json) -> list[Block]:
    """Each decision with whether it comes out as it was, then what differs."""
    rows: list[list[Cell]] = [
        [when(line["at"]), strong(line["action"].replace("_", " ")), _outcome(line), line["sentence"]] for line in found["decisions"]
    ]
    blocks: list[Block] = [Table(["when", "decision", "once more", "why"], rows)] if rows else [Text(dim("nothing was decided yet"))]
    for line in found["decisions"]:
        blocks += _differences(line)
    for missed in found["overlooked"]:
        blocks.append(Text(bad(f"{when(missed['at'])}: {missed['action']} was due and not decided: {missed['sentence']}")))
    return [*blocks, Text(strong(found["sentence"]))]


def _outcome(line: Json) -> Cell:
    if not line["checked"]:
        return dim("not checked")
    return "same" if line["same"] else bad("differs")


def _differences(line: Json) -> list[Block]:
    found = line["differences"]
    if not found:
        return [] if line["checked"] else [Text(dim(f"{when(line['at'])} {line['action']}: {line['note']}"))]
    places = {"stored": "on what was kept", "log": "on the log"}
    blocks: list[Block] = [Text(bad(f"{when(line['at'])} {line['action']} comes out otherwise:"))]
    blocks += [Text(f"    {part['figure']}: then {part['then']}, now {part['now']} ({places[part['where']]})") for part in found[:_SHOWN]]
    if len(found) > _SHOWN:
        blocks.append(Text(dim(f"    and {len(found) - _SHOWN} more figures (--json)")))
    return blocks
