"""``volant suite``: tests of the champion that run again and again."""

from typing import Any

import click

from volant.cli.blocks import Block, Hint, Table, Text, bad, dim, good, strong, warn
from volant.cli.gatetext import verdict
from volant.cli.numbers import counted
from volant.cli.session import Answer, Session
from volant.cli.verb import verb
from volant.kernel.clock import format_duration, iso
from volant.kernel.errors import EXIT_CODES

Json = dict[str, Any]


@verb("run", example="volant suite run nightly")
@click.argument("name")
def run(session: Session, name: str) -> Answer:
    """Test the champion now as a suite of volant.yaml says, on the newest labelled rows.

    Exit code 3 if a check fails. What failed is an alert until the suite finds it in order again.
    """
    from volant.wiring import suites

    with session.progress as progress:
        found = suites.run(session.project, name, actor=session.actor, progress=progress)
    failed = found["verdict"] == "fail"
    return Answer(found, _report(found), EXIT_CODES["check_failed"] if failed else 0)


@verb("show", example="volant suite show nightly")
@click.argument("name", required=False)
def show(session: Session, name: str | None) -> Answer:
    """What each suite found last, and when it runs next; with a name every line of its newest report."""
    from volant.wiring import suites

    found = suites.suites(session.project, name)
    if not found["suites"]:
        hint = Hint("add suites: {nightly: {every: 1d, checks: [contract, floors, drift]}} to volant.yaml")
        return Answer(found, [Text("volant.yaml names no suites."), hint])
    if name is None:
        return Answer(found, [_table(found["suites"])])
    suite = found["suites"][0]
    newest = [Text(dim("no report yet"))] if suite["newest"] is None else _report(suite["newest"])
    return Answer(found, [_table([suite]), *newest])


def _table(suites: list[Json]) -> Block:
    headings = ["suite", "every", "checks", "last run", "", "next"]
    return Table(headings, [_row(suite) for suite in suites])


def _row(suite: Json) -> list[Any]:
    last = suite["runs"][0] if suite["runs"] else None
    following = "when a server looks" if suite["next_at"] is None else _when(suite["next_at"])
    return [
        strong(suite["name"]),
        format_duration(suite["every_us"]),
        ", ".join(suite["checks"]),
        "never" if last is None else _when(last["began_at"]),
        "" if last is None else _outcome(last),
        dim(following),
    ]


def _outcome(run: Json) -> Any:
    if run["verdict"] is not None:
        return verdict(run["verdict"])
    return warn("did not end") if run["error"] is None else bad("ERROR")


def _when(at: int) -> str:
    return iso(at)[:16].replace("T", " ") + "Z"


def _report(run: Json) -> list[Block]:
    report = run["report"]
    if report is None:
        return [Text(bad(run["error"] or "the run did not end"))]
    version = f"{report['model']}@{report['version']}"
    data = f"data {report['dataset']}@{report['dataset_version']}, {counted(report['rows'], 'labelled row')} that it did not learn from"
    rows = [[verdict(line["verdict"]), line["check"], line["title"], counted(line["rows"], "row")] for line in report["lines"]]
    blocks: list[Block] = [Text(strong(f"{report['suite']} on {version}")), Text(dim(data)), Table(["", "check", "what", ">on"], rows)]
    blocks += [Text(dim(f"  {line['sentence']}")) for line in report["lines"] if line["verdict"] != "pass"]
    return [*blocks, Text(_conclusion(run))]


def _conclusion(run: Json) -> Any:
    if run["verdict"] == "fail":
        return bad(f"suite: FAILED ({run['failed']} of {run['lines']})")
    if run["verdict"] == "pass":
        return good(f"suite: passed ({counted(run['lines'], 'check')})")
    return warn("suite: nothing could be said yet")
