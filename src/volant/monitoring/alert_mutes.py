"""Mutes: for a time nobody is told about an alert, a cause or a model. Events of ``mute/MODEL``; alerts go on being kept.

Events and their data: ``muted`` is a :class:`Mute`, ``unmuted`` {mute, reason}. What is worth a page comes through a mute,
unless the mute says that it holds for pages too, or the alert was as bad already when a person muted that very alert.
"""

from typing import Any

import msgspec

from volant.kernel.clock import DAY_US, iso
from volant.kernel.codec import Value, canonical, decode
from volant.kernel.errors import InvalidInputError, NotFoundError
from volant.kernel.events import EventStore, NewEvent
from volant.monitoring.alert_model import Alert, Severity, Urgency
from volant.monitoring.alert_routing import urgency_of
from volant.monitoring.alert_rules import LONGEST_NAME, LONGEST_SENTENCE

MUTED, UNMUTED = "muted", "unmuted"
LONGEST_MUTE_US = 366 * DAY_US


class Mute(Value, frozen=True, kw_only=True):
    """Of one alert (``alert`` is its id), else of one ``cause``, else of everything about the model, until an instant."""

    id: str
    model: str
    until: int
    reason: str
    by: str
    at: int
    alert: str | None = None
    number: int | None = None  # of that alert
    severity: Severity | None = None  # of that alert when it was muted
    cause: str | None = None
    pages: bool = False

    @property
    def about(self) -> str:
        """In words."""
        if self.alert is not None:
            return f"alert {self.number}"
        return f"cause {self.cause}" if self.cause is not None else "everything"

    def holds(self, alert: Alert, now: int) -> bool:
        """Whether nobody is told about the alert as it stands."""
        if now >= self.until or self.alert not in {None, alert.id} or self.cause not in {None, alert.cause}:
            return False
        known = self.severity is not None and alert.severity.rank <= self.severity.rank
        return self.pages or known or urgency_of(alert) is not Urgency.PAGE


class Mutes:
    """The mutes of models, read from their events. Threads may share it."""

    def __init__(self, events: EventStore) -> None:
        self._events = events
        self._known: dict[str, tuple[int, dict[str, Mute]]] = {}

    def standing(self, model: str, now: int) -> tuple[Mute, ...]:
        """Those that hold now, the one that ends first first."""
        _, found = self._read(model)
        return tuple(sorted((mute for mute in found.values() if now < mute.until), key=lambda mute: (mute.until, mute.id)))

    def over(self, alert: Alert, now: int) -> Mute | None:
        """The mute that keeps an alert from being told the longest."""
        holding = [mute for mute in self.standing(alert.model, now) if mute.holds(alert, now)]
        return holding[-1] if holding else None

    def add(self, mute: Mute) -> None:
        """``InvalidInputError`` for one without a reason, or whose end is not ahead."""
        checked(mute)
        self._append(mute.model, MUTED, canonical(mute), mute.by)

    def end(self, model: str, mute_id: str, *, now: int, reason: str, actor: str) -> Mute:
        """Before its time. ``NotFoundError`` if none of that id holds."""
        found = next((mute for mute in self.standing(model, now) if mute.id == mute_id), None)
        if found is None:
            raise NotFoundError("There is no such mute.", found=mute_id[:40], next_step="volant alerts mutes lists those that hold")
        self._append(model, UNMUTED, canonical({"mute": mute_id, "reason": reason}), actor)
        return found

    def _append(self, model: str, kind: str, data: bytes, actor: str) -> None:
        seq, _ = self._read(model)
        self._events.append(_stream(model), seq, [NewEvent(kind=kind, data=data)], actor=actor)

    def _read(self, model: str) -> tuple[int, dict[str, Mute]]:
        """Only what is new is read; values are replaced and never changed, so that threads may read along."""
        seq, known = self._known.get(model, (0, {}))
        new = self._events.read(_stream(model), seq)
        if not new:
            return seq, known
        found = dict(known)
        for event in new:
            if event.kind == MUTED:
                mute = decode(event.data, Mute)
                found[mute.id] = mute
            else:
                found.pop(msgspec.json.decode(event.data)["mute"], None)
        self._known[model] = (new[-1].seq, found)
        return self._known[model]


def checked(mute: Mute) -> None:
    """``InvalidInputError`` naming what cannot be."""
    if not mute.reason.strip() or len(mute.reason) > LONGEST_SENTENCE:
        raise InvalidInputError(
            f"A mute needs a reason of at most {LONGEST_SENTENCE} characters.", next_step="say why nobody should be told", field="reason"
        )
    if not mute.at < mute.until <= mute.at + LONGEST_MUTE_US:
        raise InvalidInputError(
            "A mute ends, after now and within a year.",
            found=_when(mute.until),
            next_step="write a time like 2d or an instant",
            field="until",
        )
    if mute.cause is not None and not 0 < len(mute.cause) <= LONGEST_NAME:
        raise InvalidInputError("A cause is a short text.", found=mute.cause[:80], next_step="volant alerts --all", field="cause")


def record(mute: Mute) -> dict[str, Any]:
    """For programs."""
    shown: dict[str, Any] = msgspec.to_builtins(mute)
    return shown | {"until": iso(mute.until), "at": iso(mute.at), "about": mute.about}


def _when(instant: int) -> str:
    try:
        return iso(instant)
    except OverflowError:
        return "a time that no calendar has"


def _stream(model: str) -> str:
    return f"mute/{model}"
