"""Raising, acknowledging and resolving alerts: events of ``alert/MODEL``, rows and deliveries in one transaction.

Events and their data: ``raised`` and ``worsened`` {alert, number, cause, severity, sentence, facts}, ``acknowledged``
{alert, number, cause, note}, ``returned`` {alert, number, cause}, ``resolved`` {alert, number, cause, sentence}. Being seen
again is a row's count, not an event. Mutes have a stream of their own (``alert_mutes.py``).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from volant.kernel.clock import Clock
from volant.kernel.codec import canonical
from volant.kernel.digests import digest
from volant.kernel.errors import InvalidInputError, NotFoundError
from volant.kernel.events import EventStore, NewEvent
from volant.kernel.ids import Ids
from volant.kernel.transactions import Transactions
from volant.monitoring.alert_model import Alert, Delivery, Notice, NoticeKind, Severity, Sight, Urgency
from volant.monitoring.alert_mutes import Mute, Mutes
from volant.monitoring.alert_ports import AlertStore
from volant.monitoring.alert_routing import Routes
from volant.monitoring.alert_rules import (
    LONGEST_NAME,
    LONGEST_SENTENCE,
    acknowledged,
    clean,
    limited,
    limited_sight,
    resolved,
    seen_again,
    still_open,
)

ACKNOWLEDGED = "acknowledged"
BY_ITSELF = "volant"  # the actor of what no person did


def stream_of(model: str) -> str:
    """The stream of a model's alerts."""
    return f"alert/{model}"


