"""What a person or a program can ask of a project. The command line, the server and the demo call these.

Imports are light; heavy work runs in a child process. Every function raises errors of ``kernel/errors.py`` and
returns plain JSON values.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from volant.kernel.codec import plain
from volant.wiring.child import Progress, call, quiet
from volant.wiring.project import Project

if TYPE_CHECKING:
    from volant.loop.ledger import DecisionLedger

Json = dict[str, Any]


def _heavy(project: Project, verb: str, request: Mapping[str, object], progress: Progress = quiet) -> Json:
    return call(project.root, verb, request, environment=project.environment, progress=progress)


def init(
    folder: Path,
    name: str,
    *,
    environment: Mapping[str, str],
    data: str | None = None,
    target: str | None = None,
    task: str | None = None,
    metric: str | None = None,
    time: str | None = None,
    tick: str | None = None,
    key: Sequence[str] = (),
    group: str | None = None,
    label_delay: str | None = None,
    drop: Sequence[str] = (),
    template: bool = False,
    progress: Progress = quiet,
) -> Json:
    """Write a new project ``folder/name`` from a data file (or an empty example) and say what was guessed."""
    request = {
        "name": name,
        "data": data,
        "target": target,
        "task": task,
        "metric": metric,
        "time": time,
        "tick": tick,
        "key": list(key),
        "group": group,
        "label_delay": label_delay,
        "drop": list(drop),
        "template": template,
    }
    return call(folder, "init", request, environment=environment, progress=progress)


def run(
    project: Project,
    *,
    set_params: Mapping[str, bool | int | float | str | None] | None = None,
    only: Sequence[str] = (),
    from_step: str | None = None,
    explain: bool = False,
    progress: Progress = quiet,
) -> Json:
    """Turn the wheel once: freeze data, train what changed, gate, register, propose.

    When nothing that the result depends on has changed, the answer comes from the store without starting a process.
    """
    from volant.wiring.remembered import unchanged_run

    if not only and from_step is None and not explain:
        known = unchanged_run(project, set_params or {})
        if known is not None:
            return known
    request = {"params": dict(set_params or {}), "only": list(only), "from_step": from_step, "explain": explain}
    return _heavy(project, "run", request, progress)


def why(project: Project, step: str) -> Json:
    """Whether a step would run again, and which part of its identity changed."""
    return _heavy(project, "why", {"step": step})


def gate(project: Project, version: str | None = None, progress: Progress = quiet) -> Json:
    """Judge a version (default: the newest) against the champion and the baselines on the present data."""
    number = project.registry.resolve(project.name, version or "latest").number
    return _heavy(project, "gate", {"version": number}, progress)


def gate_plan(project: Project, version: str | None = None) -> Json:
    """How many labels the next decision needs, from the newest report (of a version) and the rate of labels."""
    from volant.wiring.planned import gate_plan as planned

    found: Json = plain(planned(project, version))
    return found


def validate(project: Project, data: str | None = None) -> Json:
    """Check the source (or another file) against the contract."""
    return _heavy(project, "validate", {"data": data})


def profile(project: Project, version: int | None = None) -> Json:
    """The profile of a dataset version (default: the newest)."""
    return _heavy(project, "profile", {"version": version})


def predict(project: Project, version_spec: str, data: str, output: str | None, *, log: bool = True, progress: Progress = quiet) -> Json:
    """Score a file with a version and, unless told not to, log the predictions as evidence."""
    version = project.registry.resolve(project.name, version_spec)
    request = {"version": version.number, "data": data, "output": output, "log": log}
    return _heavy(project, "predict", request, progress)


def add_labels(project: Project, file: str, on: Sequence[str], *, column: str | None = None, known_at_column: str | None = None) -> Json:
    """Add labels from a file, joined by prediction id or by the project's key."""
    return _heavy(project, "labels", {"file": file, "on": list(on), "column": column, "known_at_column": known_at_column})


