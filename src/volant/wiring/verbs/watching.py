"""``monitor``: bring the windows up to date with the log and the labels, and say what they show. In the child."""

from pathlib import Path
from typing import Any

from volant.data.declared import target_dtype
from volant.data.service import read_contract
from volant.models.runner import read_manifest
from volant.monitoring.live import Performance, Serving
from volant.monitoring.model import LiveReport
from volant.monitoring.performance import Question
from volant.monitoring.watching import Watch
from volant.registry.model import ModelVersion
from volant.wiring.project import Project
from volant.wiring.verbs.opened import opened, predictions_of
from volant.wiring.watched import view
from volant.wiring.worker import Report

Json = dict[str, Any]


def monitor(root: Path, environment: dict[str, str], request: Json, report: Report) -> Json:
    """What the windows show; see ``watched.view``."""
    project = opened(root, environment)
    report("reading the log", None)
    new = keep_watch(project)
    return {**view(project, limit=request["windows"]), "new_rows": new}


def watch(root: Path, environment: dict[str, str], _request: Json, _report: Report) -> Json:
    """Bring the windows up to date."""
    return {"new_rows": keep_watch(opened(root, environment))}


def keep_watch(project: Project) -> int:
    """Fold what is new into the windows and revise the champion's performance; how many lines were new."""
    predictions = predictions_of(project)
    config = project.config
    new = Watch(predictions, project.windows, size=config.watch.window, contract=read_contract(config, project.root)).advance(project.name)
    performance = Performance(predictions, project.labels, project.windows, project.objects)
    state = project.registry.state(project.name)
    if state.champion is not None:
        version = project.registry.version(project.name, state.champion)
        _revise(project, performance, version, state.epoch)
    return new


def _revise(project: Project, performance: Performance, version: ModelVersion, epoch: int) -> LiveReport:
    now, config = project.clock.now(), project.config
    question = Question(
        metric=config.metric,
        task=config.task,
        size=config.watch.window,
        target_dtype=target_dtype(config.target, project.datasets.latest(project.name)),
        classes=read_manifest(project.objects, version.package).signature.classes,
        group=config.data.group,
        known_by=now,
        label_delay_us=config.data.label_delay_us,
    )
    serving = Serving(model=project.name, epoch=epoch, version=version.number, report=project.registry.report(version))
    return performance.revise(serving, question, now)
