"""``volant data``."""

from typing import Any

import click

from volant.cli.blocks import Block, Cell, Table, Text, bad, dim, good, strong, warn
from volant.cli.numbers import counted, moment, number
from volant.cli.session import Answer, Session
from volant.cli.verb import verb
from volant.kernel.errors import EXIT_CODES


@verb("validate", example="volant data validate --data new.csv")
@click.option("--data", metavar="FILE", help="Another file than data.source.")
def validate(session: Session, data: str | None) -> Answer:
    """Hold the data to contract.odcs.yaml: every rule, how many rows break it, and which.

    Exit code 3 if a rule that stops a run is broken.
    """
    from volant.wiring import commands

    found = commands.validate(session.project, data)
    report = found["report"]
    broken = [r for r in report["results"] if r["status"] == "broken"]
    stops = any(r["severity"] == "block" for r in broken)
    return Answer(found, _report(report, broken), EXIT_CODES["check_failed"] if stops else 0)


def _report(report: dict[str, Any], broken: list[dict[str, Any]]) -> list[Block]:
    held = sum(r["status"] == "held" for r in report["results"])
    head = f"{report['dataset']}: {counted(report['rows'], 'row')}, {held} of {len(report['results'])} rules held"
    blocks: list[Block] = [Text(good(head) if not broken else head)]
    for result in sorted(broken, key=lambda r: r["severity"] == "warn"):
        mark = bad if result["severity"] == "block" else warn
        blocks.append(Text(mark(f"[{result['severity']}] {result['sentence']}")))
        blocks += [Text(f"    {_example(e)}") for e in result["examples"][:5]]
        if result["proposal"]:
            blocks.append(Text(dim(f"    to accept: {result['proposal']}")))
    blocks += [Text(dim(f"[not checked] {r['sentence']}")) for r in report["results"] if r["status"] == "not checked"]
    return [*blocks, *(Text(dim(f"note: {note}")) for note in report["notes"])]


def _example(example: dict[str, Any]) -> str:
    line = f" (line {example['line']})" if example.get("line") is not None else ""
    key = f", key {example['key']}" if example.get("key") else ""
    value = "missing" if example["value"] is None else repr(example["value"])
    return f"row {example['row']}{line}{key}: {value}"


@verb("profile", example="volant data profile --version 1")
@click.option("--version", type=click.IntRange(1), metavar="N", help="Dataset version (default: the newest).")
def profile(session: Session, version: int | None) -> Answer:
    """What each column looks like: type, missing, distinct, range, mean."""
    from volant.wiring import commands

    found = commands.profile(session.project, version)
    shown = found["profile"]
    rows: list[list[Cell]] = [_column(column) for column in shown["columns"]]
    notes = [*shown["warnings"], *(f"{c['name']}: {text}" for c in shown["columns"] for text in c["warnings"])]
    table = Table(["column", "type", ">missing", ">distinct", ">min", ">median", ">mean", ">max", "most frequent"], rows)
    return Answer(found, [Text(counted(shown["rows"], "row")), table, *(Text(warn(note)) for note in notes)])


def _column(column: dict[str, Any]) -> list[Cell]:
    missing = number(column["missing"])
    frequent = ", ".join(f"{item['value']}" for item in column["frequent"][:3])
    return [
        strong(column["name"]),
        column["dtype"],
        warn(missing) if column["missing"] else missing,
        number(column["distinct"]),
        number(column["minimum"]),
        number(column["quantiles"].get("0.5")),
        number(column["mean"]),
        number(column["maximum"]),
        dim(frequent),
    ]


@verb("log", example="volant data log")
def log(session: Session) -> Answer:
    """Versions of the dataset, newest first."""
    from volant.wiring import commands

    found = commands.datasets(session.project)
    rows: list[list[Cell]] = [
        [
            strong(f"{v['dataset']}@{v['number']}"),
            number(v["rows"]),
            v["origin"],
            "-" if v["base"] is None else f"@{v['base']}",
            moment(v["recorded_at"]),
            dim(v["digest"][:16]),
            dim("; ".join(v["notes"])),
        ]
        for v in found
    ]
    headings = ["version", ">rows", "from", "base", "frozen", "digest", "notes"]
    return Answer({"versions": found}, [Table(headings, rows, "no versions: volant run")])
