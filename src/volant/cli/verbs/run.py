"""``volant run`` and ``volant why``."""

from typing import Any

import click

from volant.cli.blocks import Block, Cell, Hint, Table, Text, bad, dim, good, warn
from volant.cli.gatetext import gate_blocks
from volant.cli.numbers import lasting
from volant.cli.session import Answer, Session
from volant.cli.verb import names, verb
from volant.kernel.errors import EXIT_CODES, UsageError

GATE_SAID_NO = EXIT_CODES["check_failed"]


@verb("run", example="volant run --set learning_rate=0.05")
@click.option("--set", "assignments", metavar="NAME=VALUE", multiple=True, help="Set a parameter for this run only.")
@click.option("--only", metavar="STEPS", multiple=True, callback=names, help="Run these steps and what they need; register nothing.")
@click.option("--from", "from_step", metavar="STEP", help="Run this step and what depends on it anew.")
@click.option("--explain", is_flag=True, help="Say for each step why it would run; do nothing.")
def run(session: Session, assignments: tuple[str, ...], only: tuple[str, ...], from_step: str | None, *, explain: bool) -> Answer:
    """Turn the wheel once.

    The data are frozen as a version and held to their contract, the steps whose code, parameters or inputs changed run,
    the model is packaged, compared with the champion and the baselines, and registered. A passing model is proposed
    (exit code 0); one that does not pass is registered and stays where it is (exit code 3).
    """
    params = dict(_assignment(text) for text in assignments)
    from volant.wiring import commands

    with session.progress as progress:
        found = commands.run(session.project, set_params=params, only=only, from_step=from_step, explain=explain, progress=progress)
    return Answer(found, _plan(found) if explain else _blocks(found, session), _exit_code(found))


def _assignment(text: str) -> tuple[str, bool | int | float | str | None]:
    from volant.config.yaml_tree import plain

    name, sign, value = text.partition("=")
    if not sign or not name.strip().isidentifier():
        raise UsageError(f"--set takes NAME=VALUE, not {text!r}.", next_step="--set learning_rate=0.05", field="--set")
    return name.strip(), plain(value.strip())


def _exit_code(found: dict[str, Any]) -> int:
    """A gate that did not say pass is no success, whoever asks again."""
    report, state = found.get("report"), found.get("state")
    if report is None or state in {"champion", "proposed"}:
        return 0
    return 0 if report["verdict"] == "pass" else GATE_SAID_NO


def _plan(found: dict[str, Any]) -> list[Block]:
    """What would happen: nothing was done."""
    rows: list[list[Cell]] = [
        [step["step"], dim("cached") if step["cached"] else good("would run"), dim(step["detail"] or "")] for step in found["steps"]
    ]
    return [Table(["step", "", "why"], rows), Text(found.get("sentence") or "")]


def _blocks(found: dict[str, Any], session: Session) -> list[Block]:
    rows: list[list[Cell]] = [
        [step["step"], dim("cached") if step["cached"] else good("ran"), lasting(step["duration_us"]), dim(step["detail"] or "")]
        for step in found["steps"]
    ]
    blocks: list[Block] = [Table(["step", "", ">took", "why"], rows)] if rows else []
    data = found.get("data_report")
    if data is not None:
        blocks += [Text(warn(line)) for line in _data_lines(data)]
    if found.get("report") is not None:
        blocks += [Text(""), *gate_blocks(found["report"])]
    sentence = found.get("sentence") or ""
    code = _exit_code(found)
    blocks.append(Text(bad(sentence) if code else sentence))
    if found.get("version") is not None and found.get("state") in {"proposed", "registered"}:
        blocks.append(Hint(_next_command(found, session)))
    return blocks


def _next_command(found: dict[str, Any], session: Session) -> str:
    """How a person goes on; a version that is on its way already is only watched."""
    project = session.project
    if project.rollouts.on_its_way(project.name) == found["version"]:
        return "volant status"
    flags = "" if found["state"] == "proposed" else " --override"
    return f'volant approve {project.name}@{found["version"]}{flags} --reason "..."'


def _data_lines(report: dict[str, Any]) -> list[str]:
    broken = [result for result in report.get("results", ()) if result["status"] == "broken"]
    return [f"data: {result['sentence']}" for result in broken] + [f"data: {note}" for note in report.get("notes", ())]


@verb("why", example="volant why features")
@click.argument("step")
def why(session: Session, step: str) -> Answer:
    """Whether STEP would run again, and which part of its identity changed.

    Code counts by its syntax tree (comments and layout do not), with everything project-local it imports, the versions
    of the packages it uses, its parameters and the content of its inputs.
    """
    from volant.wiring import commands

    found = commands.why(session.project, step)
    rows: list[list[Cell]] = [[change["component"], str(change["before"]), str(change["after"])] for change in found["changes"]]
    said = f"{step} would come from the cache." if found["cached"] else f"{step} would run."
    blocks: list[Block] = [Text(said)]
    if rows:
        blocks.append(Table(["changed", "before", "now"], rows))
    return Answer(found, blocks)
