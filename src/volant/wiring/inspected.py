"""What closer looks at the champion found, from stored rows alone: for ``volant monitor``, the API and the pages. Light."""

from typing import Any

from volant.kernel.codec import plain
from volant.monitoring.inspection_model import Inspection, InspectionKind
from volant.wiring.project import Project

Json = dict[str, Any]


def inspections_view(project: Project) -> Json:
    """The newest of each kind by its name, None where there is none. ``former``: it is about an earlier champion."""
    epoch = project.registry.state(project.name).epoch
    found = {kind.value: project.inspections.newest(project.name, kind) for kind in InspectionKind}
    return {name: None if one is None else shown(one, epoch) for name, one in found.items()}


def shown(one: Inspection, epoch: int) -> Json:
    """One, as people and programs read it."""
    return {**plain(one), "former": one.epoch != epoch}
