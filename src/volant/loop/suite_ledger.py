"""The stream ``suite/NAME``: every run of a suite, claimed before it begins, with what came of it.

Events and their data: ``suite_started`` a :class:`~volant.loop.suite_model.SuiteStart`; ``suite_ended`` a
:class:`~volant.loop.suite_model.SuiteEnd`. A run for a period is claimed by its event, at the place in the stream that the claimer
saw last: of two servers that claim the same period only one can.
"""

from collections.abc import Sequence

import msgspec

from volant.config.model import SuiteConfig
from volant.kernel.codec import canonical, decode
from volant.kernel.errors import ConflictError
from volant.kernel.events import Event, EventStore, NewEvent
from volant.loop.suite_model import SuiteEnd, SuiteRun, SuiteStart

STARTED, ENDED = "suite_started", "suite_ended"
BY_ITSELF = "volant"
_TRIES = 5


def stream_of(model: str) -> str:
    """The name of a model's stream of suites."""
    return f"suite/{model}"


def period_of(suite: SuiteConfig, now: int) -> int:
    """Which stretch of the suite's rhythm ``now`` lies in, counted from 1970."""
    return now // suite.every_us


def due(suites: Sequence[SuiteConfig], claimed: frozenset[tuple[str, int]], now: int) -> tuple[SuiteConfig, ...]:
    """Those whose present period nobody has claimed."""
    return tuple(suite for suite in suites if (suite.name, period_of(suite, now)) not in claimed)


class SuiteLedger:
    """Runs of one model's suites."""

    def __init__(self, events: EventStore, model: str) -> None:
        self._events = events
        self._stream = stream_of(model)

    def runs(self) -> tuple[SuiteRun, ...]:
        """Oldest first."""
        return runs_of(self._events.read(self._stream))

    def claimed(self, after: int = 0) -> tuple[int, frozenset[tuple[str, int]]]:
        """Suites with the periods that were claimed after a place of the stream, and the place it ends at now."""
        events = self._events.read(self._stream, after)
        starts = [decode(event.data, SuiteStart) for event in events if event.kind == STARTED]
        found = frozenset((start.suite, start.period) for start in starts if start.period is not None)
        return (events[-1].seq if events else after), found

    def claim(self, suite: SuiteConfig, now: int) -> str | None:
        """Begin the run of the suite's present period; None if somebody has it already."""
        for _ in range(_TRIES):
            place, claimed = self.claimed()
            if not due([suite], claimed, now):
                return None
            try:
                return self._start(place, SuiteStart(suite=suite.name, period=period_of(suite, now)), BY_ITSELF)
            except ConflictError:
                continue  # something else was written meanwhile: look again
        return None

    def begin(self, suite: str, actor: str) -> str:
        """Begin a run because a person asks. ``ConflictError`` if others keep writing."""
        return self._start(self.claimed()[0], SuiteStart(suite=suite, period=None), actor)

    def end(self, end: SuiteEnd, actor: str) -> None:
        """Keep what came of a run."""
        for attempt in range(_TRIES):
            try:
                self._events.append(self._stream, self.claimed()[0], [NewEvent(kind=ENDED, data=canonical(end))], actor=actor)
            except ConflictError:
                if attempt == _TRIES - 1:
                    raise
            else:
                return

    def _start(self, place: int, start: SuiteStart, actor: str) -> str:
        (event,) = self._events.append(self._stream, place, [NewEvent(kind=STARTED, data=canonical(start))], actor=actor)
        return event.id


def runs_of(events: Sequence[Event]) -> tuple[SuiteRun, ...]:
    """Runs from their events, oldest first."""
    found: dict[str, SuiteRun] = {}
    for event in events:
        if event.kind == STARTED:
            start = decode(event.data, SuiteStart)
            found[event.id] = SuiteRun(id=event.id, suite=start.suite, period=start.period, actor=event.actor, began_at=event.recorded_at)
        elif event.kind == ENDED:
            end = decode(event.data, SuiteEnd)
            if end.start in found:
                found[end.start] = msgspec.structs.replace(found[end.start], end=end, ended_at=event.recorded_at)
    return tuple(found.values())
