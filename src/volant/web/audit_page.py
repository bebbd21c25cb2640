"""The audit trail: whether the chain of events is whole, and the events themselves."""

from typing import TYPE_CHECKING, Any

from volant.kernel.audit import Damage, read_anchors, verify
from volant.kernel.clock import DAY_US
from volant.web.history import entry

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
PAGE = 100
NAMES = frozenset({"checkpoints"})  # where damage is that belongs to no stream


def audit_page(project: "Project", page: int = 1) -> Json:
    """Every stream recomputed and held to checkpoints and anchors; events of all streams, newest first, one page of them."""
    report = verify(project.events, read_anchors(project.anchors))
    streams = {name: project.events.read(name) for name in project.events.streams()}
    events = sorted((e for found in streams.values() for e in found), key=lambda e: (e.recorded_at, e.stream, e.seq), reverse=True)
    checkpoints = project.events.checkpoints()
    last = checkpoints[-1] if checkpoints else None
    damaged = {damage.stream for damage in report.damage} - NAMES
    return {
        "intact": report.intact,
        "damage": [{"stream": found.stream, "seq": found.seq, "sentence": found.sentence} for found in report.damage],
        "streams": [_stream(name, report.heads.get(name), streams.get(name, ()), report.damage) for name in sorted({*streams, *damaged})],
        "checkpoints": report.checkpoints,
        "anchors": report.anchors,
        "last_checkpoint": None if last is None else {"number": last.number, "recorded_at": last.recorded_at, "chain": last.chain},
        "stale": last is not None and bool(events) and events[0].recorded_at - last.recorded_at > DAY_US,
        "total": len(events),
        "page": page,
        "more": len(events) > page * PAGE,
        "events": [entry(event) for event in events[(page - 1) * PAGE : page * PAGE]],
    }


def _stream(name: str, head: tuple[int, str] | None, events: tuple[Any, ...], damage: tuple[Damage, ...]) -> Json:
    return {
        "stream": name,
        "events": len(events),
        "head": None if head is None else head[1],
        "recorded_at": events[-1].recorded_at if events else None,
        "damaged": any(found.stream == name for found in damage),
    }
