"""Alerts and their outbox in SQLite."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from volant.adapters.db.sqlite.database import Rows, SqliteDatabase
from volant.adapters.db.sqlite.statements import statements
from volant.adapters.documents import from_document, to_document
from volant.adapters.refusals import not_next_alert, open_already, unknown
from volant.kernel.errors import ConflictError
from volant.monitoring.alert_model import Alert, Delivery
from volant.monitoring.alert_rules import LONGEST_WAIT_US

PAST_ALL = 1 << 62  # no number reaches it


class SqliteAlerts:
    """See :class:`volant.monitoring.alert_ports.AlertStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._db = database
        self._sql = statements("alerts")

    def add(self, alert: Alert) -> None:
        """See the port."""
        with self._db.transaction():
            if self.open_cause(alert.model, alert.cause) is not None:
                raise open_already(alert)
            last = self.last(alert.model)[0]
            if alert.number != last + 1:
                raise not_next_alert(alert, last)
            row = (alert.id, alert.model, alert.number, alert.cause, alert.is_open, alert.seq, to_document(alert))
            try:
                self._db.write(self._sql["add"], row)
            except sqlite3.IntegrityError as error:
                raise ConflictError(f"Alert {alert.id} could not be added.", found=str(error), next_step="use a new id") from error

    def update(self, alert: Alert) -> None:
        """See the port."""
        if not self._db.write(self._sql["update"], (alert.is_open, alert.seq, to_document(alert), alert.id)):
            raise unknown("alert", alert.id, "volant alerts --all lists them")

    def get(self, alert_id: str) -> Alert | None:
        """See the port."""
        return self._one("get", (alert_id,))

    def numbered(self, model: str, number: int) -> Alert | None:
        """See the port."""
        return self._one("numbered", (model, number))

    def open_cause(self, model: str, cause: str) -> Alert | None:
        """See the port."""
        return self._one("open_cause", (model, cause))

    def open(self, model: str | None = None) -> tuple[Alert, ...]:
        """See the port."""
        if model is None:
            return _alerts(self._db.rows(self._sql["open"]))
        return _alerts(self._db.rows(self._sql["open_of_model"], (model,)))

    def all(self, model: str, limit: int = 100, before: int | None = None) -> tuple[Alert, ...]:
        """See the port."""
        return _alerts(self._db.rows(self._sql["all"], (model, PAST_ALL if before is None else before, max(limit, 0))))

    def last(self, model: str) -> tuple[int, int]:
        """See the port."""
        number, seq = self._db.row(self._sql["last"], {"model": model}) or (0, 0)
        return number, seq

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """See the port."""
        rows = [(one.id, one.model, one.alert, one.target, one.notice, one.recorded_at, one.next_at) for one in deliveries]
        if rows:
            self._db.write_many(self._sql["send"], rows)

    def due(self, now: int, limit: int = 100) -> tuple[Delivery, ...]:
        """See the port."""
        values: dict[str, object] = {"now": now, "longest_wait": LONGEST_WAIT_US, "limit": max(limit, 0)}
        return _deliveries(self._db.rows(self._sql["due"], values))

    def waiting(self, target: str, limit: int = 100) -> tuple[Delivery, ...]:
        """See the port."""
        return _deliveries(self._db.rows(self._sql["waiting"], (target, max(limit, 0))))

    def claim(self, delivery: Delivery, next_at: int) -> bool:
        """See the port."""
        return self._db.write(self._sql["claim"], (next_at, delivery.id, delivery.tries)) == 1

    def delivered(self, delivery_id: str, at: int) -> None:
        """See the port."""
        self._db.write(self._sql["delivered"], (at, delivery_id))

    def failed(self, delivery_id: str, error: str, next_at: int) -> None:
        """See the port."""
        self._db.write(self._sql["failed"], (next_at, error, delivery_id))

    def give_up(self, delivery_id: str, error: str, at: int) -> None:
        """See the port."""
        self._db.write(self._sql["give_up"], (at, error, delivery_id))

    def deliveries(self, alert_id: str) -> tuple[Delivery, ...]:
        """See the port."""
        return _deliveries(self._db.rows(self._sql["deliveries"], (alert_id,)))

    def forget_deliveries(self, before: int) -> int:
        """See the port."""
        return self._db.write(self._sql["forget_deliveries"], (before,))

    def troubled(self, model: str, limit: int = 100) -> tuple[Delivery, ...]:
        """See the port."""
        return _deliveries(self._db.rows(self._sql["troubled"], (model, max(limit, 0))))

    def _one(self, statement: str, values: tuple[Any, ...]) -> Alert | None:
        row = self._db.row(self._sql[statement], values)
        return None if row is None else from_document(row[0], Alert)


def _alerts(rows: Rows) -> tuple[Alert, ...]:
    return tuple(from_document(row[0], Alert) for row in rows)


def _deliveries(rows: Rows) -> tuple[Delivery, ...]:
    names = ("id", "model", "alert", "target", "notice", "recorded_at", "tries", "next_at", "error", "done_at", "given_up_at")
    return tuple(Delivery(**dict(zip(names, row, strict=True))) for row in rows)
