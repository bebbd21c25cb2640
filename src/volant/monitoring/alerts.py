"""Raising, acknowledging and resolving alerts: events of ``alert/MODEL``, rows and deliveries in one transaction.

Events and their data: ``raised`` and ``worsened`` {alert, number, cause, severity, sentence, facts}, ``acknowledged``
{alert, number, cause, note}, ``resolved`` {alert, number, cause, sentence}. Being seen again is a row's count, not an event.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from volant.kernel.clock import Clock
from volant.kernel.codec import canonical
from volant.kernel.digests import digest
from volant.kernel.errors import InvalidInputError, NotFoundError
from volant.kernel.events import EventStore, NewEvent
from volant.kernel.ids import Ids
from volant.kernel.transactions import Transactions
from volant.monitoring.alert_model import Alert, Delivery, Notice, NoticeKind, Severity
from volant.monitoring.alert_ports import AlertStore
from volant.monitoring.alert_rules import LONGEST_NAME, acknowledged, clean, limited, resolved, seen_again

ACKNOWLEDGED = "acknowledged"
BY_ITSELF = "volant"  # the actor of what no person did


def stream_of(model: str) -> str:
    """The stream of a model's alerts."""
    return f"alert/{model}"


class Alerts:
    """One open alert for each cause and model. ``targets`` are told when one is raised, gets worse and is resolved.

    Threads and processes may share the stores. A call inside a transaction joins it: what is told then is told only
    if the decision that raised the alert was stored.
    """

    def __init__(
        self, store: AlertStore, clock: Clock, ids: Ids, *, tx: Transactions, events: EventStore, targets: Sequence[str] = ()
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._tx = tx
        self._events = events
        self._targets = tuple(dict.fromkeys(targets))

    def raise_(self, cause: str, *, severity: Severity, sentence: str, facts: dict[str, Any], model: str) -> Alert:
        """Say that a cause holds. While it is open, saying it again counts, and tells nobody unless the severity grew."""
        if not cause or not model or max(len(cause), len(model)) > LONGEST_NAME:
            raise InvalidInputError("An alert needs a short cause and a model.", found=f"cause {cause[:80]!r}, model {model[:80]!r}")
        cause, model, sentence, facts = clean(cause), clean(model), clean(sentence), limited(facts)
        with self._tx.transaction():
            known = self._store.open_cause(model, cause)
            if known is None:
                return self._open(cause, severity, sentence, facts, model)
            seen = seen_again(known, severity, sentence, facts, self._clock.now())
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

    def _open(self, cause: str, severity: Severity, sentence: str, facts: dict[str, Any], model: str) -> Alert:
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
        )
        return self._change(made, NoticeKind.RAISED, _raised_data(made), BY_ITSELF)

    def _change(self, alert: Alert, kind: NoticeKind | None, data: dict[str, Any], actor: str) -> Alert:
        """Event, row and deliveries of one change. Only inside a transaction."""
        last = self._store.last(alert.model)[1]
        new = NewEvent(kind=kind.value if kind else ACKNOWLEDGED, data=canonical(data))
        (event,) = self._events.append(stream_of(alert.model), last, [new], actor=actor)
        changed = msgspec.structs.replace(alert, seq=event.seq)
        if kind is NoticeKind.RAISED:
            self._store.add(changed)
        else:
            self._store.update(changed)
        if kind is not None:
            notice = Notice(event=event.id, kind=kind, at=event.recorded_at, alert=changed)
            self._store.send([_delivery(notice, target) for target in self._targets])
        return changed


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
