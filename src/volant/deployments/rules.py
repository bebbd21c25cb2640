"""The life of a rollout: pure decisions over its state, and what each event does to it.

Events of ``rollout/NAME``: ``started``, ``began`` (a step, under new weights), ``observed`` (counts with their log position),
``limited`` (time limits fixed), ``weighed`` (losses by the labels that are known), ``approved``, ``held``, ``crashed``,
``undecided``, ``promoted``, ``rolled_back``, ``refused``. Each carries ``at``, the instant of the decision, so that a replay
needs no other clock.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from volant.config.model import StepConfig, StepKind
from volant.deployments import evidence as weighing
from volant.deployments.model import EpochCounts, Losses, Phase, Rollout, Stage, Tally
from volant.deployments.wording import Wording
from volant.kernel.codec import Value, canonical, decode
from volant.kernel.errors import ApprovalNeededError, ConflictError, IllegalTransitionError, NotFoundError, UsageError
from volant.kernel.events import Event, NewEvent

STARTED, BEGAN, OBSERVED, LIMITED, APPROVED = "started", "began", "observed", "limited", "approved"
WEIGHED, HELD, CRASHED, UNDECIDED = "weighed", "held", "crashed", "undecided"
PROMOTED, ROLLED_BACK, REFUSED = "promoted", "rolled_back", "refused"


def stream_of(model: str) -> str:
    """The name of a model's rollout stream."""
    return f"rollout/{model}"


class Start(Value, frozen=True, kw_only=True):
    """Begin a rollout. ``approver`` None under ``propose``: the first live row then waits for a person."""

    rollout: str
    candidate: int
    champion: int
    champion_epoch: int
    steps: tuple[StepConfig, ...]
    time_limit_us: int
    passed_gate: bool
    actor: str
    approver: str | None = None
    reason: str | None = None
    override: bool = False


class _Started(Value, frozen=True, kw_only=True):
    at: int
    start: Start


class _Began(Value, frozen=True, kw_only=True):
    at: int
    stage: Stage


class _Observed(Value, frozen=True, kw_only=True):
    at: int
    tally: Tally


class _Weighed(Value, frozen=True, kw_only=True):
    at: int
    losses: Losses


class _Said(Value, frozen=True, kw_only=True):
    """``limits_us`` belongs to ``limited``, ``actor``, ``reason`` and ``override`` to ``approved``."""

    at: int
    sentence: str = ""
    limits_us: tuple[int, ...] = ()
    actor: str | None = None
    reason: str | None = None
    override: bool = False


def start(state: Rollout, command: Start, now: int) -> list[NewEvent]:
    """A version sets out. ``ConflictError`` while another is on its way; ``UsageError`` without steps."""
    if state.active:
        raise ConflictError(
            f"{state.model}@{state.candidate} is being rolled out.",
            found=f"it is in {state.phase.value}",
            next_step="volant rollback --reason TEXT ends it, volant promote --reason TEXT completes it",
        )
    if not command.steps:
        raise UsageError("A rollout needs steps.", next_step="add release.steps to volant.yaml, or give --shadow or --canary 10%")
    if command.candidate == command.champion:
        raise IllegalTransitionError(
            f"{state.model}@{command.candidate} is the champion already.", next_step="volant models lists the others"
        )
    began = [_event(STARTED, _Started(at=now, start=command))]
    return began + _enter(evolve(state, began[0]), 0, now)


def _enter(state: Rollout, step: int, now: int) -> list[NewEvent]:
    """Begin a step, or wait for a person before it. ``full`` is the promotion."""
    if step >= len(state.steps):
        return [_event(HELD, _Said(at=now, sentence=Wording(state).finished()))]
    wanted = state.steps[step]
    if wanted.kind is not StepKind.SHADOW and _lacks_approval(state):
        return [_event(HELD, _Said(at=now, sentence=Wording(state).waits_for_approval()))]
    if wanted.kind is StepKind.FULL:
        return [_event(PROMOTED, _Said(at=now, sentence=Wording(state).promoted()))]
    live = wanted.kind is StepKind.CANARY
    stage = Stage(epoch=state.epoch + 1, step=step, share=wanted.share if live else 0.5, live=live)
    return [_event(BEGAN, _Began(at=now, stage=stage))]


def _lacks_approval(state: Rollout) -> bool:
    return state.approved_by is None and (state.needs_approval or not state.passed_gate)


def approve(state: Rollout, now: int, *, actor: str, reason: str, override: bool = False) -> list[NewEvent]:
    """A person lets the candidate answer live rows; where it waited for that, its next step begins."""
    _must_be_active(state)
    if not state.passed_gate and not override:
        raise ApprovalNeededError(
            f"{state.model}@{state.candidate} did not pass its gate.",
            found="live traffic needs an override",
            next_step=f"volant approve {state.model}@{state.candidate} --override --reason TEXT",
        )
    if state.approved_by is not None:
        raise IllegalTransitionError(f"{state.model}@{state.candidate} is approved already.", found=f"by {state.approved_by}")
    said = _event(APPROVED, _Said(at=now, actor=actor, reason=reason, override=override and not state.passed_gate))
    after = evolve(state, said)
    return [said, *_enter(after, _next_step(after), now)] if state.phase is Phase.HELD else [said]


