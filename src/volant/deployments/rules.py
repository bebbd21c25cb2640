"""The life of a rollout: pure decisions over its state."""

from volant.config.model import StepConfig, StepKind
from volant.deployments import evidence as weighing
from volant.deployments.history import (
    APPROVED,
    BEGAN,
    CRASHED,
    HELD,
    LIMITED,
    OBSERVED,
    PROMOTED,
    REFUSED,
    ROLLED_BACK,
    SCORED,
    STARTED,
    UNDECIDED,
    WEIGHED,
    Began,
    Observed,
    Said,
    Scored,
    Start,
    Started,
    Weighed,
    event,
    evolve,
)
from volant.deployments.model import End, EpochCounts, Losses, Phase, Rollout, Stage, Tally
from volant.deployments.wording import Wording
from volant.kernel.errors import ApprovalNeededError, ConflictError, IllegalTransitionError, NotFoundError, UsageError
from volant.kernel.events import NewEvent


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
    began = [event(STARTED, Started(at=now, start=command))]
    return began + _enter(evolve(state, began[0]), 0, now)


def _enter(state: Rollout, step: int, now: int) -> list[NewEvent]:
    """Begin a step, or wait for a person before it. ``full`` is the promotion."""
    if step >= len(state.steps):
        return [event(HELD, Said(at=now, sentence=Wording(state).finished()))]
    wanted = state.steps[step]
    if wanted.kind is not StepKind.SHADOW and _lacks_approval(state):
        return [event(HELD, Said(at=now, sentence=Wording(state).waits_for_approval()))]
    if wanted.kind is StepKind.FULL:
        return [event(PROMOTED, Said(at=now, sentence=Wording(state).promoted()))]
    live = wanted.kind is StepKind.CANARY
    stage = Stage(epoch=state.epoch + 1, step=step, share=wanted.share if live else 0.5, live=live)
    return [event(BEGAN, Began(at=now, stage=stage))]


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
    said = event(APPROVED, Said(at=now, actor=actor, reason=reason, override=override and not state.passed_gate))
    after = evolve(state, said)
    return [said, *_enter(after, _next_step(after), now)] if state.phase is Phase.HELD else [said]


def promote(state: Rollout, now: int, *, actor: str, reason: str) -> list[NewEvent]:
    """A person completes a rollout without waiting for more evidence."""
    _must_be_active(state)
    if _lacks_approval(state):
        state = evolve(state, said := event(APPROVED, Said(at=now, actor=actor, reason=reason, override=not state.passed_gate)))
        return [said, event(PROMOTED, Said(at=now, sentence=Wording(state).promoted_by(actor, reason)))]
    return [event(PROMOTED, Said(at=now, sentence=Wording(state).promoted_by(actor, reason)))]


def roll_back(state: Rollout, now: int, *, actor: str, reason: str) -> list[NewEvent]:
    """A person takes it back."""
    _must_be_active(state)
    return [_end(state, now, f"by {actor}: {reason}", End.PERSON)]


def overtaken(state: Rollout, champion: int | None, now: int) -> list[NewEvent]:
    """Another champion serves than the one the candidate is compared with: what was counted says nothing about it."""
    if not state.active or champion == state.champion:
        return []
    why = f"{state.model}@{champion} became the champion meanwhile" if champion else "the champion is gone"
    return [_end(state, now, why, End.OVERTAKEN)]


def crashed(state: Rollout, now: int, *, found: str) -> list[NewEvent]:
    """The candidate's process ended by itself."""
    if not state.active:
        return []
    events = [event(CRASHED, Said(at=now, sentence=found))]
    after = evolve(state, events[0])
    if after.crashes < weighing.CRASHES:
        return events
    return [*events, _end(after, now, f"its process ended {after.crashes} times ({found})", End.HARM)]


def unfit(state: Rollout, now: int, *, why: str) -> list[NewEvent]:
    """The candidate cannot be run at all beside the champion."""
    return [_end(state, now, why, End.UNFIT)] if state.active else []


