"""``look`` (the automation's next step), ``plan`` (what it would be) and ``retrain`` (because a person asks), in the child."""

from pathlib import Path
from typing import Any

from volant.config.model import TriggerKind
from volant.kernel.codec import plain
from volant.kernel.digests import digest
from volant.loop.releasing import Turned
from volant.loop.turning import Automation, Looked, waiting
from volant.pipelines.graph import build_graph
from volant.pipelines.inputs import code_files
from volant.wiring.last_good import open_or_last_good
from volant.wiring.project import CONFIG_FILE, Project
from volant.wiring.remembered import circumstances, remember
from volant.wiring.verbs.concerns import tell, tell_of_settings
from volant.wiring.verbs.cycles import ChampionScorer, alone, in_turn, ports_of, scoring_apart, setting_of
from volant.wiring.verbs.opened import opened
from volant.wiring.verbs.training import answer_of, checkpoint_if_leading
from volant.wiring.verbs.watching import keep_watch
from volant.wiring.worker import Report

Json = dict[str, Any]
WATCHED = frozenset(TriggerKind) - {TriggerKind.CLOCK, TriggerKind.NEW_LABELS, TriggerKind.DATA}


def look(root: Path, environment: dict[str, str], request: Json, report: Report) -> Json:
    """Carry on an open cycle, or decide and act. ``ConflictError`` if there is something to do while a run is going on.

    ``looked_before``: when the same server looked the last time (None: not since it began to decide).
    """
    project, problem = open_or_last_good(root, environment)
    tell_of_settings(project, problem)
    keep_evidence(project)
    settings = digest(project.settings.encode())
    with scoring_apart(project) as scorer:
        automation = _automation(project, scorer, request.get("looked_before") if request.get("settings") == settings else None)
        decisions = automation.plan()
        if not automation.has_work(decisions):
            looked = waiting(decisions)
            tell(project, looked)
            return _told(project, looked)
        with alone(project):
            looked = automation.look(report)
    tell(project, looked)
    checkpoint_if_leading(project)
    return _told(project, looked)


def plan(root: Path, environment: dict[str, str], _request: Json, _report: Report) -> Json:
    """What would be decided now; nothing is changed."""
    project = opened(root, environment)
    keep_evidence(project)
    with scoring_apart(project) as scorer:
        decisions = _automation(project, scorer).plan()
    return {"decisions": plain(decisions)}


def retrain(root: Path, environment: dict[str, str], request: Json, report: Report) -> Json:
    """A cycle now."""
    project = opened(root, environment)
    with in_turn(project, report), scoring_apart(project) as scorer:
        looked = _automation(project, scorer).retrain(request["reason"], actor=request["actor"], progress=report)
    tell(project, looked)
    checkpoint_if_leading(project)
    return _told(project, looked)


def keep_evidence(project: Project) -> None:
    """Bring the windows up to date where the policy listens to them: decisions read nothing but stored rows."""
    if listens(project):
        keep_watch(project)


def listens(project: Project) -> bool:
    """Whether a trigger asks what the traffic shows."""
    return any(trigger.kind in WATCHED for trigger in project.config.retrain.when)


def _files(project: Project) -> list[str]:
    """Files whose change a look should see, relative to the project."""
    config = project.config
    graph = build_graph(project.root, config.train.pipeline, target=config.target, params=config.train.params)
    named = [CONFIG_FILE, config.data.source, config.data.contract, *code_files(graph)]
    return sorted({name for name in named if name is not None})


def _automation(project: Project, scorer: ChampionScorer, looked_before: int | None = None) -> Automation:
    before = circumstances(project)

    def keep(turned: Turned) -> None:
        if turned.version is not None:
            remember(project, turned, {}, answer_of(project, turned), before)

    return Automation(ports_of(project), setting_of(project, scorer), remember=keep, looked_before=looked_before)


def _told(project: Project, looked: Looked) -> Json:
    return {
        "decisions": plain(looked.decisions),
        "waited_at": looked.waited_at,
        "settings": digest(project.settings.encode()),
        "files": _files(project),
        "listens": listens(project),
        "clocks_us": [trigger.every_us for trigger in project.config.retrain.when if trigger.every_us],
        "end": None if looked.end is None else plain(looked.end),
        "run": None if looked.turned is None else answer_of(project, looked.turned),
    }
