"""Where a model's streams have led to, folded once: only events that came since are read."""

from typing import Any

import msgspec

from volant.kernel.codec import Value, decode
from volant.kernel.events import Event, EventStore
from volant.loop import ledger
from volant.loop.model import Action, Decision
from volant.registry import rules
from volant.registry.model import ModelState
from volant.wiring.wheel import Looped


class Released(Value, frozen=True, kw_only=True):
    """The release state, when the champion became one, and when each version was last decided about."""

    state: ModelState
    released_at: int | None = None
    decided_at: dict[int, int] = {}


class Folds:
    """Folded streams of all models of a store. Threads may share it: a fold that two make at once is the same."""

    def __init__(self, events: EventStore) -> None:
        self._events = events
        self._released: dict[str, Released] = {}
        self._looped: dict[str, tuple[int, Looped]] = {}

    def released(self, model: str) -> Released:
        """From ``model/NAME``."""
        known = self._released.get(model) or Released(state=ModelState(model=model))
        for event in self._events.read(rules.stream_of(model), known.state.seq):
            known = _released(known, event)
        self._released[model] = known
        return known

    def looped(self, model: str) -> Looped:
        """From ``loop/NAME``."""
        seq, known = self._looped.get(model, (0, Looped()))
        for event in self._events.read(ledger.stream_of(model), seq):
            seq, known = event.seq, looped(known, event)
        self._looped[model] = seq, known
        return known


def _released(known: Released, event: Event) -> Released:
    state = rules.evolve(known.state, event)
    at = event.recorded_at if state.epoch != known.state.epoch else known.released_at
    if event.kind not in rules.KINDS:
        return Released(state=state, released_at=at, decided_at=known.decided_at)
    number = int(decode(event.data, dict[str, Any])["version"])
    return Released(state=state, released_at=at, decided_at={**known.decided_at, number: event.recorded_at})


def looped(known: Looped, event: Event) -> Looped:
    """The automation's standing after an event of its stream. Kinds that are not known change nothing."""
    change = msgspec.structs.replace
    if event.kind == ledger.PAUSED:
        return change(known, paused=f"by {event.actor}: {decode(event.data, dict[str, Any])['reason']}")
    if event.kind == ledger.RESUMED:
        return change(known, paused=None)
    if event.kind == ledger.CYCLE_ENDED:
        end = decode(event.data, ledger.CycleEnd)
        return change(known, training_since=None, failed=end.error, failed_at=event.recorded_at if end.error else None)
    if event.kind != ledger.DECIDED:
        return known
    decision = decode(event.data, Decision)
    if decision.action is not Action.RETRAIN:
        return change(known, last=decision)
    return change(known, last=decision, retrains=known.retrains + 1, last_retrain_at=decision.at, training_since=event.recorded_at)
