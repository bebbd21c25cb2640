"""Rollouts in a running server: the candidate's process, the worker's weights, and decisions by whoever holds the lease.

Everything is derived from the rollout's events again and again, so a server that was killed at any moment carries on
where the events are. Every server on a store runs the candidate beside its own champion; one counts and decides.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from volant.config.model import GateKind, StepKind
from volant.deployments.arms import Mode, Routing
from volant.deployments.counting import counted
from volant.deployments.fitting import misfit
from volant.deployments.model import Phase, Rollout, Tally
from volant.kernel.clock import MINUTE_US, SECOND_US
from volant.kernel.codec import Value
from volant.kernel.errors import VolantError
from volant.server.arms import Arm, ArmKeeper, LaunchArm
from volant.server.standing import Champion
from volant.server.supervise import Supervisor
from volant.wiring.watched import log_mark

if TYPE_CHECKING:
    from volant.wiring.project import Project

ROUND_SECONDS = 0.2
ACTOR = "policy"
REQUEST = "a request to the champion"


class RolloutStanding(Value, frozen=True, kw_only=True):
    """How the rollout stands in this server. ``acknowledged``: the champion's worker says that the weights hold."""

    rollout: str | None = None
    phase: Phase = Phase.NONE
    epoch: int = 0
    acknowledged: bool = True
    arm_pid: int | None = None


class _Counted(NamedTuple):
    """``tally`` was counted on from what was ``kept`` in the rollout's events."""

    rollout: str
    kept: Tally
    tally: Tally