def retrain(project: Project, *, reason: str, actor: str, dry_run: bool = False, progress: Progress = quiet) -> Json:
    """Turn the wheel once because a person asks; or say what the policy would do now, and why."""
    if dry_run:
        return _heavy(project, "plan", {}, progress)
    return _heavy(project, "retrain", {"reason": reason, "actor": actor}, progress)


def pause(project: Project, *, reason: str, actor: str) -> Json:
    """No automatic decision from now on, until somebody resumes it."""
    _ledger(project).pause(reason, actor=actor)
    return {"paused": True, "sentence": f"{project.name} decides nothing by itself now, paused by {actor}."}


def resume(project: Project, *, reason: str, actor: str) -> Json:
    """Automatic decisions again."""
    _ledger(project).resume(reason, actor=actor)
    return {"paused": False, "sentence": f"{project.name} decides by its policy again, resumed by {actor}."}


def policy(project: Project) -> Json:
    """The policy as volant.yaml says it, whether it is paused, and what it decided last."""
    ledger = _ledger(project)
    decided = [{"id": event.id, "at": event.recorded_at, **plain(decision)} for event, decision in ledger.decisions()[-10:]]
    return {
        "autonomy": project.config.release.autonomy.value,
        "retrain": plain(project.config.retrain),
        "paused": ledger.paused(),
        "decisions": decided[::-1],
    }


def accept_policy(project: Project, replay_id: str | None, *, write: bool) -> Json:
    """A replay's recommendation (the newest one's) as a change of volant.yaml; written only if asked."""
    from volant.wiring.accepting import accept_policy as accept

    return accept(project, replay_id, write=write)


def decisions(project: Project, *, limit: int = 50) -> list[Json]:
    """The newest automatic decisions, each in one sentence."""
    from volant.wiring.decided import decisions as listed

    return listed(project, limit)


def decision(project: Project, decision_id: str) -> Json:
    """One decision with everything it was made from."""
    from volant.wiring.decided import decision as one

    return one(project, decision_id)


def _ledger(project: Project) -> "DecisionLedger":
    from volant.loop.ledger import DecisionLedger

    return DecisionLedger(project.events, project.name)


def replay(
    project: Project,
    *,
    policies: Sequence[str] = (),
    windows: int | None = None,
    window_rows: int | None = None,
    last: str | None = None,
    train_duration_us: int | None = None,
    budget_us: int | None = None,
    cost: float | None = None,
    bound: bool = False,
    progress: Progress = quiet,
) -> Json:
    """What would have happened over the project's history under several retraining policies."""
    request = {
        "policies": list(policies),
        "windows": windows,
        "window_rows": window_rows,
        "last": last,
        "train_duration_us": train_duration_us,
        "budget_us": budget_us,
        "cost": cost,
        "bound": bound,
    }
    return _heavy(project, "replay", request, progress)


def replay_lived(project: Project, *, progress: Progress = quiet) -> Json:
    """Every decision that was lived, made once more on what was kept and on the log as it was; what comes out differently."""
    return _heavy(project, "replay_lived", {}, progress)


def approve(project: Project, version: str, *, reason: str, actor: str, override: bool = False) -> Json:
    """Let a version out: it becomes the champion, or, on its way in a rollout, may answer live rows."""
    from volant.wiring.rollouts import approve_on_its_way

    number = project.registry.resolve(project.name, version).number
    going = approve_on_its_way(project, number, reason=reason, actor=actor, override=override)
    if going is not None:
        return {**_released(project, number, going["sentence"]), "rollout": going}
    state = project.registry.approve(project.name, number, reason=reason, actor=actor, override=override)
    return _released(project, number, f"{project.name}@{number} is the champion (epoch {state.epoch}), approved by {actor}.")