def observe(state: Rollout, tally: Tally, now: int, *, promised_us: int | None = None, paused: bool = False) -> list[NewEvent]:
    """Decide on counts. The counts are kept with what they led to; without a decision nothing is returned.

    While the automation is ``paused`` nothing goes forward; harm is heard all the same.
    """
    if not state.active:
        return []
    seen = event(OBSERVED, Observed(at=now, tally=tally))
    state = evolve(state, seen)
    decided: list[NewEvent] = []
    if not state.limits_us and (fixed := weighing.limits(state, promised_us)):
        decided.append(event(LIMITED, Said(at=now, limits_us=fixed)))
        state = evolve(state, decided[-1])
    decided += _judged(state, now, paused=paused)
    return [seen, *decided] if decided else []


def look(state: Rollout, now: int, *, paused: bool = False) -> list[NewEvent]:
    """Decide on what is kept."""
    return _judged(state, now, paused=paused) if state.active else []


def scored(state: Rollout, epoch: int, batch: str, counts: EpochCounts, now: int) -> list[NewEvent]:
    """Both arms scored a file under an epoch: keep what it adds."""
    return [event(SCORED, Scored(at=now, epoch=epoch, batch=batch, counts=counts))] if state.active else []


def weigh(state: Rollout, losses: Losses, now: int, *, paused: bool = False) -> list[NewEvent]:
    """Keep what labels say, and decide on it. Nothing where it is known already."""
    if not state.active or losses == state.losses:
        return []
    seen = event(WEIGHED, Weighed(at=now, losses=losses))
    return [seen, *_judged(evolve(state, seen), now, paused=paused)]


def kept(state: Rollout, tally: Tally, now: int) -> list[NewEvent]:
    """Keep counts without a decision, so that they outlive the files they come from."""
    return [event(OBSERVED, Observed(at=now, tally=tally))] if state.active and tally != state.tally else []


def _judged(state: Rollout, now: int, *, paused: bool) -> list[NewEvent]:
    harm = _harm(state)
    if harm is not None:
        return [_end(state, now, harm, End.HARM)]
    if paused or state.phase is Phase.HELD or state.undecided:
        return []
    if _step_done(state):
        return _enter(state, _next_step(state), now)
    if now - state.started_at >= state.time_limit_us:
        return [event(UNDECIDED, Said(at=now, sentence=Wording(state).undecided()))]
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
    step = state.steps[state.step]
    if not _rows_reached(step, state.counts(state.epoch), state.batched(state.epoch).candidate.rows):
        return False
    failed = weighing.evidence(state).candidate.errors
    return failed == 0 or weighing.log_safe(state) >= weighing.LOG_SAFE


def _rows_reached(step: StepConfig, counts: EpochCounts, batched: int) -> bool:
    seen = counts.candidate.rows + batched
    if step.kind is StepKind.SHADOW:
        return seen >= step.rows
    return rows_of(step, counts, batched) >= step.rows and seen >= max(1.0, step.rows * step.share / 2)


def rows_of(step: StepConfig, counts: EpochCounts, batched: int) -> int:
    """How many of a step's rows have come: of a canary all traffic counts, and of files each row once."""
    return counts.candidate.rows + batched + (0 if step.kind is StepKind.SHADOW else counts.champion.rows)


def _next_step(state: Rollout) -> int:
    return state.step + 1 if state.stages else 0


def _end(state: Rollout, now: int, why: str, end: End) -> NewEvent:
    kind = ROLLED_BACK if state.live else REFUSED
    return event(kind, Said(at=now, sentence=Wording(state).ended(why), end=end))


def _must_be_active(state: Rollout) -> None:
    if not state.active:
        found = (
            "there never was one" if state.phase is Phase.NONE else f"the last, of {state.model}@{state.candidate}, was {state.phase.value}"
        )
        raise NotFoundError(f"No version of {state.model} is being rolled out.", found=found, next_step=f"volant deploy {state.model}@N")
