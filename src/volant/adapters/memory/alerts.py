"""Alerts and their outbox in memory."""

from collections.abc import Sequence
from typing import Any

import msgspec

from volant.adapters.documents import as_stored
from volant.adapters.memory.database import MemoryDatabase
from volant.adapters.refusals import not_next_alert, open_already, unknown
from volant.monitoring.alert_model import Alert, Delivery
from volant.monitoring.alert_rules import LONGEST_WAIT_US


class MemoryAlerts:
    """See :class:`volant.monitoring.alert_ports.AlertStore`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database
        self._alerts = database.table("alert")  # id -> alert, in the order of adding
        self._outbox = database.table("alert_delivery")  # id -> delivery, in the order of sending

    def add(self, alert: Alert) -> None:
        """See the port."""
        with self._db.transaction():
            if self.open_cause(alert.model, alert.cause) is not None:
                raise open_already(alert)
            last = self.last(alert.model)[0]
            if alert.number != last + 1:
                raise not_next_alert(alert, last)
            self._alerts[alert.id] = as_stored(alert)

    def update(self, alert: Alert) -> None:
        """See the port."""
        with self._db.transaction():
            if alert.id not in self._alerts:
                raise unknown("alert", alert.id, "volant alerts --all lists them")
            self._alerts[alert.id] = as_stored(alert)

    def get(self, alert_id: str) -> Alert | None:
        """See the port."""
        with self._db.reading():
            return self._alerts.get(alert_id)

    def numbered(self, model: str, number: int) -> Alert | None:
        """See the port."""
        return next((alert for alert in self._of(model) if alert.number == number), None)

    def open_cause(self, model: str, cause: str) -> Alert | None:
        """See the port."""
        return next((alert for alert in self._of(model) if alert.cause == cause and alert.is_open), None)

    def open(self, model: str | None = None) -> tuple[Alert, ...]:
        """See the port."""
        return tuple(alert for alert in reversed(self._of(model)) if alert.is_open)

    def all(self, model: str, limit: int = 100, before: int | None = None) -> tuple[Alert, ...]:
        """See the port."""
        found = (alert for alert in reversed(self._of(model)) if before is None or alert.number < before)
        return tuple(found)[: max(limit, 0)]

    def last(self, model: str) -> tuple[int, int]:
        """See the port."""
        found = self._of(model)
        return max((alert.number for alert in found), default=0), max((alert.seq for alert in found), default=0)

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """See the port."""
        with self._db.transaction():
            for delivery in deliveries:
                self._outbox.setdefault(delivery.id, delivery)

    def due(self, now: int, limit: int = 100) -> tuple[Delivery, ...]:
        """See the port."""
        with self._db.reading():
            heads: dict[tuple[str, str], Delivery] = {}
            for delivery in self._outbox.values():
                if delivery.next_at is not None:
                    heads.setdefault((delivery.alert, delivery.target), delivery)
            waiting = (head for head in heads.values() if head.next_at is not None and not now < head.next_at <= now + LONGEST_WAIT_US)
            found: list[Delivery] = []
            for head in waiting:
                if sum(one.target == head.target for one in found) < limit:
                    found.append(head)
            return tuple(found)

    def waiting(self, target: str, limit: int = 100) -> tuple[Delivery, ...]:
        """See the port."""
        with self._db.reading():
            found = (one for one in self._outbox.values() if one.target == target and one.next_at is not None)
            return tuple(found)[: max(limit, 0)]

    def claim(self, delivery: Delivery, next_at: int) -> bool:
        """See the port."""
        with self._db.transaction():
            found = self._outbox.get(delivery.id)
            if found is None or found.next_at is None or found.tries != delivery.tries:
                return False
            self._set(delivery.id, tries=found.tries + 1, next_at=next_at, error=None)
            return True

    def delivered(self, delivery_id: str, at: int) -> None:
        """See the port."""
        with self._db.transaction():
            if self._waits(delivery_id):
                self._set(delivery_id, next_at=None, done_at=at, error=None)

    def failed(self, delivery_id: str, error: str, next_at: int) -> None:
        """See the port."""
        with self._db.transaction():
            if self._waits(delivery_id):
                self._set(delivery_id, next_at=next_at, error=error)

    def give_up(self, delivery_id: str, error: str, at: int) -> None:
        """See the port."""
        with self._db.transaction():
            if self._waits(delivery_id):
                self._set(delivery_id, next_at=None, given_up_at=at, error=error)

    def deliveries(self, alert_id: str) -> tuple[Delivery, ...]:
        """See the port."""
        with self._db.reading():
            return tuple(delivery for delivery in self._outbox.values() if delivery.alert == alert_id)

    def forget_deliveries(self, before: int) -> int:
        """See the port."""
        with self._db.transaction():
            old = [one.id for one in self._outbox.values() if one.next_at is None and one.recorded_at < before]
            for name in old:
                del self._outbox[name]
            return len(old)

    def troubled(self, model: str, limit: int = 100) -> tuple[Delivery, ...]:
        """See the port."""
        with self._db.reading():
            found = [delivery for delivery in self._outbox.values() if delivery.model == model and delivery.error is not None]
            return tuple(reversed(found))[: max(limit, 0)]

    def _of(self, model: str | None) -> tuple[Alert, ...]:
        with self._db.reading():
            return tuple(alert for alert in self._alerts.values() if model is None or alert.model == model)

    def _waits(self, delivery_id: str) -> bool:
        found = self._outbox.get(delivery_id)
        return found is not None and found.next_at is not None

    def _set(self, delivery_id: str, **changes: Any) -> None:
        self._outbox[delivery_id] = msgspec.structs.replace(self._outbox[delivery_id], **changes)
