"""The wheel as pages show it: each cell with where it leads."""

from typing import TYPE_CHECKING, Any

from volant.kernel.codec import plain
from volant.web.formats import segment
from volant.wiring.wheel import Cell, Facts, Wheel

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
TITLES = {"data": "Data", "train": "Train", "test": "Test", "release": "Release", "serve": "Serve", "watch": "Watch", "loop": "Loop"}


def wheel_view(project: "Project", facts: Facts, wheel: Wheel) -> Json:
    """``cells`` in order, ``rank`` and how many cells need a person."""
    cells = [_cell(project, facts, cell) for cell in wheel.cells]
    return {"cells": cells, "rank": wheel.rank, "attention": sum(cell["attention"] is not None for cell in cells)}


def _cell(project: "Project", facts: Facts, cell: Cell) -> Json:
    shown: Json = {**plain(cell), "waits": cell.waits, "title": TITLES[cell.stage], "link": _link(project, facts, cell)}
    return shown


def _link(project: "Project", facts: Facts, cell: Cell) -> str | None:
    """The page that says more."""
    model = f"/models/{segment(facts.model)}"
    version = None if cell.version is None else f"{model}/versions/{cell.version}"
    own = facts.model == project.name
    if any(alert.sentence == cell.attention for alert in facts.alerts):
        return "/alerts"
    if cell.stage == "data":
        return None if facts.data is None else f"/data/{segment(facts.model)}/versions/{facts.data.number}"
    if cell.stage == "release" and facts.rollout.active and own:
        return "/rollout"
    if cell.stage == "watch":
        return f"{model}#live-performance" if facts.live is not None else None
    return f"/decisions?model={segment(facts.model)}" if cell.stage == "loop" else version
