"""Who decided what about a model, when and why: its event stream as people read it."""

from typing import TYPE_CHECKING, Any

import msgspec

from volant.kernel.events import Event

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
_SHOWN = {"reason", "override", "version", "sentence", "decision"}


def decisions(project: "Project", model: str, number: int | None = None) -> list[Json]:
    """Events of the model (or of one version), newest first."""
    found = [entry(event) for event in project.events.read(f"model/{model}")]
    return [line for line in reversed(found) if number is None or line["version"] == number]


def entry(event: Event) -> Json:
    """One event: what, who, when, why. Data that cannot be read are left out, never the event."""
    data = facts(event.data)
    version = data.get("version")
    reason = data.get("reason") or data.get("sentence") or ""
    return {
        "stream": event.stream,
        "model": event.stream.removeprefix("model/") if event.stream.startswith("model/") else None,
        "seq": event.seq,
        "kind": event.kind,
        "actor": event.actor,
        "recorded_at": event.recorded_at,
        "version": version if isinstance(version, int) and not isinstance(version, bool) else None,
        "reason": reason if isinstance(reason, str) else str(reason),
        "override": data.get("override") is True,
        "facts": {key: value for key, value in data.items() if key not in _SHOWN and value not in (None, "", [], {})},
    }


def facts(data: bytes) -> Json:
    """An event's data as a dict; a bare value becomes ``{"value": ...}``."""
    try:
        found = msgspec.json.decode(data) if data else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {"value": found}
