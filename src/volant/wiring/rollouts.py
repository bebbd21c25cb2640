"""Deploying, promoting and rolling back: what the command line, the API and the pages ask for."""

import math
from typing import Any

from volant.config.model import Autonomy, StepConfig, StepKind
from volant.deployments import evidence as weighing
from volant.deployments.compared import compared
from volant.deployments.model import Phase, Rollout
from volant.deployments.pace import Pace
from volant.deployments.rules import rows_of
from volant.kernel.codec import plain
from volant.kernel.errors import ConflictError, UsageError
from volant.wiring.pace import pace_of
from volant.wiring.project import Project

Json = dict[str, Any]
SHADOW_ROWS, CANARY_ROWS = 500, 1000
LEAST_SEEN = 20  # rows of a step from which its pace is told


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
    """Send a version into traffic step by step. Under ``propose`` a reason is the approval of its first live row."""
    if shadow and canary is not None:
        raise UsageError("--shadow and --canary are two ways.", next_step="give one, or none for release.steps", field="--canary")
    number = project.registry.resolve(project.name, version).number
    policy = project.config.release.autonomy is Autonomy.AUTOPILOT
    state = project.rollouts.start(
        project.name,
        number,
        steps=_steps(project, shadow=shadow, canary=canary),
        time_limit_us=project.config.release.time_limit_us,
        actor=actor,
        approver=actor if reason else "policy" if policy else None,
        reason=reason,
        override=override,
    )
    return view(project, state)


def _steps(project: Project, *, shadow: bool, canary: float | None) -> tuple[StepConfig, ...]:
    declared = project.config.release.steps
    if shadow:
        rows = next((step.rows for step in declared if step.kind is StepKind.SHADOW), SHADOW_ROWS)
        return (StepConfig(kind=StepKind.SHADOW, rows=rows),)
    if canary is not None:
        rows = next((step.rows for step in declared if step.kind is StepKind.CANARY), CANARY_ROWS)
        return (StepConfig(kind=StepKind.CANARY, rows=rows, share=canary),)
    return declared


def promote(project: Project, version: str | None, *, reason: str, actor: str, override: bool = False) -> Json:
    """Complete the rollout that is on its way. ``ConflictError`` if it is another version's."""
    state = project.rollouts.state(project.name)
    if version is not None and state.active:
        _must_be(project, state, version)
    return view(project, project.rollouts.promote(project.name, reason=reason, actor=actor, override=override))


def _must_be(project: Project, state: Rollout, version: str) -> None:
    number = project.registry.resolve(project.name, version).number
    if number != state.candidate:
        raise ConflictError(
            f"{project.name}@{number} is not the one on its way.",
            found=f"{project.name}@{state.candidate} is in {state.phase.value}",
            next_step=f"volant promote {project.name}@{state.candidate} --reason TEXT",
        )


def rollback(project: Project, *, reason: str, actor: str) -> Json:
    """Take back the rollout that is on its way; without one, go back to the former champion."""
    if project.rollouts.state(project.name).active:
        return view(project, project.rollouts.roll_back(project.name, actor=actor, reason=reason))
    before = project.registry.state(project.name).champion
    state = project.registry.rollback(project.name, reason=reason, actor=actor)
    name = project.name
    sentence = f"{name}@{state.champion} is the champion again (epoch {state.epoch}); {name}@{before} was rolled back by {actor}: {reason}"
    return {**view(project), "version": state.champion, "sentence": sentence}


def approve_on_its_way(project: Project, number: int, *, reason: str, actor: str, override: bool) -> Json | None:
    """Let the candidate of the rollout on its way answer live rows; None if this version is on no such way."""
    state = project.rollouts.state(project.name)
    if not state.active or state.candidate != number or state.approved_by is not None:
        return None
    return view(project, project.rollouts.approve(project.name, actor=actor, reason=reason, override=override))


def view(project: Project, state: Rollout | None = None) -> Json:
    """The newest rollout with its evidence; ``phase`` is ``none`` where there never was one."""
    state = state or project.rollouts.state(project.name)
    return {
        "model": project.name,
        "rollout": state.id or None,
        "phase": state.phase.value,
        "active": state.active,
        "version": state.candidate or None,
        "champion": state.champion or None,
        "step": state.step,
        "steps": [plain(step) for step in state.steps],
        "epoch": state.epoch,
        "undecided": state.undecided,
        "paused": project.rollouts.paused(project.name) if state.active else None,
        "waits_for_approval": waits(state),
        "approved_by": state.approved_by,
        "started_at": state.started_at or None,
        "started_by": state.started_by or None,
        "step_began_at": state.step_began_at or None,
        "ended_at": state.ended_at,
        "end": None if state.end is None else state.end.value,
        "crashes": state.crashes,
        "limits_us": list(state.limits_us),
        "time_limit_at": state.started_at + state.time_limit_us if state.active else None,
        "progress": _progress(project, state),
        "evidence": plain(weighing.evidence(state)),
        "meters": _meters(state),
        "losses": [plain(part) for part in compared(state)],
        "stages": [_stage(state, place) for place in range(len(state.stages))],
        "sentence": state.sentence,
    }


def waits(state: Rollout) -> bool:
    """Whether a person has to approve before it goes on."""
    return state.phase is Phase.HELD and state.approved_by is None


def _stage(state: Rollout, place: int) -> Json:
    stage = state.stages[place]
    kind = state.steps[stage.step].kind.value
    return {**plain(stage), "kind": kind, **plain(state.counts(stage.epoch)), "files": plain(state.batched(stage.epoch))}


def _meters(state: Rollout) -> list[Json]:
    """Each kind of evidence: so many times better explained by harm (or by no harm), and where that decides."""
    sums = weighing.evidence(state)
    logs = (
        ("errors", weighing.log_errors(state), weighing.LOG_HARM, sums.errors_meter),
        ("latency", weighing.log_latency(state), weighing.LOG_HARM, sums.latency_meter),
        ("loss", weighing.log_loss(state), weighing.LOG_HARM, sums.loss_meter),
        ("safety", weighing.log_safe(state), weighing.LOG_SAFE, sums.safety_meter),
    )
    return [
        {"signal": signal, "value": meter, "evidence": math.exp(min(log, 20.0)), "threshold": round(math.exp(limit))}
        for signal, log, limit, meter in logs
    ]


def _progress(project: Project, state: Rollout) -> Json | None:
    """Rows of the present step, how many it needs, and how long that takes at the pace of the step so far (or of the log)."""
    if state.phase not in {Phase.SHADOW, Phase.CANARY}:
        return None
    step = state.steps[state.step]
    rows = rows_of(step, state.counts(state.epoch), state.batched(state.epoch).candidate.rows)
    elapsed = max(project.clock.now() - state.step_began_at, 1)
    own = Pace(rows=rows, span_us=elapsed, known_from="this step") if rows >= LEAST_SEEN else None
    pace = own or pace_of(project)
    expected = None if pace is None else pace.takes_us(max(step.rows - rows, 0))
    return {"rows": rows, "needed": step.rows, "expected_us": expected}
