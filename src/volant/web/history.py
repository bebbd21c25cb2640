"""Who decided what about a model, when and why: its event streams as people read them."""

from typing import TYPE_CHECKING, Any

import msgspec

from volant.kernel.events import Event
from volant.loop.ledger import CYCLE_ENDED, DECIDED

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
LOOKED_BACK = 1000
_AT_ONCE = 100
_SHOWN = {"reason", "override", "version", "sentence", "decision", "action", "at", "trigger", "evidence", "error", "mark", "code", "run_id"}


def decisions(project: "Project", model: str, number: int | None = None) -> list[Json]:
    """Events of one version, or of the model with what its automation decided; newest first."""
    events = list(project.events.read(f"model/{model}"))
    if number is None:
        events += [event for event in project.events.read(f"loop/{model}") if not _is_plain_end(event)]
    events.sort(key=lambda event: (event.recorded_at, event.id), reverse=True)
    found = [entry(event) for event in events]
    return [line for line in found if number is None or line["version"] == number]


def recent(project: "Project", most: int) -> list[Json]:
    """The newest decisions about any model of the store."""
    found: list[Json] = []
    for skip in range(0, LOOKED_BACK, _AT_ONCE):
        events = project.events.latest(_AT_ONCE, skip)
        kept = [event for event in events if event.stream.startswith(("model/", "loop/")) and not _is_plain_end(event)]
        found += [entry(event) for event in kept]
        if len(found) >= most or len(events) < _AT_ONCE:
            break
    return sorted(found[:most], key=lambda line: line["recorded_at"], reverse=True)


def _is_plain_end(event: Event) -> bool:
    """A cycle that ended as it should: its version's own events say what came of it."""
    return event.kind == CYCLE_ENDED and not facts(event.data).get("error")


def entry(event: Event) -> Json:
    """One event: what, who, when, why. Data that cannot be read are left out, never the event."""
    data = facts(event.data)
    version = data.get("version")
    reason = data.get("reason") or data.get("sentence") or data.get("error") or ""
    return {
        "stream": event.stream,
        "model": event.stream.removeprefix("model/") if event.stream.startswith("model/") else None,
        "seq": event.seq,
        "kind": _kind(event.kind, data),
        "actor": event.actor,
        "recorded_at": event.recorded_at,
        "version": version if isinstance(version, int) and not isinstance(version, bool) and event.kind != DECIDED else None,
        "reason": reason if isinstance(reason, str) else str(reason),
        "override": data.get("override") is True,
        "facts": {key: value for key, value in data.items() if key not in _SHOWN and value not in (None, "", [], {})},
    }


def _kind(kind: str, data: Json) -> str:
    """Decisions by what was decided."""
    if kind == DECIDED and isinstance(data.get("action"), str):
        return f"decided to {data['action']}"
    return "training failed" if kind == CYCLE_ENDED and data.get("error") else kind


def facts(data: bytes) -> Json:
    """An event's data as a dict; a bare value becomes ``{"value": ...}``."""
    try:
        found = msgspec.json.decode(data) if data else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {"value": found}
