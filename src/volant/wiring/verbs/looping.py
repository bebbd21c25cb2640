"""``look`` (the automation's next step), ``plan`` (what it would be) and ``retrain`` (because a person asks), in the child."""

from pathlib import Path
from typing import Any

from volant.kernel.codec import plain
from volant.loop.releasing import Turned
from volant.loop.turning import Automation, Looked
from volant.wiring.project import Project
from volant.wiring.remembered import circumstances, remember
from volant.wiring.verbs.concerns import tell
from volant.wiring.verbs.cycles import ChampionScorer, alone, in_turn, ports_of, scoring_apart, setting_of
from volant.wiring.verbs.opened import opened
from volant.wiring.verbs.training import answer_of, checkpoint_if_leading
from volant.wiring.worker import Report

Json = dict[str, Any]


def look(root: Path, environment: dict[str, str], _request: Json, report: Report) -> Json:
    """Carry on an open cycle, or decide and act. ``ConflictError`` if there is something to do while a run is going on."""
    project = opened(root, environment)
    with scoring_apart(project) as scorer:
        automation = _automation(project, scorer)
        decisions = automation.plan()
        if not automation.has_work(decisions):
            looked = Looked(decisions)
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


def _automation(project: Project, scorer: ChampionScorer) -> Automation:
    before = circumstances(project)

    def keep(turned: Turned) -> None:
        if turned.version is not None:
            remember(project, turned, {}, answer_of(project, turned), before)

    return Automation(ports_of(project), setting_of(project, scorer), remember=keep)


def _told(project: Project, looked: Looked) -> Json:
    return {
        "decisions": plain(looked.decisions),
        "end": None if looked.end is None else plain(looked.end),
        "run": None if looked.turned is None else answer_of(project, looked.turned),
    }
