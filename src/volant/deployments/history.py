"""The events of a rollout, and what each does to its state.

Events of ``rollout/NAME``: ``started``, ``began`` (a step, under new weights), ``observed`` (counts with their log position),
``scored`` (a file that both arms scored), ``limited`` (time limits fixed), ``weighed`` (losses by the labels that are known),
``approved``, ``held``, ``crashed``, ``undecided``, ``promoted``, ``rolled_back``, ``refused``. Each carries ``at``, the instant
of the decision, so that a replay needs no other clock.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from volant.config.model import StepConfig
from volant.deployments.evidence import total
from volant.deployments.model import End, EpochCounts, Losses, Phase, Rollout, Stage, Tally
from volant.deployments.wording import Wording
from volant.kernel.codec import Value, canonical, decode
from volant.kernel.events import Event, NewEvent

STARTED, BEGAN, OBSERVED, SCORED, LIMITED, APPROVED = "started", "began", "observed", "scored", "limited", "approved"
WEIGHED, HELD, CRASHED, UNDECIDED = "weighed", "held", "crashed", "undecided"
PROMOTED, ROLLED_BACK, REFUSED = "promoted", "rolled_back", "refused"


COUNTS = frozenset({OBSERVED, SCORED, LIMITED, WEIGHED})


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


class Started(Value, frozen=True, kw_only=True):
    """A version set out."""

    at: int
    start: Start


class Began(Value, frozen=True, kw_only=True):
    """A step began."""

    at: int
    stage: Stage


class Observed(Value, frozen=True, kw_only=True):
    """Counts were kept."""

    at: int
    tally: Tally


class Scored(Value, frozen=True, kw_only=True):
    """Both arms scored a file; ``counts`` are what it added."""

    at: int
    epoch: int
    batch: str
    counts: EpochCounts


class Weighed(Value, frozen=True, kw_only=True):
    """Losses were kept."""

    at: int
    losses: Losses


class Said(Value, frozen=True, kw_only=True):
    """Everything else.

    ``limits_us`` belongs to ``limited``, ``actor``, ``reason`` and ``override`` to ``approved``, ``end`` to the
    last two.
    """

    at: int
    sentence: str = ""
    limits_us: tuple[int, ...] = ()
    actor: str | None = None
    reason: str | None = None
    override: bool = False
    end: End | None = None


def event(kind: str, data: Value) -> NewEvent:
    """One that is not kept yet."""
    return NewEvent(kind=kind, data=canonical(data))


def evolve(state: Rollout, happened: Event | NewEvent) -> Rollout:
    """The state after an event. Unknown kinds change nothing but the sequence: newer versions may write them."""
    apply = _EFFECTS.get(happened.kind)
    after = state if apply is None else apply(state, happened.data)
    return msgspec.structs.replace(after, seq=state.seq + 1)


def replayed(model: str, events: tuple[Event, ...], state: Rollout | None = None) -> Rollout:
    """The state after all events of a model, or after further ones."""
    state = state or Rollout(model=model)
    for happened in events:
        state = evolve(state, happened)
    return state


def _on_started(state: Rollout, data: bytes) -> Rollout:
    found = decode(data, Started)
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
    found = decode(data, Began)
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
    return msgspec.structs.replace(state, tally=decode(data, Observed).tally)


def _on_weighed(state: Rollout, data: bytes) -> Rollout:
    return msgspec.structs.replace(state, losses=decode(data, Weighed).losses)


def _on_scored(state: Rollout, data: bytes) -> Rollout:
    found = decode(data, Scored)
    before = state.batched(found.epoch)
    after = EpochCounts(
        champion=total((before.champion, found.counts.champion)), candidate=total((before.candidate, found.counts.candidate))
    )
    return msgspec.structs.replace(state, batches={**state.batches, str(found.epoch): after})


def _on_limited(state: Rollout, data: bytes) -> Rollout:
    return msgspec.structs.replace(state, limits_us=decode(data, Said).limits_us, before_limits=state.tally.epochs)


def _on_approved(state: Rollout, data: bytes) -> Rollout:
    said = decode(data, Said)
    return msgspec.structs.replace(state, approved_by=said.actor, approval_reason=said.reason, override=said.override)


def _on_held(state: Rollout, data: bytes) -> Rollout:
    """Waiting, nothing of the candidate runs: the weights change, so a new epoch is counted when it goes on."""
    return msgspec.structs.replace(state, phase=Phase.HELD, sentence=decode(data, Said).sentence)


def _on_crashed(state: Rollout, _data: bytes) -> Rollout:
    return msgspec.structs.replace(state, crashes=state.crashes + 1)


def _on_undecided(state: Rollout, data: bytes) -> Rollout:
    return msgspec.structs.replace(state, undecided=True, sentence=decode(data, Said).sentence)


def _ending(phase: Phase) -> Callable[[Rollout, bytes], Rollout]:
    def end(state: Rollout, data: bytes) -> Rollout:
        said = decode(data, Said)
        return msgspec.structs.replace(state, phase=phase, ended_at=said.at, end=said.end, sentence=said.sentence)

    return end


_EFFECTS: dict[str, Callable[[Rollout, Any], Rollout]] = {
    STARTED: _on_started,
    BEGAN: _on_began,
    OBSERVED: _on_observed,
    SCORED: _on_scored,
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


def each(model: str, events: tuple[Event, ...], *, counted: bool = True) -> list[Rollout]:
    """Every rollout of a model as it ended or stands, oldest first; without ``counted`` what its arms did is left out."""
    found: list[Rollout] = []
    state = Rollout(model=model)
    for happened in events:
        if happened.kind == STARTED and state.id:
            found.append(state)
        if counted or happened.kind not in COUNTS:
            state = evolve(state, happened)
    return [*found, state] if state.id else found
