"""Instants at which nothing was decided: where the evidence changed, what it then was, and whether waiting was right.

A look is not kept, but each decision says when its server had looked the time before: by then every earlier change had been
seen. What files held at an instant is not logged either, so waiting counts as right if it was right on the files of the
decision before or on those of the decision after. A change of the source is left out for the same reason.
"""

from collections.abc import Iterator

import msgspec

from volant.deployments.history import stream_of as rollout_stream
from volant.kernel.clock import DAY_US, MINUTE_US
from volant.loop.grounds import Grounds, Occasion, Seen, kept
from volant.loop.ledger import Entries, stream_of
from volant.loop.lived import Lived, Recomputed
from volant.loop.model import Action, Decision
from volant.loop.retraced import Overlooked
from volant.loop.retracing import decided_on
from volant.loop.setting import Ports
from volant.monitoring.live import computed_at
from volant.monitoring.model import EstimatedWindow, WindowEvidence, estimated_windows
from volant.registry.rules import stream_of as model_stream

LOOKED_WITHIN_US = MINUTE_US
MOST = 200  # instants between two decisions; of more, these are taken evenly, the last always


class _AtInstant(Recomputed):
    """Windows as the log and the labels would have shown them at the instant."""

    def __init__(self, ports: Ports) -> None:
        super().__init__(ports)
        self._all = ports

    def evidence(self, seen: Seen) -> tuple[WindowEvidence, ...]:
        """See the protocol."""
        if seen.windows is None:
            return ()
        found = computed_at(self._all.predictions, self._all.labels, seen.windows, seen.at)
        return tuple(window.evidence() for window in found.windows if window.ready)

    def estimates(self, seen: Seen) -> tuple[EstimatedWindow, ...]:
        """See the protocol."""
        if seen.windows is None:
            return ()
        found = computed_at(self._all.predictions, self._all.labels, seen.windows, seen.at, self._all.objects)
        return estimated_windows(found.windows)


def overlooked(ports: Ports, model: str) -> tuple[tuple[Overlooked, ...], int]:
    """What was due between two decisions and was not decided, and at how many instants that was looked for."""
    found: list[Overlooked] = []
    count = 0
    earlier: Grounds | None = None
    for event, decision in Entries(ports.events.read(stream_of(model))).decisions():
        later = None if decision.grounds is None else kept(ports.objects, decision.grounds)
        if later is not None and earlier is not None and later.looked_before is not None:
            instants = changed_between(ports, later, earlier.seen.at, later.looked_before)
            count += len(instants)
            due = [(instant, _due_at(ports, later, earlier, instant)) for instant in instants]
            found += [Overlooked(at=at, before=event.id, action=d.action.value, sentence=d.sentence) for at, d in _for_long(due)]
        earlier = later or earlier
    return tuple(found), count


def _for_long(due: list[tuple[int, Decision | None]]) -> Iterator[tuple[int, Decision]]:
    """The first of each unbroken run of due instants that no look can have missed: it lasts, or ends with the last look."""
    begun: tuple[int, Decision] | None = None
    for place, (instant, decision) in enumerate(due):
        if decision is not None and begun is None:
            begun = (instant, decision)
        ends = place == len(due) - 1 or due[place + 1][1] is None
        if begun is not None and decision is not None and ends:
            if place == len(due) - 1 or instant - begun[0] >= LOOKED_WITHIN_US:
                yield begun
            begun = None


def _due_at(ports: Ports, later: Grounds, earlier: Grounds, instant: int) -> Decision | None:
    """What should have been decided at the instant, whichever of the files it was; None where waiting was right."""
    cut = _cut(ports, later.seen, instant)
    if Entries(ports.events.read(stream_of(cut.model))[: cut.loop]).open_cycle() is not None:
        return None  # a training was going on
    known = ports.labels.known_until(cut.model, instant, revision=cut.labels)
    learned = (earlier.seen.labels, ports.labels.known_until(cut.model, earlier.seen.at, revision=earlier.seen.labels))
    same = earlier.occasion is Occasion.RELEASE and learned == (cut.labels, known)
    variants = (
        msgspec.structs.replace(later.seen.files, source_version=0),
        msgspec.structs.replace(earlier.seen.files, source_version=0, unchanged=same),
    )
    decision = None
    for files in variants:
        seen = msgspec.structs.replace(cut, files=files)
        decision = decided_on(Lived(ports, seen, later.policy, _AtInstant(ports)).grounds())
        if decision.action not in {Action.RETRAIN, Action.PROMOTE}:
            return None
    return decision


def _cut(ports: Ports, seen: Seen, instant: int) -> Seen:
    """How far the records reached at an earlier instant."""
    return msgspec.structs.replace(
        seen,
        at=instant,
        labels=ports.labels.revision(seen.model, recorded_by=instant),
        registry=_length(ports, model_stream(seen.model), instant),
        loop=_length(ports, stream_of(seen.model), instant),
        rollout=_length(ports, rollout_stream(seen.model), instant),
        reports=(),
    )


def changed_between(ports: Ports, later: Grounds, since: int, until: int) -> tuple[int, ...]:
    """When the evidence changed after ``since``, up to and with ``until``: labels, lines of windows, events, clocks."""
    seen = later.seen
    streams = (model_stream(seen.model), stream_of(seen.model), rollout_stream(seen.model))
    events = [event.recorded_at for stream in streams for event in ports.events.read(stream)]
    labels = {label.recorded_at for label in ports.labels.current(seen.model, until, revision=seen.labels)}
    known = {label.known_at for label in ports.labels.current(seen.model, until, revision=seen.labels)}
    windows = [window.to_us for window in later.evidence.windows]
    clocks = _due(later, since)
    found = sorted({at for at in (*events, *labels, *known, *windows, *clocks, until) if since < at <= until})
    if len(found) <= MOST:
        return tuple(found)
    return tuple(dict.fromkeys(found[round(place * (len(found) - 1) / (MOST - 1))] for place in range(MOST)))


def _due(later: Grounds, since: int) -> tuple[int, ...]:
    """When clocks fall due, and cooldowns end."""
    last = later.state.last_retrain_at or later.state.trained_until_us or since
    every = [trigger.every_us for trigger in later.policy.retrain.when if trigger.every_us]
    return tuple(last + wait for wait in (*every, later.policy.retrain.guard.cooldown_us) if wait < 3650 * DAY_US)


def _length(ports: Ports, stream: str, instant: int) -> int:
    """How many events a stream had."""
    return max((event.seq for event in ports.events.read(stream) if event.recorded_at <= instant), default=0)
