"""``volant runs``."""

from difflib import get_close_matches
from typing import Any

import click

from volant.cli.blocks import Block, Cell, Facts, Mark, Style, Table, Text, bad, dim, good, strong
from volant.cli.numbers import lasting, moment, number
from volant.cli.session import Answer, Session
from volant.cli.verb import verb
from volant.kernel.errors import NotFoundError

_STATUS = {"FINISHED": Style.GOOD, "FAILED": Style.BAD, "KILLED": Style.BAD, "RUNNING": Style.WARN}


@verb("list", example="volant runs --by mae --limit 10")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many.")
@click.option("--by", "order_by", metavar="METRIC", help="Best first by this metric, instead of newest first.")
def list_runs(session: Session, limit: int, order_by: str | None) -> Answer:
    """Runs with their metrics and parameters, newest first."""
    from volant.config.metric_text import metric_name
    from volant.wiring import commands

    found = commands.runs(session.project, limit=limit, order_by=order_by)
    _must_know(order_by, found)
    return Answer({"runs": found}, [_table(found, order_by, metric_name(session.project.config.metric))])


def _must_know(metric: str | None, runs: list[dict[str, Any]]) -> None:
    """Runs that have the metric come first: if the first has not, none has."""
    if metric is None or not runs or metric in runs[0]["metrics"]:
        return
    known = sorted({name for entry in runs for name in entry["metrics"]})
    close = get_close_matches(metric, known, n=1)
    step = f"did you mean {close[0]}?" if close else "choose one of these"
    raise NotFoundError(f"No run has the metric {metric!r}.", found=f"metrics: {', '.join(known) or 'none'}", next_step=step, field="--by")


def _table(runs: list[dict[str, Any]], order_by: str | None, decisive: str) -> Table:
    metrics = _columns(runs, "metrics", first=order_by or decisive)
    params = _columns(runs, "params")
    rows: list[list[Cell]] = [
        [
            strong(entry["run"]["id"][:12]),
            _status(entry["run"]["status"]),
            moment(entry["run"]["started_at"]),
            _data(entry["run"]),
            *(number(entry["metrics"].get(name)) for name in metrics),
            *(entry["params"].get(name, "") for name in params),
        ]
        for entry in runs
    ]
    return Table(["run", "status", "started", "data", *(f">{m}" for m in metrics), *(f">{p}" for p in params)], rows, "no runs: volant run")


def _columns(runs: list[dict[str, Any]], kind: str, first: str | None = None, limit: int = 4) -> list[str]:
    """Names in the order in which they are met, without the baselines' (``volant runs show`` has them)."""
    names = dict.fromkeys(name for entry in runs for name in entry[kind] if name == first or not name.startswith("baseline."))
    ordered = ([first] if first in names else []) + [name for name in names if name != first]
    return [name for name in ordered if name is not None][:limit]


def _status(word: str) -> Mark:
    return Mark(word.lower(), _STATUS.get(word, Style.DIM))


def _data(run: dict[str, Any]) -> str:
    return "-" if run.get("dataset") is None else f"{run['dataset']}@{run['dataset_version']}"


@verb("show", example="volant runs show 0193ab12")
@click.argument("run")
def show(session: Session, run: str) -> Answer:
    """One run, by its id or the first 6 digits of it that are unique."""
    from volant.wiring import commands

    found = commands.run_detail(session.project, run)
    return Answer(found, _detail(found))


def _detail(found: dict[str, Any]) -> list[Block]:
    run = found["run"]
    took = "-" if run.get("ended_at") is None else lasting(run["ended_at"] - run["started_at"])
    commit = "none" if run.get("git_commit") is None else run["git_commit"][:12] + (" with changes" if run.get("git_dirty") else "")
    facts: list[tuple[str, Cell]] = [
        ("run", strong(run["id"])),
        ("status", _status(run["status"])),
        ("started", f"{moment(run['started_at'])}, took {took}"),
        ("data", _data(run)),
        ("git", commit),
        ("started by", run.get("source") or "-"),
    ]
    if run.get("error"):
        facts.append(("error", bad(run["error"].splitlines()[-1])))
    blocks: list[Block] = [Facts(facts)]
    steps: list[list[Cell]] = [
        [s["step"], dim("cached") if s["cached"] else _ran(s["status"]), lasting(s["duration_us"]), dim(s["detail"])]
        for s in found["steps"]
    ]
    if steps:
        blocks += [Text(""), Table(["step", "", ">took", "why"], steps)]
    for kind, title in (("metrics", "metric"), ("params", "parameter")):
        if found[kind]:
            blocks += [Text(""), Table([title, ">value"], [[name, number(value)] for name, value in found[kind].items()])]
    if found["artifacts"]:
        rows: list[list[Cell]] = [[a["path"], f"{a['size_bytes']:,}", dim(a["digest"][:16])] for a in found["artifacts"]]
        blocks += [Text(""), Table(["artifact", ">bytes", "digest"], rows)]
    return blocks


def _ran(status: str) -> Mark:
    return good("ran") if status == "FINISHED" else bad(status.lower())
