"""The audit trail: whether the chain of events is whole, and the events themselves."""

from typing import TYPE_CHECKING, Any

from volant.kernel.events import GENESIS, Checkpoint, Event, link
from volant.web.history import entry

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
PAGE = 100


def audit_page(project: "Project", page: int = 1) -> Json:
    """Every stream recomputed and held to the checkpoints; events of all streams, newest first, one page of them."""
    streams = {name: project.events.read(name) for name in project.events.streams()}
    checkpoints = project.events.checkpoints()
    lines = [_stream(name, events, checkpoints) for name, events in streams.items()]
    lines += [_vanished(name, checkpoints) for name in _promised(checkpoints) if name not in streams]
    events = sorted((e for found in streams.values() for e in found), key=lambda e: (e.recorded_at, e.stream, e.seq), reverse=True)
    last = checkpoints[-1] if checkpoints else None
    return {
        "intact": all(line["problem"] is None for line in lines),
        "streams": lines,
        "checkpoints": len(checkpoints),
        "last_checkpoint": None if last is None else {"number": last.number, "recorded_at": last.recorded_at},
        "total": len(events),
        "page": page,
        "more": len(events) > page * PAGE,
        "events": [entry(event) for event in events[(page - 1) * PAGE : page * PAGE]],
    }


def _promised(checkpoints: tuple[Checkpoint, ...]) -> list[str]:
    return sorted({name for point in checkpoints for name in point.heads})


def _stream(name: str, events: tuple[Event, ...], checkpoints: tuple[Checkpoint, ...]) -> Json:
    head = events[-1] if events else None
    return {
        "stream": name,
        "events": len(events),
        "head": None if head is None else head.chain,
        "recorded_at": None if head is None else head.recorded_at,
        "problem": _broken_link(events) or _broken_promise(name, events, checkpoints),
    }


def _vanished(name: str, checkpoints: tuple[Checkpoint, ...]) -> Json:
    number = next(point.number for point in checkpoints if name in point.heads)
    return {"stream": name, "events": 0, "head": None, "recorded_at": None, "problem": f"gone, though checkpoint {number} holds it"}


def _broken_link(events: tuple[Event, ...]) -> str | None:
    previous = GENESIS
    for place, event in enumerate(events, start=1):
        if event.seq != place:
            return f"event {place} is missing"
        if link(previous, event) != event.chain:
            return f"event {event.seq} is not what was recorded"
        previous = event.chain
    return None


def _broken_promise(name: str, events: tuple[Event, ...], checkpoints: tuple[Checkpoint, ...]) -> str | None:
    """A checkpoint that knows more of the stream, or something else, than the stream has now."""
    for point in checkpoints:
        seq, chain = point.heads.get(name, (0, GENESIS))
        if seq > len(events):
            return f"ends at event {len(events)}, but checkpoint {point.number} has seen event {seq}"
        if seq and events[seq - 1].chain != chain:
            return f"event {seq} differs from checkpoint {point.number}"
    return None