def reject(project: Project, version: str, *, reason: str, actor: str) -> Json:
    """Turn a version down, with a reason."""
    number = project.registry.resolve(project.name, version).number
    project.registry.reject(project.name, number, reason=reason, actor=actor)
    return _released(project, number, f"{project.name}@{number} was rejected by {actor}.")


def deploy(
    project: Project,
    version: str,
    *,
    actor: str,
    reason: str | None = None,
    shadow: bool = False,
    canary: float | None = None,
    override: bool = False,
) -> Json:
    """Send a version into traffic step by step."""
    from volant.wiring import rollouts

    return rollouts.deploy(project, version, actor=actor, reason=reason, shadow=shadow, canary=canary, override=override)


def promote(project: Project, version: str | None, *, reason: str, actor: str, override: bool = False) -> Json:
    """Complete the rollout that is on its way."""
    from volant.wiring import rollouts

    return rollouts.promote(project, version, reason=reason, actor=actor, override=override)


def rollback(project: Project, *, reason: str, actor: str) -> Json:
    """Take back the rollout that is on its way, or go back to the former champion."""
    from volant.wiring import rollouts

    return rollouts.rollback(project, reason=reason, actor=actor)


def rollout(project: Project) -> Json:
    """The newest rollout with its evidence."""
    from volant.wiring import rollouts

    return rollouts.view(project)


def _released(project: Project, number: int, sentence: str) -> Json:
    state = project.registry.state(project.name)
    return {"version": number, "state": state.versions[number].value, "sentence": sentence}


def runs(project: Project, *, limit: int = 50, order_by: str | None = None) -> list[Json]:
    """Runs, newest first or best first by a metric."""
    from volant.config.metric_text import own_metrics
    from volant.stats.names import best_is_highest

    descending = best_is_highest(order_by, own_metrics(project.config))
    found = project.runs.search(order_by_metric=order_by, descending=descending, limit=limit)
    return [plain(detail) for detail in found]


def run_detail(project: Project, run_id: str) -> Json:
    """One run with its steps, parameters, metrics and artifacts."""
    detail: Json = plain(project.runs.get(run_id))
    return detail


def datasets(project: Project) -> list[Json]:
    """Versions of the project's dataset, newest first."""
    return [plain(version) for version in reversed(project.datasets.versions(project.name))]


def audit_verify(project: Project) -> Json:
    """Recompute every chain and compare it with the checkpoints."""
    from volant.wiring.auditing import verify

    return verify(project)


def audit_export(project: Project) -> list[Json]:
    """Every event in order, as stored."""
    from volant.wiring.auditing import export

    return export(project)


def status(project: Project) -> Json:
    """Where the wheel stands and what it waits for."""
    from volant.wiring.views import status as view

    return view(project)


def models(project: Project) -> Json:
    """Versions of the project's model with their state and metrics."""
    from volant.wiring.views import models as view

    return view(project)


def version_detail(project: Project, number: int) -> Json:
    """One version with its gate report, run and history."""
    from volant.wiring.views import version_detail as view

    return view(project, number)


def monitor(project: Project, *, windows: int = 20, progress: Progress = quiet) -> Json:
    """Bring the windows up to date with log and labels, and say what the newest show."""
    return _heavy(project, "monitor", {"windows": windows}, progress)


def file_drift(project: Project, data: str, *, progress: Progress = quiet) -> Json:
    """The rows of a file beside those that the champion learned from; nothing is kept."""
    return _heavy(project, "file_drift", {"data": data}, progress)


def inspect(project: Project, kind: str, asked: Mapping[str, object], *, progress: Progress = quiet) -> Json:
    """A closer look at the champion: ``slices``, ``skew``, ``multivariate`` or ``attribution``; kept, and given back."""
    return _heavy(project, "inspect", {"kind": kind, "asked": dict(asked)}, progress)


def lineage(project: Project, node: str) -> Json:
    """Everything a prediction, version, run or dataset was made of, and what was made of it."""
    from volant.wiring.lineage import trace

    return trace(project, node)