def promote(state: Rollout, now: int, *, actor: str, reason: str) -> list[NewEvent]:
    """A person completes a rollout without waiting for more evidence."""
    _must_be_active(state)
    if _lacks_approval(state):
        state = evolve(state, said := _event(APPROVED, _Said(at=now, actor=actor, reason=reason, override=not state.passed_gate)))
        return [said, _event(PROMOTED, _Said(at=now, sentence=Wording(state).promoted_by(actor, reason)))]
    return [_event(PROMOTED, _Said(at=now, sentence=Wording(state).promoted_by(actor, reason)))]


def roll_back(state: Rollout, now: int, *, actor: str, reason: str) -> list[NewEvent]:
    """A person takes it back."""
    _must_be_active(state)
    return [_end(state, now, f"by {actor}: {reason}")]


def overtaken(state: Rollout, champion: int | None, now: int) -> list[NewEvent]:
    """Another champion serves than the one the candidate is compared with: what was counted says nothing about it."""
    if not state.active or champion == state.champion:
        return []
    return [_end(state, now, f"{state.model}@{champion} became the champion meanwhile" if champion else "the champion is gone")]


def crashed(state: Rollout, now: int, *, found: str) -> list[NewEvent]:
    """The candidate's process ended by itself."""
    if not state.active:
        return []
    events = [_event(CRASHED, _Said(at=now, sentence=found))]
    after = evolve(state, events[0])
    return events + ([_end(after, now, f"its process ended {after.crashes} times ({found})")] if after.crashes >= weighing.CRASHES else [])


def unfit(state: Rollout, now: int, *, why: str) -> list[NewEvent]:
    """The candidate cannot be run at all beside the champion."""
    return [_end(state, now, why)] if state.active else []


def observe(state: Rollout, tally: Tally, now: int, *, promised_us: int | None = None) -> list[NewEvent]:
    """Decide on counts. The counts are kept with what they led to; without a decision nothing is returned."""
    if not state.active:
        return []
    seen = _event(OBSERVED, _Observed(at=now, tally=tally))
    state = evolve(state, seen)
    decided: list[NewEvent] = []
    if not state.limits_us and (fixed := weighing.limits(state, promised_us)):
        decided.append(_event(LIMITED, _Said(at=now, limits_us=fixed)))
        state = evolve(state, decided[-1])
    decided += _judged(state, now)
    return [seen, *decided] if decided else []


def weigh(state: Rollout, losses: Losses, now: int) -> list[NewEvent]:
    """Keep what labels say, and decide on it. Nothing where it is known already."""
    if not state.active or losses == state.losses:
        return []
    seen = _event(WEIGHED, _Weighed(at=now, losses=losses))
    return [seen, *_judged(evolve(state, seen), now)]


def kept(state: Rollout, tally: Tally, now: int) -> list[NewEvent]:
    """Keep counts without a decision, so that they outlive the files they come from."""
    return [_event(OBSERVED, _Observed(at=now, tally=tally))] if state.active and tally != state.tally else []


def _judged(state: Rollout, now: int) -> list[NewEvent]:
    harm = _harm(state)
    if harm is not None:
        return [_end(state, now, harm)]
    if state.phase is Phase.HELD or state.undecided:
        return []
    if _step_done(state):
        return _enter(state, _next_step(state), now)
    if now - state.started_at >= state.time_limit_us:
        return [_event(UNDECIDED, _Said(at=now, sentence=Wording(state).undecided()))]
    return []


def _harm(state: Rollout) -> str | None:
    """Why the candidate must not go on, or None."""
    sums = weighing.evidence(state)
    if sums.candidate.requests >= weighing.BURST and sums.candidate.errors == sums.candidate.requests:
        return f"each of its first {sums.candidate.requests} answers was an error"
    if weighing.log_errors(state) >= weighing.LOG_HARM:
        return Wording(state).errors()
    if weighing.log_latency(state) >= weighing.LOG_HARM:
        return Wording(state).slowness()
    if weighing.log_loss(state) >= weighing.LOG_HARM:
        return Wording(state).losses()
    return None


def _step_done(state: Rollout) -> bool:
    """Its rows have come, the candidate had its part of them, and it failed on none or is shown to be no worse."""
    step, counts = state.steps[state.step], state.counts(state.epoch)
    if not _rows_reached(step, counts):
        return False
    failed = sum(state.counts(stage.epoch).candidate.errors for stage in state.stages)
    return failed == 0 or weighing.log_safe(state) >= weighing.LOG_SAFE


