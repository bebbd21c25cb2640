"""The audit chain as commands show it."""

from typing import Any

from volant.kernel.codec import plain
from volant.wiring.project import Project


def verify(project: Project) -> dict[str, Any]:
    """The audit report; ``intact`` is false when anything was edited, removed or truncated."""
    from volant.kernel.audit import read_anchors
    from volant.kernel.audit import verify as verify_events

    report: dict[str, Any] = plain(verify_events(project.events, read_anchors(project.anchors)))
    return report


def export(project: Project) -> list[dict[str, Any]]:
    """All events of all streams, each as stored."""
    return [{**plain(event), "data": event.data.decode()} for stream in project.events.streams() for event in project.events.read(stream)]
