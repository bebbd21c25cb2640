"""An alert as a letter: text and HTML, with the columns before and now; all letters about an alert make one thread.

Nothing in here is an image or is fetched: bars are cells of tables, which every reader of mail shows. What a sentence quotes
from data is escaped in HTML, and cannot end a header's line.
"""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from volant.kernel.clock import SECOND_US
from volant.monitoring.alert_actions import action_of
from volant.monitoring.alert_model import Alert, Notice, NoticeKind, Picture, Urgency
from volant.monitoring.alert_picture import few, picture_lines
from volant.monitoring.alert_routing import urgency_of
from volant.monitoring.alert_text import minute, one_line, sentence_of, sight_lines

if TYPE_CHECKING:
    from email.message import EmailMessage

_SAID = {
    NoticeKind.RAISED: "",
    NoticeKind.WORSENED: "It got worse. ",
    NoticeKind.RETURNED: "The mute is over, and it holds still. ",
    NoticeKind.RESOLVED: "It is over. ",
    NoticeKind.TEST: "",
}
_BEFORE, _NOW, _QUIET = "#9aa5b1", "#b8431f", "#5f6b76"
_CELLS = 120  # pixels of the longest bar
_SUBJECT = 150


class Envelope(NamedTuple):
    """Who writes to whom and when, and where people reach the pages, if that is known."""

    sender: str
    to: str
    now: int
    page: str | None = None

    @property
    def domain(self) -> str:
        """What the sender's address is in."""
        return self.sender.rpartition("@")[2]


def letter(notice: Notice, name: str, envelope: Envelope) -> "EmailMessage":
    """The letter about one notice. ``name`` is the delivery's id: repeats have the same Message-ID."""
    alert = notice.alert
    made = _headed(f"[volant] {one_line(alert.model, 60)} alert {alert.number}: {one_line(alert.cause, 60)}", envelope)
    domain, page = envelope.domain, envelope.page
    first = f"<alert.{_safe(alert.id)}.{_safe(name.rpartition(':')[2])}@{domain}>"
    if notice.kind is NoticeKind.RAISED:
        made["Message-ID"] = first
    else:
        made["Message-ID"] = f"<{_safe(name)}@{domain}>"
        if notice.kind is not NoticeKind.TEST:
            made["In-Reply-To"] = made["References"] = first
            subject = str(made["Subject"])
            del made["Subject"]
            made["Subject"] = f"Re: {subject}"
    if urgency_of(alert) is Urgency.PAGE and notice.kind is not NoticeKind.RESOLVED:
        made["Importance"] = "high"
        made["X-Priority"] = "1"
    made.set_content("\n".join(_text(notice, page)) + "\n", cte="quoted-printable")
    made.add_alternative(_page(_html(notice, page)), subtype="html", cte="quoted-printable")
    return made


def digest_letter(notices: Sequence[Notice], name: str, envelope: Envelope) -> "EmailMessage":
    """One letter about what could not be told for a while."""
    from volant.monitoring.alert_digest import digest_head, digest_lines

    head, lines = digest_head(notices), digest_lines(notices)
    page = envelope.page
    made = _headed(f"[volant] {head}", envelope)
    made["Message-ID"] = f"<{_safe(name)}.digest@{envelope.domain}>"
    more = [] if page is None else [f"{page}/alerts"]
    made.set_content("\n".join([f"{head}:", "", *lines, "", *more]) + "\n", cte="quoted-printable")
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    made.add_alternative(_page(f"<p><b>{escape(head)}</b></p><ul>{items}</ul>{_link(page, '')}"), subtype="html", cte="quoted-printable")
    return made


