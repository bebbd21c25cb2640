"""What targets are told, as text: a line of the log, a webhook's body, a Slack message. Sentences may hold anything."""

import unicodedata
from typing import Any

from volant.kernel.clock import MINUTE_US, SECOND_US, iso
from volant.kernel.codec import canonical, plain
from volant.monitoring.alert_actions import action_of
from volant.monitoring.alert_model import Alert, Effect, Notice, NoticeKind
from volant.monitoring.alert_routing import urgency_of

SCHEMA = "volant.alert/1"
LONGEST_LINE = 600
_MOST_NAMED = 8
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
    """An alert for programs, with instants as ISO texts, what it asks for and what may help. Not whom it was told to."""
    record: dict[str, Any] = plain(alert)
    shown: dict[str, Any] = {key: iso(value) if key.endswith("_at") and value is not None else value for key, value in record.items()}
    if alert.sight is not None:
        sight = shown["sight"]
        first = {name: None if at is None else iso(at) for name, at in (("from", sight.pop("from_us")), ("to", sight.pop("to_us")))}
        shown["sight"] = first | sight
    del shown["quiet"], shown["addressed"]
    return shown | {"urgency": urgency_of(alert).value, "action": action_of(alert)}


def slack_body(notice: Notice, now: int) -> bytes:
    """JSON for a Slack incoming webhook: plain text, in which nothing is a mention, a link or formatting."""
    alert = notice.alert
    head = "resolved" if notice.kind is NoticeKind.RESOLVED else alert.severity.value
    lines = [f"[{head}{_when(notice, now)}] {one_line(alert.model)}: {one_line(sentence_of(notice), 3000)}"]
    if notice.kind is not NoticeKind.RESOLVED:
        lines += [one_line(line) for line in sight_lines(alert)]
        lines.append(f"{action_of(alert)} Then: volant alerts ack {alert.number}")
    text = "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return canonical({"text": text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False})


def sight_lines(alert: Alert) -> list[str]:
    """The first window, the columns and the effect with its interval, one line each."""
    sight = alert.sight
    if sight is None:
        return []
    lines = []
    if sight.from_us is not None and sight.to_us is not None:
        lines.append(f"First seen in the window {minute(sight.from_us)} to {minute(sight.to_us)}.")
    if sight.columns:
        more = f" and {len(sight.columns) - _MOST_NAMED} more" if len(sight.columns) > _MOST_NAMED else ""
        lines.append(f"Columns: {', '.join(sight.columns[:_MOST_NAMED])}{more}.")
    if sight.effect is not None:
        lines.append(f"{effect_text(sight.effect)}.")
    return lines


def effect_text(effect: Effect) -> str:
    """``mae: 41.5 [38.2, 44.8], before 30.1``."""
    bounds = "" if effect.low is None or effect.high is None else f" [{effect.low:.4g}, {effect.high:.4g}]"
    before = "" if effect.before is None else f", before {effect.before:.4g}"
    tolerance = "" if effect.tolerance is None else f", tolerance {effect.tolerance:.3g}"
    return f"{effect.name}: {effect.value:.4g}{bounds}{before}{tolerance}"


def minute(instant: int) -> str:
    """``2024-05-01 10:00Z``."""
    return f"{iso(instant)[:16].replace('T', ' ')}Z"
