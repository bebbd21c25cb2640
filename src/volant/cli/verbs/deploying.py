"""``volant deploy``, ``volant promote`` and ``volant rollback``."""

from typing import Any

import click

from volant.cli.blocks import Block, Facts, Hint, Text, warn
from volant.cli.numbers import counted
from volant.cli.session import Answer, Session
from volant.cli.verb import verb
from volant.kernel.errors import EXIT_CODES, UsageError

WAITS = EXIT_CODES["approval_needed"]


def _said(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """A reason of blanks is none."""
    if value is not None and not value.strip():
        raise UsageError("--reason is empty.", next_step='say why: --reason "errors on holidays"', field="--reason")
    return value


def _share(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    """``10%`` or ``0.1``."""
    if value is None:
        return None
    try:
        share = float(value[:-1]) / 100 if value.endswith("%") else float(value)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise UsageError("--canary is a share above 0% and below 100%.", found=value[:40], next_step="write --canary 10%", field="--canary")
    return share


_ACTOR = click.option("--as", "actor", metavar="NAME", help="Who decides (default: the user of this machine).")
_WHY = click.option("--reason", required=True, metavar="TEXT", callback=_said, help="Why; it is kept with the decision.")
_OVERRIDE = click.option("--override", is_flag=True, help="Although the gate did not pass; recorded as an override.")


@verb("deploy", example='volant deploy bikes@3\nvolant deploy bikes@3 --canary 10% --reason "checked the holidays"')
@click.argument("model")
@click.option("--shadow", is_flag=True, help="Score in the champion's shadow only, then wait.")
@click.option("--canary", metavar="SHARE", callback=_share, help="Answer this share of the requests, then wait.")
@click.option("--reason", metavar="TEXT", callback=_said, help="Approve its live rows, and say why.")
@_OVERRIDE
@_ACTOR
def deploy(
    session: Session, model: str, canary: float | None, reason: str | None, actor: str | None, *, shadow: bool, override: bool
) -> Answer:
    """Send a version into traffic step by step, as release.steps in volant.yaml say.

    MODEL is NAME@VERSION, a version or latest. Under autonomy: propose the first live row waits for an approval, unless a
    reason is given here; the exit code is 4 where it waits now.
    """
    from volant.wiring import rollouts

    who = actor or session.actor
    found = rollouts.deploy(session.project, model, actor=who, reason=reason, shadow=shadow, canary=canary, override=override)
    return _answer(session, found)


@verb("promote", example='volant promote bikes@3 --reason "canary is clean, the sale starts tomorrow"')
@click.argument("model", required=False)
@_WHY
@_OVERRIDE
@_ACTOR
def promote(session: Session, model: str | None, reason: str, actor: str | None, *, override: bool) -> Answer:
    """Complete the rollout that is on its way: its version becomes the champion now."""
    from volant.wiring import rollouts

    return _answer(session, rollouts.promote(session.project, model, reason=reason, actor=actor or session.actor, override=override))


@verb("rollback", example='volant rollback --reason "wrong on holidays"')
@_WHY
@_ACTOR
def rollback(session: Session, reason: str, actor: str | None) -> Answer:
    """Take back the rollout that is on its way; without one, go back to the former champion."""
    from volant.wiring import rollouts

    return _answer(session, rollouts.rollback(session.project, reason=reason, actor=actor or session.actor))


def _answer(session: Session, found: dict[str, Any]) -> Answer:
    waiting = found["waits_for_approval"]
    blocks: list[Block] = [Text(warn(found["sentence"]) if waiting else found["sentence"])]
    if found["progress"] is not None:
        progress = found["progress"]
        blocks.append(Facts([("rows", f"{progress['rows']:,} of {counted(progress['needed'], 'row')}")]))
    if session.project.leases.current(f"loop/{session.project.name}") is None:
        blocks.append(Hint("volant up"))
    return Answer(found, blocks, WAITS if waiting else 0)
