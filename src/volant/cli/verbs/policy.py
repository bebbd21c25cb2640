"""``volant retrain`` and ``volant policy``."""

from typing import Any

import click

from volant.cli.blocks import Block, Hint, Table, Text, bad, dim, strong, warn
from volant.cli.gatetext import gate_blocks
from volant.cli.session import Answer, Session
from volant.cli.verb import verb
from volant.cli.verbs.decided import decision_blocks, decision_list
from volant.kernel.clock import format_duration, iso
from volant.kernel.errors import UsageError

GATE_SAID_NO = 3
_REASON = click.option("--reason", metavar="TEXT", help="Why; it is kept with the decision.")
_ACTOR = click.option("--as", "actor", metavar="NAME", help="Who decides (default: the user of this machine).")


@verb("retrain", example='volant retrain --reason "new tariff since monday"')
@click.option("--dry-run", is_flag=True, help="Say what the policy would do now, and why; do nothing.")
@_REASON
@_ACTOR
def retrain(session: Session, reason: str | None, actor: str | None, *, dry_run: bool) -> Answer:
    """Turn the wheel now, as the automation would: the decision, its reason and what came of it are kept.

    With --dry-run, the decision core says what it would do on the evidence of now.
    """
    from volant.wiring import commands

    if not dry_run and not (reason or "").strip():
        raise UsageError("A retrain needs a reason.", next_step='volant retrain --reason "..."   (or --dry-run)', field="--reason")
    with session.progress as progress:
        found = commands.retrain(session.project, reason=reason or "", actor=actor or session.actor, dry_run=dry_run, progress=progress)
    blocks: list[Block] = [Table(["decision", "why"], [[strong(line["action"]), line["sentence"]] for line in found["decisions"]])]
    if dry_run:
        return Answer(found, blocks)
    return Answer(found, [*blocks, *_outcome(found)], _exit_code(found))


def _outcome(found: dict[str, Any]) -> list[Block]:
    run, end = found["run"], found["end"]
    if run is None:
        return [Text(bad(f"the training failed: {end['error']}"))] if end and end["error"] else []
    report: list[Block] = gate_blocks(run["report"]) if run["report"] is not None else []
    return [*report, Text(run["sentence"])]


def _exit_code(found: dict[str, Any]) -> int:
    run, end = found["run"], found["end"]
    if end is not None and end["error"]:
        return 1
    if run is None or run["report"] is None or run["state"] in {"champion", "proposed"}:
        return 0
    return 0 if run["report"]["verdict"] == "pass" else GATE_SAID_NO


@verb("show", example="volant policy show")
def show(session: Session) -> Answer:
    """The policy as volant.yaml says it, whether it is paused, and the last decisions with their reasons."""
    from volant.wiring import commands

    found = commands.policy(session.project)
    said = ", ".join(_trigger(trigger) for trigger in found["retrain"]["when"]) or "never by itself"
    blocks: list[Block] = [Text(f"retrains   {said}"), Text(f"autonomy   {found['autonomy']}")]
    if found["paused"] is not None:
        blocks.append(Text(warn(f"paused     {found['paused']}")))
    rows = [[iso(line["at"])[:16].replace("T", " "), strong(line["action"]), line["sentence"]] for line in found["decisions"]]
    blocks += [Text(""), Table(["when", "decision", "why"], rows)] if rows else [Text(dim("nothing was decided yet"))]
    return Answer(found, [*blocks, Hint("volant retrain --dry-run")])


def _trigger(trigger: dict[str, Any]) -> str:
    if trigger["kind"] == "clock":
        return f"every {format_duration(trigger['every_us'])}"
    if trigger["kind"] == "new_labels":
        return f"after {trigger['labels']:,} new labels"
    return {
        "performance": "when performance is worse",
        "estimated_performance": "when estimated performance is worse",
        "data": "when the source holds new data",
        "drift": "when live rows or answers drift",
    }[trigger["kind"]]


@verb("decisions", example="volant policy decisions 0197a3")
@click.argument("decision", metavar="[DECISION]", required=False)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many of the newest.")
def decisions(session: Session, decision: str | None, limit: int) -> Answer:
    """Decisions of the loop and of rollouts, newest first, each in one sentence.

    With the beginning of an id: that decision with everything it was made from (all of it with --json).
    """
    from volant.wiring import commands

    if decision is not None:
        one = commands.decision(session.project, decision)
        return Answer(one, decision_blocks(one))
    found = commands.decisions(session.project, limit=limit)
    hint = "volant policy decisions ID shows what one was made from; volant replay --lived makes them all once more"
    return Answer({"decisions": found}, [*decision_list(found), Hint(hint)])


@verb("pause", example='volant policy pause --reason "labels are being repaired"')
@_REASON
@_ACTOR
def pause(session: Session, reason: str | None, actor: str | None) -> Answer:
    """No automatic decision from now on: nothing is retrained or released until somebody resumes it."""
    from volant.wiring import commands

    found = commands.pause(session.project, reason=_given(reason), actor=actor or session.actor)
    return Answer(found, [Text(found["sentence"]), Hint('volant policy resume --reason "..."')])


@verb("resume", example='volant policy resume --reason "labels are right again"')
@_REASON
@_ACTOR
def resume(session: Session, reason: str | None, actor: str | None) -> Answer:
    """Automatic decisions again."""
    from volant.wiring import commands

    found = commands.resume(session.project, reason=_given(reason), actor=actor or session.actor)
    return Answer(found, [Text(found["sentence"])])


def _given(reason: str | None) -> str:
    if not (reason or "").strip():
        raise UsageError("A reason is needed.", next_step='say why: --reason "..."', field="--reason")
    assert reason is not None
    return reason.strip()