def _headed(subject: str, envelope: Envelope) -> "EmailMessage":
    from datetime import UTC, datetime
    from email import policy
    from email.message import EmailMessage
    from email.utils import format_datetime

    made = EmailMessage(policy=policy.SMTP)
    made["From"] = envelope.sender
    made["To"] = envelope.to
    made["Date"] = format_datetime(datetime.fromtimestamp(envelope.now // SECOND_US, UTC))
    made["Subject"] = one_line(subject, _SUBJECT)
    made["Auto-Submitted"] = "auto-generated"
    return made


def _text(notice: Notice, page: str | None) -> list[str]:
    alert = notice.alert
    lines = [f"{_SAID[notice.kind]}{one_line(sentence_of(notice), 2000)}", "", _when(notice), *map(one_line, sight_lines(alert))]
    if notice.kind is not NoticeKind.RESOLVED:
        for picture in _pictures(alert):
            lines += ["", one_line(picture.column), *picture_lines(picture)]
        lines += ["", f"What may help: {action_of(alert)}", f"I look after it: volant alerts ack {alert.number}"]
    return lines if page is None else [*lines, f"{page}/alerts#alert-{alert.number}"]


def _html(notice: Notice, page: str | None) -> str:
    alert = notice.alert
    parts = [f'<p style="font-size:16px"><b>{escape(_SAID[notice.kind] + one_line(sentence_of(notice), 2000))}</b></p>']
    parts.append(f'<p style="color:{_QUIET}">{"<br>".join(escape(one_line(line)) for line in (_when(notice), *sight_lines(alert)))}</p>')
    if notice.kind is not NoticeKind.RESOLVED:
        parts += [_bars(picture) for picture in _pictures(alert)]
        parts.append(f"<p>What may help: {escape(action_of(alert))}<br>I look after it: <code>volant alerts ack {alert.number}</code></p>")
    return "".join(parts) + _link(page, f"#alert-{alert.number}")


def _bars(picture: Picture) -> str:
    bars = few(picture)
    most = max((max(before, now) for _, before, now in bars), default=0.0)
    if most <= 0:
        return ""
    rows = "".join(
        f'<tr><td style="padding:0 8px 0 0;white-space:nowrap">{escape(name)}</td>'
        f"<td>{_bar(before, most, _BEFORE)}</td><td>{_bar(now, most, _NOW)}</td></tr>"
        for name, before, now in bars
    )
    heads = "".join(f'<th align="left" style="font-weight:normal;color:{_QUIET}">{text}</th>' for text in ("", "before", "now"))
    return (
        f'<p style="margin-bottom:2px"><b>{escape(one_line(picture.column))}</b></p>'
        f'<table cellpadding="0" cellspacing="2" style="font-size:12px"><tr>{heads}</tr>{rows}</table>'
    )


def _bar(share: float, most: float, colour: str) -> str:
    wide = max(round(_CELLS * share / most), 1 if share > 0 else 0)
    bar = f'<td width="{wide}" height="10" style="background:{colour};font-size:1px">&nbsp;</td>' if wide else ""
    return f'<table cellpadding="0" cellspacing="0"><tr>{bar}<td style="padding:0 8px 0 4px;font-size:12px">{share:.0%}</td></tr></table>'


def _pictures(alert: Alert) -> tuple[Picture, ...]:
    return () if alert.sight is None else alert.sight.pictures


def _when(notice: Notice) -> str:
    alert = notice.alert
    times = "once" if alert.count == 1 else f"{alert.count:,} times"
    return f"{urgency_of(alert).value.capitalize()} ({alert.severity.value}), since {minute(alert.opened_at)}, seen {times}."


def _link(page: str | None, anchor: str) -> str:
    return "" if page is None else f'<p><a href="{escape(page)}/alerts{anchor}">{escape(page)}/alerts</a></p>'


def _page(body: str) -> str:
    return f'<html><body style="font-family:sans-serif;font-size:14px;color:#1c2126">{body}</body></html>\n'


def _safe(text: str) -> str:
    """As a part of a Message-ID."""
    return "".join(sign if sign.isascii() and sign.isalnum() else "." for sign in text)
