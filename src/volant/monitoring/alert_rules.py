"""How an alert changes, and how often telling it is tried. Pure decisions."""

from typing import Any

import msgspec

from volant.kernel.clock import HOUR_US, SECOND_US
from volant.kernel.codec import canonical
from volant.kernel.errors import IllegalTransitionError
from volant.monitoring.alert_model import Alert, Delivery, Severity, Sight

LONGEST_SENTENCE = 2_000
LARGEST_FACTS = 16_384
LONGEST_NAME = 200
MOST_COLUMNS = 20

FIRST_WAIT_US = 5 * SECOND_US
LONGEST_WAIT_US = HOUR_US
MOST_TRIES = 82  # with the waits between them about three days
CLAIM_US = 60 * SECOND_US  # when a try whose sender died is repeated


def clean(text: str, longest: int = LONGEST_SENTENCE) -> str:
    """The text as it can be stored anywhere: no half characters, no more than ``longest`` characters."""
    whole = text.encode("utf-8", "replace").decode()
    return whole if len(whole) <= longest else whole[: longest - 1] + "…"


def limited(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts as JSON values; too many of them are replaced by their size, because an alert is never lost over its facts."""
    stored = canonical(facts)
    if len(stored) > LARGEST_FACTS:
        return {"left_out_bytes": len(stored)}
    read: dict[str, Any] = msgspec.json.decode(stored)
    return read


def limited_sight(sight: Sight | None) -> Sight | None:
    """The sight, without its pictures where they are too large."""
    if sight is None or len(canonical(sight)) <= LARGEST_FACTS:
        return sight
    return msgspec.structs.replace(sight, columns=sight.columns[:MOST_COLUMNS], pictures=())


def seen_again(alert: Alert, severity: Severity, sentence: str, facts: dict[str, Any], now: int, *, sight: Sight | None = None) -> Alert:
    """The cause holds still. A lesser sight is counted and changes nothing else; one that is worse calls for attention again.

    The first window stays the first one.
    """
    seen = msgspec.structs.replace(alert, count=alert.count + 1, last_seen_at=max(alert.last_seen_at, now))
    if severity.rank < alert.severity.rank:
        return seen
    seen = msgspec.structs.replace(seen, severity=severity, sentence=sentence, facts=facts, sight=_later(alert.sight, sight))
    if severity is alert.severity:
        return seen
    return msgspec.structs.replace(seen, acknowledged_at=None, acknowledged_by=None, note=None)


def _later(first: Sight | None, later: Sight | None) -> Sight | None:
    if first is None or later is None:
        return later or first
    return later if first.from_us is None else msgspec.structs.replace(later, from_us=first.from_us, to_us=first.to_us)


def acknowledged(alert: Alert, actor: str, note: str | None, now: int) -> Alert:
    """A person looks after it. ``IllegalTransitionError`` if somebody does already, or it is over."""
    still_open(alert)
    if alert.acknowledged_at is not None:
        raise IllegalTransitionError(
            f"Alert {alert.number} of {alert.model} is acknowledged.", found=f"by {alert.acknowledged_by}", next_step="volant alerts"
        )
    return msgspec.structs.replace(alert, acknowledged_at=now, acknowledged_by=actor, note=note or None)


def still_open(alert: Alert) -> Alert:
    """The alert. ``IllegalTransitionError`` if it is over."""
    if not alert.is_open:
        raise IllegalTransitionError(
            f"Alert {alert.number} of {alert.model} is resolved.", found=alert.resolution or "its cause is gone", next_step="volant alerts"
        )
    return alert


def resolved(alert: Alert, sentence: str, now: int) -> Alert:
    """The cause is gone."""
    return msgspec.structs.replace(alert, resolved_at=max(now, alert.opened_at), resolution=sentence)


def wait_us(tries: int) -> int:
    """How long after the given number of failed tries the next one comes: 5 s, doubled each time, at most an hour."""
    doublings = min(max(tries - 1, 0), 20)
    return min(FIRST_WAIT_US << doublings, LONGEST_WAIT_US)


def is_under_way(delivery: Delivery, now: int) -> bool:
    """Whether a server has begun a try that neither ended nor is given up for dead yet."""
    return delivery.tries > 0 and delivery.error is None and delivery.next_at is not None and delivery.next_at > now
