"""``volant alerts mute``, ``unmute`` and ``mutes``."""

import click

from volant.cli.blocks import Hint, Table, Text, good
from volant.cli.numbers import moment
from volant.cli.session import Answer, Session
from volant.cli.verb import verb
from volant.kernel.errors import UsageError

_ACTOR = click.option("--actor", help="Who it is, if not you.")


@verb("mute", example='volant alerts mute 3 --until 2d --reason "roadworks at the harbour"')
@click.argument("alert", required=False)
@click.option("--cause", help="Every alert of this cause, also those that come.")
@click.option("--model", help="Everything about this model.")
@click.option("--until", help="How long, like 2d, or until when, like 2026-11-23T09:00Z.")
@click.option("--reason", help="Why; kept with it in the audit chain.")
@click.option("--pages", is_flag=True, help="Also what is worth a page.")
@_ACTOR
def mute(
    session: Session,
    *,
    alert: str | None,
    cause: str | None,
    model: str | None,
    until: str | None,
    reason: str | None,
    pages: bool,
    actor: str | None,
) -> Answer:
    """Tell nobody about an alert (number or id), a cause or a model for a while.

    Alerts are kept and counted; what still holds when the time is over is told then. What is worth a page comes
    through, unless --pages is said or that very alert was a page when it was muted.
    """
    from volant.wiring import alerting

    if sum(one is not None for one in (alert, cause or model)) != 1:
        raise UsageError("Say what to mute: one alert, or --cause, or --model.", next_step="volant alerts mute 3 --until 2d --reason TEXT")
    for name, value in (("--until", until), ("--reason", reason)):
        if not (value or "").strip():
            raise UsageError(f"{name} is needed.", next_step="volant alerts mute 3 --until 2d --reason TEXT", field=name)
    found = alerting.mute(
        session.project,
        until=until or "",
        reason=reason or "",
        actor=actor or session.actor,
        alert=alert,
        cause=cause,
        model=model,
        pages=pages,
    )
    return Answer(found, [Text(good(found["sentence"])), Hint(f"volant alerts unmute {found['id']} ends it before its time")])


@verb("unmute", example="volant alerts unmute 01a1fd6821c6788199bbcb0b5f007100")
@click.argument("mute")
@click.option("--model", help="The model that it is about, if not the project's.")
@click.option("--reason", default="", help="Why; kept in the audit chain.")
@_ACTOR
def unmute(session: Session, *, mute: str, model: str | None, reason: str, actor: str | None) -> Answer:
    """End a mute before its time: what holds still is told now."""
    from volant.wiring import alerting

    found = alerting.unmute(session.project, mute, actor=actor or session.actor, reason=reason, model=model)
    return Answer(found, [Text(good(found["sentence"]))])


@verb("mutes", example="volant alerts mutes")
def mutes(session: Session) -> Answer:
    """Which mutes hold, about what, until when, by whom and why."""
    from volant.monitoring.alert_text import one_line
    from volant.wiring import alerting

    found = alerting.mutes(session.project)
    rows = [
        [
            one["id"],
            one_line(one["about"], 60),
            "yes" if one["pages"] else "no",
            moment(one["until"]),
            one_line(one["by"], 40),
            one_line(one["reason"], 80),
        ]
        for one in found
    ]
    return Answer({"mutes": found}, [Table(["mute", "about", "pages too", "until", "by", "why"], rows, "nothing is muted")])
