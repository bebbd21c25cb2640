"""Alerts: something needs a person's attention, until it is resolved."""

from enum import StrEnum
from typing import Any

from volant.kernel.codec import Value


class Severity(StrEnum):
    """How much it matters, from least to most."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Larger is worse."""
        return tuple(Severity).index(self)


class NoticeKind(StrEnum):
    """What the world is told about an alert. Acknowledging tells nobody."""

    RAISED = "raised"
    WORSENED = "worsened"
    RESOLVED = "resolved"
    TEST = "test"  # nothing happened; somebody tries whether targets can be reached


class Alert(Value, frozen=True, kw_only=True):
    """One cause for one model, from its first sight to its end. ``number`` counts from 1 within the model.

    ``seq`` is the place of its last event in ``alert/MODEL``; ``count`` says how often the cause was seen.
    ``resolution`` says what ended it. ``facts`` are JSON values that the sentence rests on.
    """

    id: str
    model: str
    number: int
    cause: str
    severity: Severity
    sentence: str
    facts: dict[str, Any]
    opened_at: int
    last_seen_at: int
    count: int = 1
    acknowledged_at: int | None = None
    acknowledged_by: str | None = None
    note: str | None = None
    resolved_at: int | None = None
    resolution: str | None = None
    seq: int

    @property
    def is_open(self) -> bool:
        """Whether the cause still holds."""
        return self.resolved_at is None


class Notice(Value, frozen=True, kw_only=True):
    """What is told: the alert as it was when something about it changed. ``event`` is that change's event id."""

    event: str
    kind: NoticeKind
    at: int
    alert: Alert


class Delivery(Value, frozen=True, kw_only=True):
    """A notice on its way to one target, as ``watch.alerts`` writes it (``webhook:env:NAME``: never the address itself).

    ``id`` is the same for every try. ``next_at`` is when it is tried next; None once it arrived (``done_at``) or was
    given up (``given_up_at``). ``error`` says what the last try failed with.
    """

    id: str
    model: str
    alert: str
    target: str
    notice: bytes  # canonical JSON of a Notice
    recorded_at: int
    tries: int = 0
    next_at: int | None
    error: str | None = None
    done_at: int | None = None
    given_up_at: int | None = None
