"""Many notices in one message: after an outage people get one, not a storm. Programs get each by itself."""

from collections.abc import Sequence

from volant.kernel.codec import canonical
from volant.monitoring.alert_model import Notice, NoticeKind
from volant.monitoring.alert_text import minute, one_line

MOST_SINGLE = 5  # notices waiting for one target that are told one by one
MOST_TOGETHER = 500
MOST_LINES = 40
_PEOPLE = ("slack:", "mail:")


def is_for_people(target: str) -> bool:
    """Whether a digest may go there: a person reads it, in no stream of lines."""
    return target.startswith(_PEOPLE)


def digest_head(notices: Sequence[Notice]) -> str:
    """``12 notices about 7 alerts since 2024-05-01 10:00Z``."""
    alerts = len({notice.alert.id for notice in notices})
    since = minute(min(notice.at for notice in notices))
    return f"{len(notices)} notices about {alerts} {'alert' if alerts == 1 else 'alerts'} since {since}"


def digest_lines(notices: Sequence[Notice]) -> list[str]:
    """A line for each alert, as it stood at its last notice; those that hold first, the worst before the others."""
    last: dict[str, Notice] = {notice.alert.id: notice for notice in notices}
    order = sorted(last.values(), key=lambda one: (one.kind is NoticeKind.RESOLVED, -one.alert.severity.rank, one.at))
    lines = [_line(notice) for notice in order[:MOST_LINES]]
    left = len(order) - MOST_LINES
    return lines if left <= 0 else [*lines, f"and {left} more: volant alerts --all"]


def _line(notice: Notice) -> str:
    alert = notice.alert
    state = "over" if notice.kind is NoticeKind.RESOLVED else alert.severity.value
    return f"[{state}] {one_line(alert.model, 60)} alert {alert.number}, {minute(alert.opened_at)}: {one_line(alert.sentence, 300)}"


def slack_digest_body(notices: Sequence[Notice]) -> bytes:
    """As :func:`volant.monitoring.alert_text.slack_body`."""
    text = "\n".join([f"{digest_head(notices)}:", *digest_lines(notices)])
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return canonical({"text": escaped, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False})