def _rows_reached(step: StepConfig, counts: EpochCounts) -> bool:
    if step.kind is StepKind.SHADOW:
        return counts.candidate.rows >= step.rows
    rows = counts.champion.rows + counts.candidate.rows
    return rows >= step.rows and counts.candidate.rows >= max(1.0, step.rows * step.share / 2)


def _next_step(state: Rollout) -> int:
    return state.step + 1 if state.stages else 0


def _end(state: Rollout, now: int, why: str) -> NewEvent:
    kind = ROLLED_BACK if state.live else REFUSED
    return _event(kind, _Said(at=now, sentence=Wording(state).ended(why)))


def _must_be_active(state: Rollout) -> None:
    if not state.active:
        found = (
            "there never was one" if state.phase is Phase.NONE else f"the last, of {state.model}@{state.candidate}, was {state.phase.value}"
        )
        raise NotFoundError(f"No version of {state.model} is being rolled out.", found=found, next_step=f"volant deploy {state.model}@N")


def _event(kind: str, data: Value) -> NewEvent:
    return NewEvent(kind=kind, data=canonical(data))


def evolve(state: Rollout, event: Event | NewEvent) -> Rollout:
    """The state after an event. Unknown kinds change nothing but the sequence: newer versions may write them."""
    apply = _EFFECTS.get(event.kind)
    after = state if apply is None else apply(state, event.data)
    return msgspec.structs.replace(after, seq=state.seq + 1)


def replayed(model: str, events: tuple[Event, ...], state: Rollout | None = None) -> Rollout:
    """The state after all events of a model, or after further ones."""
    state = state or Rollout(model=model)
    for event in events:
        state = evolve(state, event)
    return state


def _on_started(state: Rollout, data: bytes) -> Rollout:
    found = decode(data, _Started)
    given = found.start
    return Rollout(
        model=state.model,
        seq=state.seq,
        id=given.rollout,
        phase=Phase.HELD,
        candidate=given.candidate,
        champion=given.champion,
        champion_epoch=given.champion_epoch,
        steps=given.steps,
        passed_gate=given.passed_gate,
        needs_approval=given.approver is None,
        approved_by=given.approver if given.passed_gate or given.override else None,
        approval_reason=given.reason,
        override=given.override and not given.passed_gate,
        started_at=found.at,
        started_by=given.actor,
        step_began_at=found.at,
        time_limit_us=given.time_limit_us,
    )


def _on_began(state: Rollout, data: bytes) -> Rollout:
    found = decode(data, _Began)
    return msgspec.structs.replace(
        state,
        phase=Phase.CANARY if found.stage.live else Phase.SHADOW,
        step=found.stage.step,
        epoch=found.stage.epoch,
        stages=(*state.stages, found.stage),
        step_began_at=found.at,
        sentence=Wording(state).began(found.stage),
    )


def _on_observed(state: Rollout, data: bytes) -> Rollout:
    return msgspec.structs.replace(state, tally=decode(data, _Observed).tally)


def _on_weighed(state: Rollout, data: bytes) -> Rollout:
    return msgspec.structs.replace(state, losses=decode(data, _Weighed).losses)


def _on_limited(state: Rollout, data: bytes) -> Rollout:
    return msgspec.structs.replace(state, limits_us=decode(data, _Said).limits_us, before_limits=state.tally.epochs)


def _on_approved(state: Rollout, data: bytes) -> Rollout:
    said = decode(data, _Said)
    return msgspec.structs.replace(state, approved_by=said.actor, approval_reason=said.reason, override=said.override)


def _on_held(state: Rollout, data: bytes) -> Rollout:
    """Waiting, nothing of the candidate runs: the weights change, so a new epoch is counted when it goes on."""
    return msgspec.structs.replace(state, phase=Phase.HELD, sentence=decode(data, _Said).sentence)


def _on_crashed(state: Rollout, _data: bytes) -> Rollout:
    return msgspec.structs.replace(state, crashes=state.crashes + 1)


def _on_undecided(state: Rollout, data: bytes) -> Rollout:
    return msgspec.structs.replace(state, undecided=True, sentence=decode(data, _Said).sentence)


def _ending(phase: Phase) -> Callable[[Rollout, bytes], Rollout]:
    def end(state: Rollout, data: bytes) -> Rollout:
        said = decode(data, _Said)
        return msgspec.structs.replace(state, phase=phase, ended_at=said.at, sentence=said.sentence)

    return end


_EFFECTS: dict[str, Callable[[Rollout, Any], Rollout]] = {
    STARTED: _on_started,
    BEGAN: _on_began,
    OBSERVED: _on_observed,
    LIMITED: _on_limited,
    WEIGHED: _on_weighed,
    APPROVED: _on_approved,
    HELD: _on_held,
    CRASHED: _on_crashed,
    UNDECIDED: _on_undecided,
    PROMOTED: _ending(Phase.PROMOTED),
    ROLLED_BACK: _ending(Phase.ROLLED_BACK),
    REFUSED: _ending(Phase.REFUSED),
}
