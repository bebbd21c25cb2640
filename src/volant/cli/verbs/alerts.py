"""``volant alerts``."""

from typing import Any

import click

from volant.cli.blocks import Block, Cell, Facts, Hint, Mark, Style, Table, Text, bad, dim, good, strong
from volant.cli.numbers import counted, moment
from volant.cli.session import Answer, Session
from volant.cli.verb import verb

STYLES = {"critical": Style.BAD, "warning": Style.WARN, "info": Style.DIM}


@verb("list", example="volant alerts")
@click.option("--all", "everything", is_flag=True, help="Also those that are resolved, newest first.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many.")
def list_alerts(session: Session, *, everything: bool, limit: int) -> Answer:
    """What needs attention, worst first: one alert for each cause, open until the cause is gone."""
    from volant.wiring import alerting

    found = alerting.alerts(session.project, everything=everything, limit=limit)
    return Answer(found, _blocks(found, everything=everything))


def _blocks(found: dict[str, Any], *, everything: bool) -> list[Block]:
    empty = "no alerts yet" if everything else "nothing needs attention; volant alerts --all lists what did"
    rows: list[list[Cell]] = [_row(alert) for alert in found["alerts"]]
    blocks: list[Block] = [Table([">", "severity", "cause", "what", "since", "state"], rows, empty)]
    troubles = [(alert, told) for alert in found["alerts"] for told in alert["told"] if told["error"] is not None]
    blocks += [Text(bad(_trouble(alert, told))) for alert, told in troubles[:10]]
    blocks += [Text(dim(mute_text(mute))) for mute in found["mutes"]]
    waiting = next((alert for alert in found["alerts"] if _state(alert).text == "open"), None)
    return [*blocks, Hint(f"volant alerts ack {waiting['number']}")] if waiting else blocks


def _row(alert: dict[str, Any]) -> list[Cell]:
    from volant.monitoring.alert_text import one_line

    what = one_line(alert["sentence"], 120)
    severity = Mark(alert["severity"], STYLES[alert["severity"]])
    return [str(alert["number"]), severity, one_line(alert["cause"], 40), what, moment(alert["opened_at"]), _state(alert)]


def _state(alert: dict[str, Any]) -> Mark:
    from volant.monitoring.alert_text import one_line

    if alert["resolved_at"] is not None:
        return good(f"resolved {moment(alert['resolved_at'])}")
    if alert["muted"] is not None:
        return dim(f"muted until {moment(alert['muted']['until'])}")
    if alert["acknowledged_by"] is not None:
        return dim(f"with {one_line(alert['acknowledged_by'], 40)}")
    return strong("open")


def mute_text(mute: dict[str, Any]) -> str:
    """A mute on one line."""
    from volant.monitoring.alert_text import one_line

    pages = ", pages too" if mute["pages"] else ""
    return (
        f"muted until {moment(mute['until'])} by {one_line(mute['by'], 40)}{pages}: {one_line(mute['about'], 80)}, "
        f"because {one_line(mute['reason'], 120)} (volant alerts unmute {mute['id']})"
    )


def _trouble(alert: dict[str, Any], told: dict[str, Any]) -> str:
    then = "given up" if told["given_up_at"] is not None else f"next try {moment(told['next_at'])}"
    tries = "1 try" if told["tries"] == 1 else f"{told['tries']} tries"
    return f"alert {alert['number']} did not reach {told['target']}: {told['error']} ({tries}, {then})"


@verb("show", example="volant alerts show 3")
@click.argument("alert")
def show(session: Session, alert: str) -> Answer:
    """One alert, by number or id: what was seen, what it rests on, and who was told."""
    from volant.monitoring.alert_picture import picture_lines
    from volant.monitoring.alert_text import one_line, sight_lines
    from volant.wiring import alerting

    project = session.project
    known = project.alerts.find(alert, model=project.name)
    found = alerting.one(project, known)
    facts: list[tuple[str, Cell]] = [
        ("alert", strong(f"{found['number']} of {found['model']}")),
        ("state", _state(found)),
        ("severity", Mark(f"{found['severity']}: a {found['urgency']}", STYLES[found["severity"]])),
        ("cause", one_line(found["cause"])),
        ("what", one_line(found["sentence"])),
        ("seen", f"{counted(found['count'], 'time')}, {moment(found['opened_at'])} to {moment(found['last_seen_at'])}"),
    ]
    facts += [("", one_line(line)) for line in sight_lines(known)]
    facts += [("may help", one_line(found["action"]))] if known.is_open else []
    facts += [("muted", mute_text(found["muted"]))] if found["muted"] else []
    facts += [("note", one_line(found["note"]))] if found["note"] else []
    facts += [("ended by", one_line(found["resolution"]))] if found["resolution"] else []
    facts += [(one_line(name, 40), one_line(str(value), 120)) for name, value in found["facts"].items()]
    told: list[list[Cell]] = [[line["target"], line["kind"], _outcome(line), str(line["tries"])] for line in found["told"]]
    pictures = () if known.sight is None else known.sight.pictures
    drawn = [Text("\n".join([one_line(picture.column, 60), *picture_lines(picture), ""])) for picture in pictures]
    return Answer(found, [Facts(facts), *drawn, Table(["told", "that it was", "", ">tries"], told, "nobody was told")])


def _outcome(told: dict[str, Any]) -> Mark:
    if told["done_at"] is not None:
        return good(f"taken {moment(told['done_at'])}")
    if told["given_up_at"] is not None:
        return bad(f"given up: {told['error']}")
    return dim(f"waits for the next try: {told['error']}" if told["error"] else "waits for volant up")


@verb("ack", example='volant alerts ack 3 --note "roadworks at the harbour"')
@click.argument("alert")
@click.option("--note", default="", help="What you know or do about it; kept with the alert.")
def ack(session: Session, alert: str, note: str) -> Answer:
    """Say that you look after an alert, by number or id. It resolves by itself when its cause is gone."""
    from volant.wiring import alerting

    found = alerting.acknowledge(session.project, alert, actor=session.actor, note=note)
    return Answer(found, [Text(good(f"alert {found['number']} of {found['model']} is acknowledged by {session.actor}"))])


@verb("test", example="volant alerts test mail")
@click.argument("channel", required=False)
def test(session: Session, channel: str | None) -> Answer:
    """Tell every target under watch.alerts a test, now and from here, or only CHANNEL: one of them, or a kind like mail.

    Says what each answered; nothing is stored, and an Alertmanager is told of an alert that is over already.
    Exit code 1 if one of them did not take it. 'volant up' reads the same environment variables where it was started.
    """
    from volant.wiring import alerting

    found = alerting.try_targets(session.project, channel)
    rows: list[list[Cell]] = [
        [line["target"], good(f"took it: {line['answer']}") if line["error"] is None else bad(line["error"])] for line in found["targets"]
    ]
    return Answer(found, [Table(["target", ""], rows)], 0 if found["taken"] else 1)
