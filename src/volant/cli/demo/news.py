"""What has been decided and noticed since the last look, in the product's own sentences, read from its stored events."""

from typing import TYPE_CHECKING, NamedTuple

import orjson

from volant.deployments import history as rollouts
from volant.deployments.model import Rollout
from volant.loop.ledger import CYCLE_ENDED, DECIDED
from volant.loop.ledger import stream_of as loop_stream
from volant.loop.model import Action
from volant.monitoring.alerts import stream_of as alert_stream

if TYPE_CHECKING:
    from volant.kernel.events import Event
    from volant.wiring.project import Project

_COUNTED = frozenset({rollouts.OBSERVED, rollouts.LIMITED, rollouts.WEIGHED, rollouts.STARTED})


class Item(NamedTuple):
    """One piece of news. ``decision``: it belongs to the timeline of decisions."""

    at: int
    text: str
    decision: bool = True


class News:
    """Reads what is new in the streams of one model."""

    def __init__(self, project: "Project") -> None:
        self._project = project
        self._read: dict[str, int] = {}
        self._rollout = Rollout(model=project.name)
        self.all: list[Item] = []

    def fresh(self) -> list[Item]:
        """What came since the last call, in order of time."""
        model = self._project.name
        found = [item for event in self._new(loop_stream(model)) for item in self._of_loop(event)]
        found += [item for event in self._new(rollouts.stream_of(model)) for item in self._of_rollout(event)]
        found += [item for event in self._new(alert_stream(model)) for item in _of_alert(event)]
        found.sort(key=lambda item: item.at)
        self.all += found
        return found

    def _new(self, stream: str) -> "tuple[Event, ...]":
        events = self._project.events.read(stream, self._read.get(stream, 0))
        if events:
            self._read[stream] = events[-1].seq
        return events

    @staticmethod
    def _of_loop(event: "Event") -> list[Item]:
        data = orjson.loads(event.data)
        if event.kind == CYCLE_ENDED and data.get("error"):
            return [Item(event.recorded_at, f"the training came to nothing: {data['error']}")]
        if event.kind != DECIDED:
            return []
        if data["action"] == Action.RETRAIN:
            return [Item(event.recorded_at, f"decides to retrain: {data['sentence']}")]
        return [Item(event.recorded_at, f"gate: {data['sentence']}")]

    def _of_rollout(self, event: "Event") -> list[Item]:
        before, self._rollout = self._rollout, rollouts.evolve(self._rollout, event)
        if event.kind in _COUNTED or self._rollout.sentence == before.sentence:
            return []
        return [Item(event.recorded_at, f"rollout: {self._rollout.sentence}")]


def _of_alert(event: "Event") -> list[Item]:
    if event.kind not in {"raised", "worsened", "resolved"}:
        return []
    data = orjson.loads(event.data)
    return [Item(event.recorded_at, f"alert {data['number']} {event.kind}: {data['sentence']}", decision=False)]
