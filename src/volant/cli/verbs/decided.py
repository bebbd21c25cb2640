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


def decision_list(found: list[Json]) -> list[Block]:
    """One line each."""
    rows: list[list[Cell]] = [
        [when(line["at"]), dim(line["id"]), strong(line["action"].replace("_", " ")), line["sentence"]] for line in found
    ]
    return [Table(["when", "id", "decision", "why"], rows)] if rows else [Text(dim("nothing was decided yet"))]


def decision_blocks(line: Json) -> list[Block]:
    """One decision and the figures it rests on."""
    blocks: list[Block] = [
        Text(strong(line["sentence"])),
        Text(f"{line['action'].replace('_', ' ')} at {when(line['at'])} by {line['by']}"),
    ]
    made_from = line["made_from"]
    if made_from is None:
        return [*blocks, Text(dim("it was made before grounds were kept with decisions"))]
    rows: list[list[Cell]] = [[name, value] for name, value in _figures(made_from)]
    return [*blocks, Table(["what was known", ""], rows)]


def _figures(made_from: Json) -> list[tuple[str, str]]:
    """The plain figures; lists only say how many they hold."""
    parts = {name: made_from[name] for name in ("state", "evidence", "seen", "counts") if name in made_from}
    return [(name, value) for part, values in parts.items() for name, value in _flat(part, values)]


def _flat(path: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [line for name, part in value.items() for line in _flat(f"{path}.{name}", part)]
    if isinstance(value, list):
        return [(path, f"{len(value)} ({_length(value)})")] if value else []
    return [] if value is None else [(path, str(value))]


def _length(value: list[Any]) -> str:
    shown = ", ".join(str(part) for part in value[:3] if not isinstance(part, dict | list))
    return shown or "see --json"
