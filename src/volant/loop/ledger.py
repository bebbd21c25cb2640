"""The stream ``loop/NAME``: every automatic decision with the evidence it rests on, what came of it, and pauses.

Events and their data: ``decided`` a :class:`~volant.loop.model.Decision`; ``cycle_ended`` a :class:`CycleEnd`; ``paused``
and ``resumed`` {reason}.
"""

from collections.abc import Sequence
from typing import Any

from volant.kernel.codec import Value, canonical, decode
from volant.kernel.errors import IllegalTransitionError
from volant.kernel.events import Event, EventStore, NewEvent
from volant.loop.model import Action, Decision

DECIDED, CYCLE_ENDED, PAUSED, RESUMED = "decided", "cycle_ended", "paused", "resumed"


class CycleEnd(Value, frozen=True, kw_only=True):
    """What came of a decision to retrain. ``mark`` names everything that the training could learn from, ``source_mark`` the
    same without labels, where it failed.

    ``error`` says why it made no version; ``version`` is the one it made or found.
    """

    decision: str
    mark: str
    run_id: str | None = None
    version: int | None = None
    error: str | None = None
    source_mark: str | None = None
    code: str | None = None  # of the error, as kernel/errors.py names it


class OpenCycle(Value, frozen=True, kw_only=True):
    """A decision to retrain that nothing has come of yet."""

    decision: str
    decided: Decision


def stream_of(model: str) -> str:
    """The name of a model's stream of decisions."""
    return f"loop/{model}"


class Entries:
    """What a stretch of the stream says, from its beginning."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events

    def decisions(self) -> tuple[tuple[Event, Decision], ...]:
        """All decisions with the events that keep them."""
        return tuple((event, decode(event.data, Decision)) for event in self._events if event.kind == DECIDED)

    def retrained_at(self) -> tuple[int, ...]:
        """When trainings were decided."""
        return tuple(decision.at for _, decision in self.decisions() if decision.action is Action.RETRAIN)

    def ends(self) -> tuple[CycleEnd, ...]:
        """What came of all cycles."""
        return tuple(decode(event.data, CycleEnd) for event in self._events if event.kind == CYCLE_ENDED)

    def paused(self) -> str | None:
        """Who paused it and why; None if it is not paused."""
        for event in reversed(self._events):
            if event.kind == RESUMED:
                return None
            if event.kind == PAUSED:
                return f"by {event.actor}: {decode(event.data, dict[str, Any])['reason']}"
        return None

    def open_cycle(self) -> OpenCycle | None:
        """The newest decision to retrain, if it has not ended: its process died, or is at it."""
        ended = {end.decision for end in self.ends()}
        for event, decision in reversed(self.decisions()):
            if decision.action is Action.RETRAIN:
                return None if event.id in ended else OpenCycle(decision=event.id, decided=decision)
        return None


class DecisionLedger:
    """Decisions of one model, in order. Two writers cannot both add: the second gets ``ConflictError``."""

    def __init__(self, events: EventStore, model: str) -> None:
        self._events = events
        self._model = model
        self._stream = stream_of(model)

    def record(self, decision: Decision, *, actor: str, expected_seq: int | None = None) -> str:
        """Keep a decision; the id of its event names it from then on."""
        return self._append(DECIDED, decision, actor, expected_seq)

    def end(self, end: CycleEnd, *, actor: str) -> str:
        """Keep what came of a cycle."""
        return self._append(CYCLE_ENDED, end, actor)

    def pause(self, reason: str, *, actor: str) -> None:
        """Stop deciding automatically. ``IllegalTransitionError`` if it is paused already."""
        if self.paused() is not None:
            raise IllegalTransitionError(f"{self._model} is paused already.", found=self.paused(), next_step="volant policy resume")
        self._append(PAUSED, {"reason": reason}, actor)

    def resume(self, reason: str, *, actor: str) -> None:
        """Decide automatically again. ``IllegalTransitionError`` if it is not paused."""
        if self.paused() is None:
            raise IllegalTransitionError(f"{self._model} is not paused.", next_step="volant policy show")
        self._append(RESUMED, {"reason": reason}, actor)

    def events(self) -> tuple[Event, ...]:
        """All of the stream."""
        return self._events.read(self._stream)

    def entries(self) -> Entries:
        """What the stream says now."""
        return Entries(self.events())

    def decisions(self) -> tuple[tuple[Event, Decision], ...]:
        """See :class:`Entries`."""
        return self.entries().decisions()

    def paused(self) -> str | None:
        """See :class:`Entries`."""
        return self.entries().paused()

    def ends(self) -> tuple[CycleEnd, ...]:
        """See :class:`Entries`."""
        return self.entries().ends()

    def open_cycle(self) -> OpenCycle | None:
        """See :class:`Entries`."""
        return self.entries().open_cycle()

    def _append(self, kind: str, data: object, actor: str, expected_seq: int | None = None) -> str:
        if expected_seq is None:
            head = self.events()
            expected_seq = head[-1].seq if head else 0
        return self._events.append(self._stream, expected_seq, [NewEvent(kind=kind, data=canonical(data))], actor=actor)[0].id
