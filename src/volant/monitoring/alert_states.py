"""Alerts as Prometheus' Alertmanager takes them (https://prometheus.io/docs/alerting/latest/alerts_api).

It knows an alert by its labels and forgets it unless it is sent again: until ``endsAt`` it holds. So alerts that hold are sent
again each minute with an end some minutes ahead, and those that are over for five minutes more with the end that they had.
"""

from collections.abc import Iterable
from typing import Any

from volant.kernel.clock import MINUTE_US, SECOND_US, iso
from volant.kernel.codec import canonical
from volant.monitoring.alert_actions import action_of
from volant.monitoring.alert_model import Alert, Notice, NoticeKind, Severity
from volant.monitoring.alert_routing import urgency_of
from volant.monitoring.alert_text import one_line, sight_lines

AGAIN_US = MINUTE_US
HOLDS_US = 10 * MINUTE_US  # longer than a restart takes
OVER_US = 5 * MINUTE_US
NAME, TEST_NAME = "VolantAlert", "VolantTest"

State = dict[str, Any]


def states_body(states: Iterable[State]) -> bytes:
    """The JSON array to post."""
    return canonical(list(states))


def notice_states(notice: Notice, now: int, page: str | None) -> list[State]:
    """What a notice changes. One that got worse has another label: what it was before ends. A test is over at once."""
    if notice.kind is NoticeKind.TEST:
        return [{**_state(notice.alert, now, page, ends=now), "labels": {**labels(notice.alert), "alertname": TEST_NAME}}]
    found = [alert_state(notice.alert, now, page)]
    if notice.kind is NoticeKind.WORSENED:
        lesser = [severity for severity in Severity if severity.rank < notice.alert.severity.rank]
        found += [_state(notice.alert, now, page, ends=now) | {"labels": labels(notice.alert, severity)} for severity in lesser]
    return found


def alert_state(alert: Alert, now: int, page: str | None) -> State:
    """An alert as it stands."""
    return _state(alert, now, page, ends=alert.resolved_at if alert.resolved_at is not None else now + HOLDS_US)


def labels(alert: Alert, severity: Severity | None = None) -> dict[str, str]:
    """What it is known by: the same through all of its life, but for its severity."""
    return {
        "alertname": NAME,
        "model": one_line(alert.model),
        "cause": one_line(alert.cause),
        "severity": (severity or alert.severity).value,
        "alert": str(alert.number),
    }


def _state(alert: Alert, now: int, page: str | None, *, ends: int) -> State:
    starts = min(alert.opened_at, now)
    found: State = {
        "labels": labels(alert),
        "annotations": {
            "summary": one_line(alert.sentence),
            "description": " ".join(one_line(line) for line in sight_lines(alert)) or one_line(alert.sentence),
            "action": action_of(alert),
            "urgency": urgency_of(alert).value,
            "acknowledged_by": one_line(alert.acknowledged_by or ""),
        },
        "startsAt": _second(starts),
        "endsAt": _second(max(ends, starts)),  # one that ends before it starts is refused
    }
    if page is not None:
        found["generatorURL"] = f"{page}/alerts#alert-{alert.number}"
    return found


def _second(instant: int) -> str:
    return iso(instant - instant % SECOND_US)
