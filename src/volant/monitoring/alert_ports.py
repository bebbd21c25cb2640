"""What alerts need stored and sent."""

from collections.abc import Sequence
from typing import Protocol

from volant.monitoring.alert_model import Alert, Delivery, Notice


class AlertStore(Protocol):
    """Alerts as rows that follow their events, and the outbox of deliveries. Every call joins the open transaction."""

    def add(self, alert: Alert) -> None:
        """A new alert. ``ConflictError`` if its cause is open already or its number is not the next one."""
        ...

    def update(self, alert: Alert) -> None:
        """Replace the row of that id. ``NotFoundError`` if there is none."""
        ...

    def get(self, alert_id: str) -> Alert | None:
        """By id."""
        ...

    def numbered(self, model: str, number: int) -> Alert | None:
        """By the number within a model."""
        ...

    def open_cause(self, model: str, cause: str) -> Alert | None:
        """The alert of a cause that is not resolved."""
        ...

    def open(self, model: str | None = None) -> tuple[Alert, ...]:
        """Those not resolved, newest first; of all models if none is named."""
        ...

    def all(self, model: str, limit: int = 100, before: int | None = None) -> tuple[Alert, ...]:
        """Newest first; those with numbers below ``before``."""
        ...

    def last(self, model: str) -> tuple[int, int]:
        """The last number and the last event's sequence of a model; zeros where there is no alert."""
        ...

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """Put deliveries into the outbox. One whose id is there already is left as it is."""
        ...

    def due(self, now: int, limit: int = 100) -> tuple[Delivery, ...]:
        """Deliveries to try now, oldest first, at most the oldest of each alert and target, so that none overtakes another, and at
        most ``limit`` for each target, so that none that is down holds up others.

        One that would be tried more than ``LONGEST_WAIT_US`` from now is due as well: the clock was set back.
        """
        ...

    def waiting(self, target: str, limit: int = 100) -> tuple[Delivery, ...]:
        """Deliveries for a target that are still to be made, due or not, oldest first."""
        ...

    def claim(self, delivery: Delivery, next_at: int) -> bool:
        """Count a try, which has failed with nothing yet, and set when the next would be. False if somebody else was faster."""
        ...

    def delivered(self, delivery_id: str, at: int) -> None:
        """It arrived. Doing it twice is harmless."""
        ...

    def failed(self, delivery_id: str, error: str, next_at: int) -> None:
        """It did not arrive and is tried again."""
        ...

    def give_up(self, delivery_id: str, error: str, at: int) -> None:
        """It will not be tried again."""
        ...

    def deliveries(self, alert_id: str) -> tuple[Delivery, ...]:
        """Everything that was or will be told about an alert, oldest first."""
        ...

    def forget_deliveries(self, before: int) -> int:
        """Drop deliveries recorded before an instant that arrived or were given up; how many. What still waits stays."""
        ...

    def troubled(self, model: str, limit: int = 100) -> tuple[Delivery, ...]:
        """Deliveries whose last try failed, newest first: waiting for another try, or given up."""
        ...


class Undelivered(Exception):  # noqa: N818 - an outcome that is expected, and handled where it is tried
    """A target did not take a notice. The message names neither its address nor a secret.

    ``wait_us`` is how long the target asked to be left alone, 0 if it did not; ``final`` that no other try would help.
    """

    def __init__(self, message: str, wait_us: int = 0, *, final: bool = False) -> None:
        super().__init__(message)
        self.wait_us = wait_us
        self.final = final


class Sender(Protocol):
    """Tells targets. Both return what the target answered once it has taken what it was told, or raise :class:`Undelivered`."""

    async def __call__(self, target: str, delivery_id: str, notice: Notice) -> str:
        """One notice."""
        ...

    async def together(self, target: str, delivery_id: str, notices: Sequence[Notice]) -> str:
        """Several in one message, oldest first. Only for targets that people read (``alert_digest.is_for_people``)."""
        ...