class RolloutKeeper:
    """Follows the newest rollout of the project. :meth:`run` goes on until cancelled, then :meth:`close` ends the arm."""

    def __init__(
        self,
        project: "Project",
        supervisor: Supervisor,
        launch: LaunchArm,
        *,
        may: Callable[[], bool],
        round_seconds: float = ROUND_SECONDS,
    ) -> None:
        self._project = project
        self._supervisor = supervisor
        self._may = may
        self._round_seconds = round_seconds
        self._arms = ArmKeeper(launch, project.scratch_folder, self._on_end)
        self._state = Rollout(model=project.name)
        self._tally = _Counted("", Tally(), Tally())
        self._kept_at = 0
        self._acknowledged = True
        self._packages: dict[int, str] = {}
        self._fitting = ""
        self._settled: object = None
        gates = [gate.latency_us for gate in project.config.gates if gate.kind is GateKind.LATENCY and gate.latency_us]
        self._promised_us = min(gates, default=None)

    @property
    def standing(self) -> RolloutStanding:
        """For status."""
        state, process = self._state, self._arms.process
        return RolloutStanding(
            rollout=state.id or None,
            phase=state.phase,
            epoch=state.epoch,
            acknowledged=self._acknowledged,
            arm_pid=None if process is None else process.pid,
        )

    async def run(self) -> None:
        """Round after round, until cancelled."""
        troubled = False
        while True:
            try:
                await self.once()
                troubled = False
            except Exception as error:  # noqa: BLE001 - whatever it is, serving goes on
                if not troubled:
                    print(f"The rollout waits: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the server's own log
                troubled = True
            await asyncio.sleep(self._round_seconds)

    def settled(self) -> bool:
        """Whether everything that is logged was counted, decided on and arranged. May be asked in any thread."""
        return self._settled is not None and self._settled == self._facts()

    def _facts(self) -> object:
        """What a round depends on."""
        state = self._project.rollouts.state(self._project.name)
        return (state.id, state.seq, state.phase, log_mark(self._project) if state.active else None)

    def _at_rest(self, state: Rollout) -> bool:
        """Whether the processes are as the state wants them."""
        live = state.phase in {Phase.SHADOW, Phase.CANARY}
        return self._acknowledged and (self._arms.process is not None) == live

    async def once(self) -> None:
        """Look, arrange what should run, count and decide."""
        before = await asyncio.to_thread(self._facts)
        await self._round()
        self._settled = before if self._at_rest(self._state) else None

    async def _round(self) -> None:
        self._state = await asyncio.to_thread(self._project.rollouts.state, self._project.name)
        await self._arrange(self._state)
        if self._state.active and self._may():
            await asyncio.to_thread(self._decide, self._state)
            self._state = await asyncio.to_thread(self._project.rollouts.state, self._project.name)
            await self._arrange(self._state)

    async def _arrange(self, state: Rollout) -> None:
        """Bring the arm and the worker's weights to what the state says."""
        running = state.phase in {Phase.SHADOW, Phase.CANARY}
        if not running:
            self._acknowledged = await self._supervisor.route(state.champion, None) or not state.active
            await self._arms.want(None)
            return
        arm = Arm(rollout=state.id, candidate=await self._candidate(state))
        await self._arms.want(arm)
        if self._arms.running == arm and await self._fits(state):
            self._acknowledged = await self._supervisor.route(state.champion, self._routing(state, arm))

    async def _candidate(self, state: Rollout) -> Champion:
        if state.candidate not in self._packages:
            version = await asyncio.to_thread(self._project.models.get, self._project.name, state.candidate)
            self._packages = {state.candidate: version.package}
        return Champion(version=state.candidate, epoch=state.champion_epoch, package=self._packages[state.candidate])

    def _routing(self, state: Rollout, arm: Arm) -> Routing:
        step = state.steps[state.step]
        shadow = step.kind is StepKind.SHADOW
        return Routing(
            rollout=state.id,
            epoch=state.epoch,
            mode=Mode.SHADOW if shadow else Mode.CANARY,
            share=1.0 if shadow else step.share,
            version=state.candidate,
            socket=self._arms.socket(arm),
        )

    async def _fits(self, state: Rollout) -> bool:
        """Whether the candidate can answer what the champion is asked; asked once both are there, and said once."""
        champion, process = self._supervisor.ready, self._arms.process
        if champion is None or process is None:
            return False
        if self._fitting != state.id:
            why = misfit(REQUEST, champion.inputs, champion.classes, process.ready.inputs, process.ready.classes)
            if why is not None:
                await asyncio.to_thread(self._project.rollouts.unfit, self._project.name, state.id, why=why, actor=ACTOR)
                return False
            self._fitting = state.id
        return True

    def _decide(self, state: Rollout) -> None:
        """Count what was logged and let the rules decide; keep counts now and then, so that they outlive the log's files."""
        project = self._project
        own = self._tally.rollout == state.id and self._tally.kept == state.tally
        known = self._tally.tally if own else state.tally  # somebody else may have counted, before a file was sealed
        tally = counted(project.log_folder, state.id, known, state.started_at)
        now = project.clock.now()
        keep = tally != state.tally and now - self._kept_at >= _pause_us(now - state.started_at)
        project.rollouts.observe(project.name, state.id, tally, since=state.tally, promised_us=self._promised_us, keep=keep, actor=ACTOR)
        self._tally = _Counted(state.id, tally if keep else state.tally, tally)
        if keep:
            self._kept_at = now

    async def _on_end(self, arm: Arm, why: str) -> None:
        if self._may():
            await asyncio.to_thread(self._project.rollouts.crashed, self._project.name, arm.rollout, found=why, actor=ACTOR)

    async def close(self) -> None:
        """Keep the last counts and end the arm."""
        state = self._state
        if state.active and self._may() and self._tally.rollout == state.id:
            try:
                await asyncio.to_thread(
                    self._project.rollouts.keep, self._project.name, state.id, self._tally.tally, since=self._tally.kept, actor=ACTOR
                )
            except (VolantError, msgspec.MsgspecError) as error:
                print(f"The rollout's counts were not kept; they are counted again: {error}", file=sys.stderr, flush=True)  # noqa: T201
        await self._arms.close()


def _pause_us(age_us: int) -> int:
    """Counts are kept every second at first and every minute in the long run."""
    return min(max(age_us // 20, SECOND_US), MINUTE_US)
