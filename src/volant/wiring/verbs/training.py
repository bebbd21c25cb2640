"""``run``, ``why`` and ``gate``, in the child."""

import os
from pathlib import Path
from typing import Any

from volant.kernel.audit import checkpoint_if_new
from volant.kernel.codec import plain
from volant.loop.cycle import Asked, Cycle
from volant.loop.releasing import Turned
from volant.pipelines.cache import StepCache
from volant.pipelines.graph import build_graph
from volant.pipelines.inputs import input_digests, training_of
from volant.wiring.project import Project
from volant.wiring.remembered import circumstances, remember
from volant.wiring.verbs.cycles import in_turn, ports_of, scoring_apart, setting_of
from volant.wiring.verbs.opened import datasets_of, opened
from volant.wiring.worker import Report

Json = dict[str, Any]


def run(root: Path, environment: dict[str, str], request: Json, report: Report) -> Json:
    """Turn the wheel once."""
    project = opened(root, environment)
    params = request["params"]
    if request["explain"]:
        return {"steps": _explained(project, params), "sentence": "Nothing was run.", "cached": False, "report": None, "version": None}
    with in_turn(project, report), scoring_apart(project) as scorer:
        before = circumstances(project)
        cycle = Cycle(ports_of(project), setting_of(project, scorer))
        turned = cycle.turn(Asked(params=params, only=tuple(request["only"]), from_step=request["from_step"]), report)
        answer = answer_of(project, turned)
        if turned.version is not None and not request["only"] and request["from_step"] is None:
            remember(project, turned, params, answer, before)
    checkpoint_if_leading(project)
    return answer


def why(root: Path, environment: dict[str, str], request: Json, _report: Report) -> Json:
    """What would make a step run again."""
    project = opened(root, environment)
    graph = _graph(project, {})
    state, changes = _cache(project).why(graph, training_of(project.config, {}), _inputs(project), request["step"])
    return {"step": state.step, "key": state.key, "cached": state.cached, "reason": state.reason, "changes": plain(changes)}


def gate(root: Path, environment: dict[str, str], request: Json, report: Report) -> Json:
    """Judge a registered version on the present data."""
    from volant.loop.regate import judge_version

    project = opened(root, environment)
    with in_turn(project, report), scoring_apart(project) as scorer:
        version = project.registry.version(project.name, request["version"])
        made = judge_version(ports_of(project), setting_of(project, scorer), version, report)
    checkpoint_if_leading(project)
    return {"report": plain(made), "version": version.number}


def checkpoint_if_leading(project: Project) -> None:
    """Checkpoint the streams, unless a server holds the lease: then it does."""
    name, holder = f"loop/{project.name}", f"pid {os.getpid()}"
    if project.leases.acquire(name, holder, 60_000_000) is None:
        return
    try:
        checkpoint_if_new(project.events, project.anchors)
    finally:
        project.leases.release(name, holder)


def answer_of(project: Project, turned: Turned) -> Json:
    """A cycle's outcome as commands tell it."""
    state = project.registry.state(project.name)
    standing = None if turned.version is None else state.versions[turned.version.number].value
    return {
        "run_id": turned.run_id,
        "dataset_version": turned.frozen.version.number,
        "cached": bool(turned.fitted.steps) and all(step.cached for step in turned.fitted.steps),
        "steps": [
            {"step": step.step, "cached": step.cached, "detail": step.detail, "duration_us": step.duration_us}
            for step in turned.fitted.steps
        ],
        "package": turned.fitted.package,
        "version": None if turned.version is None else turned.version.number,
        "state": standing,
        "existing": turned.existing,
        "report": None if turned.report is None else plain(turned.report),
        "data_report": None if turned.frozen.report is None else plain(turned.frozen.report),
        "sentence": turned.sentence,
    }


def _explained(project: Project, params: Json) -> list[Json]:
    graph = _graph(project, params)
    states = _cache(project).look(graph, training_of(project.config, params), _inputs(project))
    return [{"step": state.step, "cached": state.cached, "detail": state.reason, "duration_us": 0} for state in states]


def _graph(project: Project, params: Json) -> Any:
    merged = {**project.config.train.params, **params}
    return build_graph(project.root, project.config.train.pipeline, target=project.config.target, params=merged)


def _cache(project: Project) -> StepCache:
    return StepCache(project.steps, project.objects, project.clock)


def _inputs(project: Project) -> dict[str, str]:
    """Identity of the inputs that a run would have now; of the newest version while the source is not frozen yet."""
    known = datasets_of(project).known(project.config, project.root)
    newest = project.datasets.latest(project.name)
    if known is not None and newest is not None and newest.base == known.number:
        known = newest
    return input_digests(project.config, "not frozen yet" if known is None else known.digest)
