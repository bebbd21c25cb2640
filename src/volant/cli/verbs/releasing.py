"""``volant approve`` and ``volant reject``."""

import click

from volant.cli.blocks import Block, Hint, Text
from volant.cli.session import Answer, Session
from volant.cli.verb import verb
from volant.kernel.errors import UsageError


def _said(_ctx: click.Context, _parameter: click.Parameter, value: str) -> str:
    """A reason of blanks is none."""
    if not value.strip():
        raise UsageError("--reason is empty.", next_step='say why: --reason "better on every season"', field="--reason")
    return value


_REASON = click.option("--reason", required=True, metavar="TEXT", callback=_said, help="Why; it is kept with the decision.")
_SWITCHES = "The running server switches to it by itself."
_FOLLOWS = "The running server goes on with it by itself: volant status"
_ACTOR = click.option("--as", "actor", metavar="NAME", help="Who decides (default: the user of this machine).")


@verb("approve", example='volant approve bikes@2 --reason "better on every season"')
@click.argument("model")
@_REASON
@click.option("--override", is_flag=True, help="Let it out although the gate did not pass; recorded as an override.")
@_ACTOR
def approve(session: Session, model: str, reason: str, actor: str | None, *, override: bool) -> Answer:
    """Let a version out: it becomes the champion, and running servers switch to it.

    MODEL is NAME@VERSION, a version or latest.
    """
    from volant.wiring import commands

    found = commands.approve(session.project, model, reason=reason, actor=actor or session.actor, override=override)
    serving = session.project.leases.current(f"loop/{session.project.name}") is not None
    champion = session.project.registry.state(session.project.name).champion == found.get("version")
    then: Block = Text(_SWITCHES if champion else _FOLLOWS) if serving else Hint("volant up")
    return Answer(found, [Text(found["sentence"]), then])


@verb("reject", example='volant reject bikes@2 --reason "wrong on holidays"')
@click.argument("model")
@_REASON
@_ACTOR
def reject(session: Session, model: str, reason: str, actor: str | None) -> Answer:
    """Turn a version down; it cannot be approved afterwards.

    MODEL is NAME@VERSION, a version or latest.
    """
    from volant.wiring import commands

    found = commands.reject(session.project, model, reason=reason, actor=actor or session.actor)
    return Answer(found, [Text(found["sentence"])])