class Alerts:
    """One open alert for each cause and model. ``targets`` are told when one is raised, gets worse and is resolved; those
    under ``only`` of nothing but what is as urgent as that.

    Threads and processes may share the stores. A call inside a transaction joins it: what is told then is told only
    if the decision that raised the alert was stored.
    """

    def __init__(
        self,
        store: AlertStore,
        clock: Clock,
        ids: Ids,
        *,
        tx: Transactions,
        events: EventStore,
        targets: Sequence[str] = (),
        only: Mapping[str, Sequence[Urgency]] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._tx = tx
        self._events = events
        self._routes = Routes(targets, only)
        self.mutes = Mutes(events)

    def raise_(
        self, cause: str, *, severity: Severity, sentence: str, facts: dict[str, Any], model: str, sight: Sight | None = None
    ) -> Alert:
        """Say that a cause holds. While it is open, saying it again counts, and tells nobody unless the severity grew.

        A mute that holds keeps all of it, and tells nobody until it is over.
        """
        if not cause or not model or max(len(cause), len(model)) > LONGEST_NAME:
            raise InvalidInputError("An alert needs a short cause and a model.", found=f"cause {cause[:80]!r}, model {model[:80]!r}")
        cause, model, sentence, facts = clean(cause), clean(model), clean(sentence), limited(facts)
        sight = limited_sight(sight)
        with self._tx.transaction():
            known = self._store.open_cause(model, cause)
            if known is None:
                return self._open(cause, severity, sentence, facts, model, sight=sight)
            seen = seen_again(known, severity, sentence, facts, self._clock.now(), sight=sight)
            if seen.severity is known.severity:
                self._store.update(seen)
                return seen
            return self._change(seen, NoticeKind.WORSENED, _raised_data(seen), BY_ITSELF)

    def resolve(self, cause: str, *, model: str, sentence: str = "") -> Alert | None:
        """Say that a cause is gone; ``sentence`` says what ended it. None where it was not open."""
        cause, model = clean(cause), clean(model)
        if self._store.open_cause(model, cause) is None:
            return None
        with self._tx.transaction():
            known = self._store.open_cause(model, cause)
            if known is None:
                return None
            ended = resolved(known, clean(sentence), self._clock.now())
            return self._change(ended, NoticeKind.RESOLVED, _named(ended) | {"sentence": ended.resolution}, BY_ITSELF)

    def acknowledge(self, alert: str, actor: str, note: str = "", *, model: str | None = None) -> Alert:
        """Say that a person looks after it. ``alert`` is an id, or a number if ``model`` is given.

        ``NotFoundError``; ``IllegalTransitionError`` if it is resolved, or acknowledged already.
        """
        with self._tx.transaction():
            known = self.find(alert, model=model)
            seen = acknowledged(known, actor, clean(note), self._clock.now())
            return self._change(seen, None, _named(seen) | {"note": seen.note}, actor)

    def mute(
        self, model: str, until: int, reason: str, actor: str, *, alert: str | None = None, cause: str | None = None, pages: bool = False
    ) -> Mute:
        """Tell nobody until an instant: about one alert (an id or number), or a cause, or all of the model.

        ``InvalidInputError``, ``NotFoundError``; ``IllegalTransitionError`` for an alert that is resolved.
        """
        now = self._clock.now()
        with self._tx.transaction():
            known = None if alert is None else still_open(self.find(alert, model=model))
            made = Mute(
                id=self._ids.new(),
                model=clean(model),
                until=until,
                reason=clean(reason.strip(), 2 * LONGEST_SENTENCE),
                by=actor,
                at=now,
                alert=None if known is None else known.id,
                number=None if known is None else known.number,
                severity=None if known is None else known.severity,
                cause=None if cause is None else clean(cause),
                pages=pages,
            )
            self.mutes.add(made)
            for one in self._store.open(model):
                if not one.quiet and made.holds(one, now):
                    self._store.update(msgspec.structs.replace(one, quiet=True))
        return made

    def unmute(self, model: str, mute: str, actor: str, reason: str = "") -> Mute:
        """End a mute before its time; what holds still is told at once. ``NotFoundError``."""
        with self._tx.transaction():
            ended = self.mutes.end(model, mute, now=self._clock.now(), reason=clean(reason), actor=actor)
        self.wake()
        return ended

    def wake(self) -> int:
        """Tell of alerts that no mute holds any more; how many."""
        quiet = [alert for alert in self._store.open() if alert.quiet]
        return sum(self._woken(alert.id) for alert in quiet if self.mutes.over(alert, self._clock.now()) is None)

    def _woken(self, alert_id: str) -> bool:
        with self._tx.transaction():
            alert = self._store.get(alert_id)  # as it is now: two servers may see the end of a mute
            if alert is None or not (alert.is_open and alert.quiet):
                return False
            self._change(alert, NoticeKind.RETURNED, _named(alert), BY_ITSELF)
            return True

    def find(self, alert: str, *, model: str | None = None) -> Alert:
        """By id, or by number within a model. ``NotFoundError``."""
        found = self._store.get(alert)
        if found is None and model is not None and alert.isascii() and alert.isdecimal() and len(alert) < 12:
            found = self._store.numbered(model, int(alert))
        if found is None or (model is not None and found.model != model):
            raise NotFoundError(f"There is no alert {clean(alert, 40)!r}.", next_step="volant alerts --all lists them")
        return found

    def open(self, model: str | None = None) -> tuple[Alert, ...]:
        """Those whose cause holds, worst first, then newest; of all models if none is named."""
        return tuple(sorted(self._store.open(model), key=lambda alert: -alert.severity.rank))

    def all(self, model: str, limit: int = 100, before: int | None = None) -> tuple[Alert, ...]:
        """Newest first; those with numbers below ``before``."""
        return self._store.all(model, limit, before)

    def deliveries(self, alert_id: str) -> tuple[Delivery, ...]:
        """Everything that was or will be told about an alert, oldest first."""
        return self._store.deliveries(alert_id)

    def _open(self, cause: str, severity: Severity, sentence: str, facts: dict[str, Any], model: str, *, sight: Sight | None) -> Alert:
        now = self._clock.now()
        made = Alert(
            id=self._ids.new(),
            model=model,
            number=self._store.last(model)[0] + 1,
            cause=cause,
            severity=severity,
            sentence=sentence,
            facts=facts,
            opened_at=now,
            last_seen_at=now,
            seq=0,
            sight=sight,
            addressed=(),
        )
        return self._change(made, NoticeKind.RAISED, _raised_data(made), BY_ITSELF)

    def _change(self, alert: Alert, kind: NoticeKind | None, data: dict[str, Any], actor: str) -> Alert:
        """Event, row and deliveries of one change. Only inside a transaction."""
        last = self._store.last(alert.model)[1]
        new = NewEvent(kind=kind.value if kind else ACKNOWLEDGED, data=canonical(data))
        (event,) = self._events.append(stream_of(alert.model), last, [new], actor=actor)
        changed, targets = self._addressed(msgspec.structs.replace(alert, seq=event.seq), kind)
        if kind is NoticeKind.RAISED:
            self._store.add(changed)
        else:
            self._store.update(changed)
        if kind is not None:
            notice = Notice(event=event.id, kind=_said(kind, alert), at=event.recorded_at, alert=changed)
            self._store.send([_delivery(notice, target) for target in targets])
        return changed

    def _addressed(self, alert: Alert, kind: NoticeKind | None) -> tuple[Alert, tuple[str, ...]]:
        """The alert with whom it was told to by then, and whom this change is told to."""
        if kind is None:
            return alert, ()
        if kind is NoticeKind.RESOLVED:
            return msgspec.structs.replace(alert, quiet=False), self._routes.heard(alert)
        if self.mutes.over(alert, self._clock.now()) is not None:
            return msgspec.structs.replace(alert, quiet=True), ()
        targets = self._routes.wanting(alert)
        heard = tuple(dict.fromkeys((*(alert.addressed or ()), *targets)))
        return msgspec.structs.replace(alert, quiet=False, addressed=heard), targets


def _said(kind: NoticeKind, before: Alert) -> NoticeKind:
    """For those who never heard of it, what returns is new."""
    return NoticeKind.RAISED if kind is NoticeKind.RETURNED and not before.addressed else kind


def _named(alert: Alert) -> dict[str, Any]:
    return {"alert": alert.id, "number": alert.number, "cause": alert.cause}


def _raised_data(alert: Alert) -> dict[str, Any]:
    return _named(alert) | {"severity": alert.severity, "sentence": alert.sentence, "facts": alert.facts}


def _delivery(notice: Notice, target: str) -> Delivery:
    return Delivery(
        id=f"{notice.event}:{digest(target.encode())[:8]}",
        model=notice.alert.model,
        alert=notice.alert.id,
        target=target,
        notice=canonical(notice),
        recorded_at=notice.at,
        next_at=notice.at,
    )
