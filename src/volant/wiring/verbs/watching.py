"""``monitor``: bring the windows up to date with the log and the labels, and say what they show. In the child."""

from pathlib import Path
from typing import Any

from volant.data.declared import target_dtype
from volant.data.service import read_contract
from volant.models.runner import read_manifest
from volant.monitoring.alert_sights import sight_of
from volant.monitoring.concerns import CAUSES, concerns, unseen
from volant.monitoring.drift_keeping import DriftKeeper, References
from volant.monitoring.live import Performance, Serving, is_settled
from volant.monitoring.model import LiveReport
from volant.monitoring.performance import CHAMPION_ARM, Question
from volant.monitoring.watching import Watch
from volant.registry.model import ModelVersion
from volant.wiring.project import Project
from volant.wiring.verbs.drifting import reference_of_version
from volant.wiring.verbs.estimating import estimator_for
from volant.wiring.verbs.looking_on import look_at_whole_rows, tell_of_whole_rows
from volant.wiring.verbs.opened import opened, predictions_of
from volant.wiring.watched import view
from volant.wiring.worker import Report

Json = dict[str, Any]
_LOOKED_BACK = 5


def monitor(root: Path, environment: dict[str, str], request: Json, report: Report) -> Json:
    """What the windows show; see ``watched.view``."""
    project = opened(root, environment)
    report("reading the log", None)
    new = keep_watch(project)
    return {**view(project, limit=request["windows"]), "new_rows": new}


def watch(root: Path, environment: dict[str, str], _request: Json, _report: Report) -> Json:
    """Bring the windows up to date, and raise or resolve what they say needs a person."""
    project = opened(root, environment)
    new = keep_watch(project)
    return {"new_rows": new, "alerts": tell(project)}


def tell(project: Project) -> list[str]:
    """One alert per cause, resolved when the cause is gone; the causes that hold."""
    state = project.registry.state(project.name)
    if state.champion is None:
        return []
    summaries = project.windows.latest(project.name, state.epoch, CHAMPION_ARM, 2)
    live, drift = project.windows.live(project.name, state.epoch), project.windows.drift(project.name, state.epoch)
    found = {concern.cause: concern for concern in concerns(summaries, live, project.config.data.label_delay_us, drift)}
    unsure = unseen(summaries, live, drift)
    for cause in CAUSES:
        if cause in found:
            said = found[cause]
            sight = sight_of(cause, summaries, live, drift)
            project.alerts.raise_(
                cause, severity=said.severity, sentence=said.sentence, facts=dict(said.facts), model=project.name, sight=sight
            )
        elif cause not in unsure:
            project.alerts.resolve(cause, model=project.name, sentence="the newest windows do not show it any more")
    return [*found, *tell_of_whole_rows(project)]


def keep_watch(project: Project) -> int:
    """Fold what is new into the windows and revise the champion's performance; how many lines were new."""
    predictions = predictions_of(project)
    config = project.config
    references = References(project.name, project.windows, project.objects, lambda version: reference_of_version(project, version))
    contract = read_contract(config, project.root)
    new = Watch(predictions, project.windows, size=config.watch.window, contract=contract, reference=references.of).advance(project.name)
    performance = Performance(predictions, project.labels, project.windows, project.objects)
    state = project.registry.state(project.name)
    for epoch, number in _unsettled(project, before=state.epoch).items():
        _revise(project, performance, project.registry.version(project.name, number), epoch, references, ended=True)
    if state.champion is not None:
        _revise(project, performance, project.registry.version(project.name, state.champion), state.epoch, references)
        keeper = DriftKeeper(project.windows, references, config.watch.window, config.watch.drift)
        drift = keeper.revise(project.name, state.epoch, state.champion, project.clock.now())
        if config.watch.drift.multivariate and drift is not None and drift.last is not None:
            look_at_whole_rows(project, state.epoch, drift.last)
    return new


def _unsettled(project: Project, *, before: int) -> dict[int, int]:
    """Newest epochs of former champions whose performance is not known to the end, with the version that answered."""
    found = {}
    epochs = [epoch for epoch, arm in project.windows.arms(project.name) if arm == CHAMPION_ARM and epoch < before]
    for epoch in epochs[-_LOOKED_BACK:]:
        known = project.windows.live(project.name, epoch)
        if known is not None and is_settled(known):
            continue
        (first,) = project.windows.latest(project.name, epoch, CHAMPION_ARM, 1)
        found[epoch] = int(max(first.versions, key=lambda version: first.versions[version]))
    return found


def _revise(
    project: Project, performance: Performance, version: ModelVersion, epoch: int, references: References, *, ended: bool = False
) -> LiveReport:
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
        ended=ended,
        slices=tuple(dict.fromkeys(column for check in config.gates for column in check.slices)),
        estimator=estimator_for(project, version, epoch, references.of(version.number)),
    )
    serving = Serving(model=project.name, epoch=epoch, version=version.number, report=project.registry.report(version))
    return performance.revise(serving, question, now)
