"""Lineage: what a thing was made of, and what was made of it."""

from typing import TYPE_CHECKING, Any

from volant.web.formats import run_short, segment, short
from volant.web.prediction_view import prediction_view

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
MAX_NODE = 300
LONGEST_NAME = 40
WORDS = {"dataset": "data"}


def lineage_page(project: "Project", node: str) -> Json:
    """The trees above and below a node; with no node, places to start from. ``NotFoundError`` if it is unknown."""
    starts = _starts(project)
    if not node:
        return {"node": "", "starts": starts, "found": None}
    from volant.wiring.lineage import trace

    found = trace(project, node[:MAX_NODE])
    view = linked(found)
    if view["prediction"] is not None:
        view["prediction"] = prediction_view(view["prediction"])
    return {"node": node, "starts": starts, "found": view}


def _starts(project: "Project") -> list[Json]:
    state = project.registry.state(project.name)
    versions = project.models.versions(project.name)[:5]
    starts = [] if state.champion is None else [{"node": f"{project.name}@{state.champion}", "text": "the champion"}]
    starts += [{"node": f"{v.model}@{v.number}", "text": f"version {v.number}"} for v in versions if v.number != state.champion]
    data = project.datasets.latest(project.name)
    return starts if data is None else [*starts, {"node": f"dataset:{data.dataset}@{data.number}", "text": f"data version {data.number}"}]


def linked(found: Json) -> Json:
    """The trace with an address for each node, its branches one list under ``from`` and ``used_for``."""
    noun, _, name = str(found.get("node", "")).partition(":")
    view = {
        **found,
        "url": node_url(f"{noun}:{name}"),
        "noun": noun,
        "name": _short_name(noun, name),
        "said": _said(noun, str(found.get("role", ""))),
    }
    for key in ("from", "used_for"):
        view[key] = [linked(branch) for branch in found.get(key) or ()]
    return {"role": "", "facts": {}, "releases": [], "prediction": None, **view}


def _said(noun: str, role: str) -> str:
    """What stands before the name: the role it was used in, and its noun where the role does not say it already."""
    word = WORDS.get(noun, noun)
    return role if role.partition(" ")[0] == word else f"{role} {word}".strip()


def _short_name(noun: str, name: str) -> str:
    """Names that are digests or time-ordered ids, as short as the other pages show them."""
    if noun in {"run", "gate"}:
        return run_short(name)
    return short(name) if len(name) > LONGEST_NAME else name


def node_url(node: str) -> str | None:
    """The page of a node, or None for what has no page of its own."""
    noun, _, name = node.partition(":")
    base, at, number = name.rpartition("@")
    if noun == "model" and at:
        return f"/models/{segment(base)}/versions/{segment(number)}"
    if noun == "dataset" and at:
        return f"/data/{segment(base)}/versions/{segment(number)}"
    return f"/runs/{segment(name)}" if noun == "run" else None
