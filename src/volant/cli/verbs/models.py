"""``volant models``."""

from typing import Any

import click

from volant.cli.blocks import Block, Cell, Facts, Mark, Style, Table, Text, dim, strong
from volant.cli.gatetext import gate_blocks, verdict
from volant.cli.numbers import interval, listed, moment, number, signed
from volant.cli.session import Answer, Session
from volant.cli.verb import verb

_STATES = {"champion": Style.GOOD, "proposed": Style.WARN, "rejected": Style.BAD}


@verb("list", example="volant models")
def list_models(session: Session) -> Answer:
    """Versions of the project's model, newest first."""
    from volant.config.metric_text import metric_name
    from volant.wiring import commands

    found = commands.models(session.project)
    metric = metric_name(session.project.config.metric)
    rows = [_line(found["model"], version, metric) for version in found["versions"]]
    headings = ["version", "state", "gate", "against champion", f">{metric}", "data", "run", "registered"]
    return Answer(found, [Table(headings, rows, "no versions: volant run")])


def state_mark(word: str) -> Mark:
    """A version's standing."""
    return Mark(word, _STATES.get(word, Style.DIM))


def _line(model: str, version: dict[str, Any], metric: str) -> list[Cell]:
    return [
        strong(f"{model}@{version['version']}"),
        state_mark(version["state"]),
        dim("-") if version["gate"] is None else verdict(version["gate"]),
        _against(version["against_champion"]),
        number(version["metrics"].get(metric)),
        f"@{version['dataset_version']}",
        dim(version["run_id"][:12]),
        dim(moment(version["registered"])),
    ]


def _against(found: dict[str, Any] | None) -> str:
    if found is None:
        return "-"
    return f"{signed(found['difference'])} {interval(found['low'], found['high'])}".rstrip()


@verb("show", example="volant models show bikes@2")
@click.argument("model")
def show(session: Session, model: str) -> Answer:
    """One version as a decision sheet: gate, where it comes from, and what was decided about it.

    MODEL is NAME@VERSION, a version, @champion or latest.
    """
    from volant.wiring import commands

    project = session.project
    found = commands.version_detail(project, project.registry.resolve(project.name, model).number)
    return Answer(found, _detail(project.name, found))


def _detail(model: str, found: dict[str, Any]) -> list[Block]:
    facts: list[tuple[str, Cell]] = [
        ("version", strong(f"{model}@{found['version']}")),
        ("state", state_mark(found["state"])),
        ("metrics", listed(found["metrics"], 8)),
        (
            "trained on",
            f"{number(found['trained_rows'])} rows of {model}@{found['dataset_version']}, known until {moment(found['trained_until'])}",
        ),
        ("run", found["run_id"]),
        ("package", dim(found["package"])),
        ("registered", moment(found["registered"])),
    ]
    blocks: list[Block] = [Facts(facts)]
    if found["report"] is not None:
        blocks += [Text(""), *gate_blocks(found["report"])]
    if found["history"]:
        rows: list[list[Cell]] = [[moment(e["at"]), e["kind"], e["by"], dim(_reason(e["data"]))] for e in found["history"]]
        blocks += [Text(""), Table(["when", "what", "by", "why"], rows)]
    return blocks


def _reason(data: str | dict[str, Any]) -> str:
    import orjson

    parsed = orjson.loads(data) if isinstance(data, str) else data
    words = [str(parsed["reason"])] if parsed.get("reason") else []
    return "; ".join([*words, *(["override of the gate"] if parsed.get("override") else [])])
