"""``volant lineage``."""

import re
from typing import Any

import click

from volant.cli.blocks import Block, Cell, Facts, Mark, Style, Text, Tree, dim, strong
from volant.cli.numbers import lasting, moment, number
from volant.cli.session import Answer, Session
from volant.cli.verb import verb

_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*Z")
_INSTANTS = {"at", "event_time", "known_at", "recorded_at"}


@verb("lineage", example="volant lineage @champion")
@click.argument("node")
def lineage(session: Session, node: str) -> Answer:
    """What something was made of, and what was made of it.

    NODE is a prediction id, NAME@VERSION or @champion, a run id, or dataset:NAME@VERSION.
    """
    from volant.wiring import commands

    found = commands.lineage(session.project, node)
    return Answer(found, _blocks(found))


def _blocks(found: dict[str, Any]) -> list[Block]:
    blocks: list[Block] = [Tree(strong(found["node"]), [_tree(branch, "from") for branch in found["from"]])]
    prediction = found.get("prediction")
    if prediction is not None:
        blocks.insert(0, Facts(_facts(prediction)))
    facts = found.get("facts")
    if facts:
        blocks.insert(0, Facts(_facts(facts)))
    blocks += [
        Text(f"{moment(release['at'])}  {release['kind']} by {release['by']}  {release.get('reason') or ''}".rstrip())
        for release in found.get("releases") or []
    ]
    if found["used_for"]:
        blocks += [Text(""), Tree(dim("used for"), [_tree(branch, "used_for") for branch in found["used_for"]])]
    return blocks


def _facts(values: dict[str, Any]) -> list[tuple[str, Cell]]:
    """Values that are there; features last, labels one by one."""
    rows: list[tuple[str, Cell]] = []
    for key, value in values.items():
        if key == "labels":
            rows += [("label", _label(label)) for label in value]
        elif value is not None:
            rows.append((key.removeprefix("f:").removesuffix("_us"), _fact(key, value)))
    return rows


def _fact(key: str, value: Any) -> str:
    """Instants and durations are whole microseconds."""
    if isinstance(value, int) and key in _INSTANTS:
        return moment(value)
    return lasting(value) if isinstance(value, int) and key.endswith("_us") else _short(value)


def _label(label: dict[str, Any]) -> str:
    return f"{_short(label['value'])}, known {moment(label['known_at'])}, recorded {moment(label['recorded_at'])} from {label['source']}"


def _tree(branch: dict[str, Any], side: str) -> Tree:
    facts = branch.get("facts") or {}
    said = ", ".join(f"{key} {_short(value)}" for key, value in facts.items() if key not in {"digest", "package"})
    below = [_tree(further, side) for further in branch.get(side) or []]
    releases = [
        Tree(Mark(f"{r['kind']} by {r['by']}, {moment(r['at'])}" + (f": {r['reason']}" if r.get("reason") else ""), Style.DIM))
        for r in branch.get("releases") or []
    ]
    return Tree(f"{branch['role']}: {_name(branch['node'], branch['role'])}" + (f"  ({said})" if said else ""), [*releases, *below])


def _name(node: str, role: str) -> str:
    """Digests are cut: the first 16 digits name them well enough for people. A noun is not said twice."""
    noun, _, name = node.partition(":")
    if noun == role.partition(" ")[0]:
        return f"{name[:16]}..." if len(name) == 64 and "@" not in name else name
    return f"{noun}:{name[:16]}..." if len(name) == 64 and "@" not in name else node


def _short(value: Any) -> str:
    if isinstance(value, str) and _ISO.fullmatch(value):
        return moment(value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={_short(member)}" for key, member in value.items())
    if isinstance(value, list):
        return ", ".join(_short(member) for member in value[:10])
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
