"""Every automatic decision, kept as an event of ``loop/NAME`` with the evidence it rests on."""

from volant.kernel.codec import canonical, decode
from volant.kernel.events import Event, EventStore, NewEvent
from volant.loop.model import Decision

DECIDED = "decided"


def stream_of(model: str) -> str:
    """The name of a model's stream of decisions."""
    return f"loop/{model}"


class DecisionLedger:
    """Decisions of one model, in order."""

    def __init__(self, events: EventStore, model: str) -> None:
        self._events = events
        self._stream = stream_of(model)

    def record(self, decision: Decision, *, actor: str) -> str:
        """Keep a decision; the id of its event names it from then on."""
        head = self._events.read(self._stream)
        seq = head[-1].seq if head else 0
        return self._events.append(self._stream, seq, [NewEvent(kind=DECIDED, data=canonical(decision))], actor=actor)[0].id

    def decisions(self) -> tuple[tuple[Event, Decision], ...]:
        """All decisions with the events that keep them."""
        return tuple((event, decode(event.data, Decision)) for event in self._events.read(self._stream) if event.kind == DECIDED)
