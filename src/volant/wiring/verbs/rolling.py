"""``weigh``: hold what labels say of the rollout on its way against it, in the child."""

from pathlib import Path
from typing import Any

from volant.data.declared import target_dtype
from volant.deployments.model import Rollout
from volant.models.runner import read_manifest
from volant.monitoring.performance import Question
from volant.monitoring.trial_losses import allowed_by, trial_losses
from volant.wiring.project import Project
from volant.wiring.verbs.opened import opened, predictions_of
from volant.wiring.worker import Report

Json = dict[str, Any]
ACTOR = "policy"


def weigh(root: Path, environment: dict[str, str], _request: Json, _report: Report) -> Json:
    """Where the rollout on its way stands once the labels have been heard."""
    return {"rollout": told(weigh_losses(opened(root, environment)))}


def told(state: Rollout | None) -> Json | None:
    """A rollout in a line."""
    return None if state is None else {"version": state.candidate, "phase": state.phase.value, "sentence": state.sentence}


def weigh_losses(project: Project) -> Rollout | None:
    """Decide on the labels known now, if a rollout is on its way; the rollout then, else None."""
    state = project.rollouts.state(project.name)
    revision = project.labels.revision(project.name)
    if not state.active:
        return None
    if not state.stages or not revision:
        return project.rollouts.look(project.name, actor=ACTOR)
    predictions, now, config = predictions_of(project), project.clock.now(), project.config
    lines = predictions.table(project.name, since=state.started_at)
    if not lines["pair"].drop_nulls().is_in(lines["prediction_id"].implode()).all():
        lines = predictions.table(project.name)  # a batch that the champion scored before the rollout began
    champion = project.registry.version(project.name, state.champion)
    question = Question(
        metric=config.metric,
        task=config.task,
        size=config.watch.window,
        target_dtype=target_dtype(config.target, project.datasets.latest(project.name)),
        classes=read_manifest(project.objects, champion.package).signature.classes,
        known_by=now,
        label_delay_us=config.data.label_delay_us,
    )
    allowed = allowed_by(config.gates, config.metric)
    losses = trial_losses(lines, project.labels.current(project.name, now), state, question, allowed, revision=revision)
    weighed = project.rollouts.weigh(project.name, state.id, losses, actor=ACTOR)
    return project.rollouts.look(project.name, actor=ACTOR) if weighed.active else weighed
