"""``inspect``: a closer look at the champion's rows, kept with what it was made from. In the child."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from volant.kernel.codec import canonical, decode
from volant.kernel.errors import ConflictError
from volant.monitoring.inspection_model import Inspection, InspectionKind
from volant.registry.model import ModelVersion
from volant.wiring.inspected import shown
from volant.wiring.project import Project
from volant.wiring.verbs.opened import opened
from volant.wiring.worker import Report

Json = dict[str, Any]


@dataclass(frozen=True)
class Look:
    """What is looked at: the champion of an epoch, what is asked, and the log up to ``position``."""

    project: Project
    epoch: int
    version: ModelVersion
    asked: Mapping[str, Any]
    position: dict[str, int]
    report: Report


def inspect(root: Path, environment: dict[str, str], request: Json, report: Report) -> Json:
    """Bring the windows up to date, look, and keep what was found."""
    from volant.wiring.verbs.watching import keep_watch

    project = opened(root, environment)
    report("reading the log", None)
    keep_watch(project)
    return shown(looked(project, InspectionKind(request["kind"]), request["asked"], report), project.registry.state(project.name).epoch)


def looked(project: Project, kind: InspectionKind, asked: Mapping[str, Any], report: Report) -> Inspection:
    """Look at the windows as they are, and keep what was found. ``ConflictError`` without a champion."""
    state = project.registry.state(project.name)
    if state.champion is None:
        raise ConflictError(f"{project.name} has no champion to look at.", found="no version serves", next_step="volant approve")
    version = project.registry.version(project.name, state.champion)
    covered = project.windows.covered(project.name)
    settings = {"seed": project.config.train.seed, **asked}
    look = Look(project, state.epoch, version, settings, dict(covered.lines), report)
    found, sentence = _looks()[kind](look)
    kept = Inspection(
        id=project.ids.new(),
        model=project.name,
        kind=kind,
        epoch=state.epoch,
        version=version.number,
        recorded_at=project.clock.now(),
        position=look.position,
        labels=project.labels.revision(project.name),
        asked=settings,
        found=decode(canonical(found), dict[str, Any]),
        sentence=sentence,
    )
    project.inspections.add(kept)
    return kept


def _looks() -> dict[InspectionKind, Callable[[Look], tuple[Any, str]]]:
    from volant.wiring.verbs import attributing, multivariate, skewing, slicing

    return {
        InspectionKind.SLICES: slicing.weak_slices,
        InspectionKind.SKEW: skewing.skew,
        InspectionKind.MULTIVARIATE: multivariate.moved_together,
        InspectionKind.ATTRIBUTION: attributing.attribution_drift,
    }
