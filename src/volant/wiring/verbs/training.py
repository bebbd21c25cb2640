"""``run``, ``why`` and ``gate``, in the child."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from volant.kernel.audit import checkpoint_if_new
from volant.kernel.codec import plain
from volant.kernel.errors import ConflictError
from volant.loop.cycle import Asked, Cycle, Ports, Setting, Turned
from volant.pipelines.cache import StepCache
from volant.pipelines.graph import build_graph
from volant.pipelines.inputs import input_digests, training_of
from volant.wiring.child import Child
from volant.wiring.project import CONFIG_FILE, Project
from volant.wiring.remembered import remember
from volant.wiring.verbs.opened import datasets_of, opened, predictions_of
from volant.wiring.verbs.scoring import ask
from volant.wiring.worker import Report

if TYPE_CHECKING:
    import numpy as np

    from volant.loop.judging import Score
    from volant.loop.table import Table
    from volant.stats.predicted import Predicted

Json = dict[str, Any]


def run(root: Path, environment: dict[str, str], request: Json, report: Report) -> Json:
    """Turn the wheel once."""
    project = opened(root, environment)
    params = request["params"]
    if request["explain"]:
        return {"steps": _explained(project, params), "sentence": "Nothing was run.", "cached": False, "report": None, "version": None}
    with _alone(project), _scorer(project) as scorer:
        cycle = Cycle(_ports(project), _setting(project, scorer))
        turned = cycle.turn(Asked(params=params, only=tuple(request["only"]), from_step=request["from_step"]), report)
        answer = _answer(project, turned)
        if turned.version is not None and not request["only"] and request["from_step"] is None:
            remember(project, turned, params, answer)
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
    with _alone(project), _scorer(project) as scorer:
        version = project.registry.version(project.name, request["version"])
        made = judge_version(_ports(project), _setting(project, scorer), version, report)
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


def _ports(project: Project) -> Ports:
    return Ports(
        events=project.events,
        objects=project.objects,
        datasets=datasets_of(project),
        runs=project.runs,
        steps=project.steps,
        gates=project.gates,
        labels=project.labels,
        predictions=predictions_of(project),
        lineage=project.lineage,
        registry=project.registry,
        clock=project.clock,
        ids=project.ids,
    )


def _setting(project: Project, scorer: "ChampionScorer") -> Setting:
    return Setting(
        config=project.config,
        root=project.root,
        scratch=project.scratch_folder,
        policy=(project.root / CONFIG_FILE).read_text(encoding="utf-8"),
        champion_score=scorer.on,
    )


def _answer(project: Project, turned: Turned) -> Json:
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


@contextlib.contextmanager
def _alone(project: Project) -> Iterator[None]:
    """One run of a project at a time; the kernel gives the lock back when its process dies. ``ConflictError``."""
    path = project.state / "run.lock"
    with path.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read(40).decode(errors="replace") or "another process"
            raise ConflictError(
                f"A run of {project.name} is going on.", found=f"process {holder}", next_step="wait until it ends: volant runs"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()).encode())
        file.flush()
        yield


@contextlib.contextmanager
def _scorer(project: Project) -> "Iterator[ChampionScorer]":
    scorer = ChampionScorer(project)
    try:
        yield scorer
    finally:
        scorer.close()


class ChampionScorer:
    """Asks packages in another child, started when first needed: two packages' code must not meet in one process."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._child: Child | None = None

    def on(self, table: "Table") -> "Score":
        """Answers of a package for positions of a table."""

        def score(package: str, positions: "np.ndarray") -> "Predicted":
            if self._child is None:
                self._child = Child(self._project.root, self._project.environment)
            return ask(self._child, self._project, package, table.frame[positions])

        return score

    def close(self) -> None:
        """End the child if one was started."""
        if self._child is not None:
            self._child.close()
