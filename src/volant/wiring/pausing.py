"""Whether a model's automation is paused, for those who ask again and again: only new events are read."""

from volant.kernel.events import EventStore
from volant.loop.ledger import PAUSED, RESUMED, DecisionLedger, stream_of


class Pauses:
    """Asked with a model's name. Threads may share it."""

    def __init__(self, events: EventStore) -> None:
        self._events = events
        self._known: dict[str, tuple[int, str | None]] = {}

    def __call__(self, model: str) -> str | None:
        """Who paused it and why, or None."""
        seq, paused = self._known.get(model, (0, None))
        new = self._events.read(stream_of(model), seq)
        if new:
            if any(event.kind in {PAUSED, RESUMED} for event in new):
                paused = DecisionLedger(self._events, model).paused()
            self._known[model] = (new[-1].seq, paused)
        return paused
