"""Telling an Alertmanager again what holds, before it forgets, and for a while what is over; see ``alert_states.py``.

Changes come through the outbox like those for every target. This is a state said again: nothing of it is stored, and what is
not taken is said at the next time.
"""

import contextlib
from collections.abc import Awaitable, Callable, Sequence

from volant.kernel.clock import Clock
from volant.monitoring.alert_model import Alert
from volant.monitoring.alert_ports import AlertStore, Undelivered
from volant.monitoring.alert_states import AGAIN_US, OVER_US

PREFIX = "alertmanager:"
States = Callable[[str, Sequence[Alert]], Awaitable[object]]


class Repeating:
    """Of one server. ``targets`` gives the Alertmanagers that are named now; ``say`` posts states, or raises ``Undelivered``."""

    def __init__(self, store: AlertStore, say: States, clock: Clock, targets: Callable[[], Sequence[str]]) -> None:
        self._store = store
        self._say = say
        self._clock = clock
        self._targets = targets
        self._last: int | None = None
        self._held: dict[str, Alert] = {}  # what held at the last look, or is over since a short while

    def look(self) -> list[tuple[str, list[Alert]]]:
        """What to say to whom now; nothing before a minute has passed. Asks the store."""
        now = self._clock.now()
        targets = [target for target in self._targets() if target.startswith(PREFIX)]
        if not targets or (self._last is not None and 0 <= now - self._last < AGAIN_US):
            return []
        self._last = now
        standing = {alert.id: alert for alert in self._store.open() if not alert.quiet}
        over = [self._store.get(known) for known in self._held.keys() - standing.keys()]
        recent = {alert.id: alert for alert in over if alert is not None and _is_recent(alert, now)}
        self._held = standing | recent
        return [(target, found) for target in targets if (found := [one for one in self._held.values() if _hears(target, one)])]

    async def say(self, found: Sequence[tuple[str, list[Alert]]]) -> None:
        """Say it."""
        for target, alerts in found:
            with contextlib.suppress(Undelivered):
                await self._say(target, alerts)


def _is_recent(alert: Alert, now: int) -> bool:
    return alert.resolved_at is not None and abs(now - alert.resolved_at) <= OVER_US


def _hears(target: str, alert: Alert) -> bool:
    return alert.addressed is None or target in alert.addressed
