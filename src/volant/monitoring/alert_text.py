"""What targets are told, as text: a line of the log, a webhook's body, a Slack message. Sentences may hold anything."""

import unicodedata
from typing import Any

from volant.kernel.clock import MINUTE_US, SECOND_US, iso
from volant.kernel.codec import canonical, plain
from volant.monitoring.alert_model import Alert, Notice, NoticeKind

SCHEMA = "volant.alert/1"
LONGEST_LINE = 600
LATE_US = 5 * MINUTE_US
_UNSHOWN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # controls, what turns the direction of text, ends of lines


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    """The text on one line of printable characters: it can neither end the line nor steer a terminal."""
    shown = "".join(_escaped(sign) if unicodedata.category(sign) in _UNSHOWN else sign for sign in text)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def _escaped(sign: str) -> str:
    return "\\n" if sign == "\n" else f"\\u{ord(sign):04x}"


def sentence_of(notice: Notice) -> str:
    """What is said: of a resolved alert also what ended it."""
    alert = notice.alert
    if notice.kind is NoticeKind.RESOLVED and alert.resolution:
        return f"{alert.sentence} Resolved: {alert.resolution}"
    return alert.sentence


def log_line(notice: Notice, now: int) -> str:
    """``alert 3 raised (critical) bikes: sentence``; what is told late says when it was."""
    alert = notice.alert
    head = f"alert {alert.number} {notice.kind.value} ({alert.severity.value}{_when(notice, now)})"
    return f"{head} {one_line(alert.model)}: {one_line(sentence_of(notice))}"


def _when(notice: Notice, now: int) -> str:
    return f", {iso(notice.at - notice.at % SECOND_US)}" if now - notice.at > LATE_US else ""


def webhook_body(notice: Notice) -> bytes:
    """JSON: ``type``, ``timestamp`` and ``data`` as https://www.standardwebhooks.com recommends. The same bytes at every try."""
    told = {"type": f"alert.{notice.kind.value}", "timestamp": iso(notice.at), "data": {"schema": SCHEMA, **alert_record(notice.alert)}}
    return canonical(told)


def alert_record(alert: Alert) -> dict[str, Any]:
    """An alert for programs, with instants as ISO texts."""
    record: dict[str, Any] = plain(alert)
    return {key: iso(value) if key.endswith("_at") and value is not None else value for key, value in record.items()}


def slack_body(notice: Notice, now: int) -> bytes:
    """JSON for a Slack incoming webhook: plain text, in which nothing is a mention, a link or formatting."""
    alert = notice.alert
    head = "resolved" if notice.kind is NoticeKind.RESOLVED else alert.severity.value
    lines = [f"[{head}{_when(notice, now)}] {one_line(alert.model)}: {one_line(sentence_of(notice), 3000)}"]
    if notice.kind is not NoticeKind.RESOLVED:
        lines.append(f"volant alerts ack {alert.number}")
    text = "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return canonical({"text": text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False})
