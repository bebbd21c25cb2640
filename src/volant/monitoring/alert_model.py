"""Alerts: something needs a person's attention, until it is resolved."""

from enum import StrEnum
from typing import Any

from volant.kernel.codec import Value
from volant.monitoring.drift_model import Bar


class Severity(StrEnum):
    """How much it matters, from least to most."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Larger is worse."""
        return tuple(Severity).index(self)


class Urgency(StrEnum):
    """What an alert asks of people: to come now, to look when they work, or to know."""

    PAGE = "page"
    TICKET = "ticket"
    NOTE = "note"


class NoticeKind(StrEnum):
    """What the world is told about an alert. Acknowledging and muting tell nobody."""

    RAISED = "raised"
    WORSENED = "worsened"
    RETURNED = "returned"  # a mute is over, and the cause holds still
    RESOLVED = "resolved"
    TEST = "test"  # nothing happened; somebody tries whether targets can be reached


class Effect(Value, frozen=True, kw_only=True):
    """How large it is: ``value`` of what ``name`` says, with its interval; ``before`` is what it was, ``tolerance`` what is borne."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    before: float | None = None
    tolerance: float | None = None


class Picture(Value, frozen=True, kw_only=True):
    """A column before and now, as bars on one axis. ``numbers``: the bars are stretches of values, in order."""

    column: str
    numbers: bool
    bars: tuple[Bar, ...]


class Sight(Value, frozen=True, kw_only=True):
    """What a person looks at: the first window with it, the columns it is about, how large it is, before and now."""

    from_us: int | None = None
    to_us: int | None = None
    columns: tuple[str, ...] = ()
    effect: Effect | None = None
    pictures: tuple[Picture, ...] = ()


class Alert(Value, frozen=True, kw_only=True):
    """One cause for one model, from its first sight to its end. ``number`` counts from 1 within the model.

    ``seq`` is the place of its last event in ``alert/MODEL``; ``count`` says how often the cause was seen.
    ``resolution`` says what ended it. ``facts`` are JSON values that the sentence rests on. ``quiet``: a mute keeps it from
    being told. ``addressed`` are the targets that were told of it; None if that was not kept.
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
    sight: Sight | None = None
    quiet: bool = False
    addressed: tuple[str, ...] | None = None

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
    given up (``given_up_at``). ``error`` says what the last try failed with, and nothing while one is
    under way.
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
