"""One look of the automation: carry on what was begun, decide, and act on the decision. Crash-safe at every step.

A decision to retrain is kept before the training starts and closed when it ended. One that is still open when somebody
looks belongs to a process that died: its cycle is carried on, and finished steps come from the cache.
"""

from collections.abc import Callable
from dataclasses import dataclass

from volant.kernel.crashpoints import reach
from volant.kernel.errors import VolantError
from volant.loop.cycle import Asked, Cycle
from volant.loop.decide import decide
from volant.loop.grounds import Grounds, with_grounds
from volant.loop.ledger import CycleEnd, DecisionLedger, OpenCycle
from volant.loop.lived import lived_now
from volant.loop.model import Action, Decision
from volant.loop.recording import DECISION_TAG
from volant.loop.releasing import Turned
from volant.loop.setting import Ports, Progress, Setting
from volant.pipelines.first_reading import as_first_read
from volant.tracking.model import RunStatus

ACTOR = "policy"
UNKNOWN = ""  # the mark of a cycle whose process died: labels may have come since it learned
_LOOKED_BACK = 50


@dataclass(frozen=True)
class Looked:
    """What a look saw and did. ``turned`` is the cycle that ran, ``end`` what came of it."""

    decisions: tuple[Decision, ...]
    turned: Turned | None = None
    end: CycleEnd | None = None
    waited_at: int | None = None  # the instant of what was known, where it was decided to wait


def waiting(decisions: tuple[Decision, ...]) -> Looked:
    """A look that came to nothing."""
    waits = all(decision.action is Action.WAIT for decision in decisions)
    return Looked(decisions, waited_at=decisions[-1].at if waits else None)


class Automation:
    """Decides for one project. Whoever lets it act holds the project's run lock. ``looked_before``: when the same server looked
    the last time.
    """

    def __init__(
        self, ports: Ports, setting: Setting, *, remember: Callable[[Turned], None] = lambda _: None, looked_before: int | None = None
    ) -> None:
        self._ports = ports
        self._setting = setting
        self._remember = remember
        self._looked_before = looked_before
        self._ledger = DecisionLedger(ports.events, setting.config.project)

    def plan(self) -> tuple[Decision, ...]:
        """What would be decided now. Changes nothing."""
        return self._consider()[0]

    def _consider(self) -> tuple[tuple[Decision, ...], Grounds]:
        grounds = lived_now(self._ports, self._setting).grounds(self._looked_before)
        return decide(grounds.state, grounds.evidence, grounds.policy, grounds.seen.at), grounds

    def has_work(self, decisions: tuple[Decision, ...]) -> bool:
        """Whether a look would do more than wait."""
        acts = any(decision.action in {Action.RETRAIN, Action.PROMOTE} for decision in decisions)
        return acts or self._ledger.open_cycle() is not None

    def look(self, progress: Progress) -> Looked:
        """Decide and act."""
        begun = self._ledger.open_cycle()
        if begun is not None:
            return self._carry_on(begun, progress, (begun.decided,))
        decisions, grounds = self._consider()
        for decision in decisions:
            if decision.action is Action.RETRAIN:
                return self._retrain(with_grounds(self._ports.objects, decision, grounds), grounds.seen.loop, progress, decisions)
            if decision.action is Action.PROMOTE and decision.version is not None:
                self._promote(with_grounds(self._ports.objects, decision, grounds), decision.version, grounds.seen.loop)
        return waiting(decisions)

    def retrain(self, reason: str, *, actor: str, progress: Progress) -> Looked:
        """A person asks for a cycle now."""
        begun = self._ledger.open_cycle()
        if begun is not None:
            return self._carry_on(begun, progress, (begun.decided,))
        grounds = lived_now(self._ports, self._setting).grounds(self._looked_before)
        decision = Decision(action=Action.RETRAIN, at=grounds.seen.at, sentence=f"{actor} asked for it: {reason}", trigger="person")
        kept = with_grounds(self._ports.objects, decision, grounds)
        return self._retrain(kept, grounds.seen.loop, progress, (decision,), actor=actor)

    def _retrain(self, decision: Decision, seq: int, progress: Progress, decisions: tuple[Decision, ...], *, actor: str = ACTOR) -> Looked:
        recorded = self._ledger.record(decision, actor=actor, expected_seq=seq)
        reach("loop.decided")
        return self._carry_on(OpenCycle(decision=recorded, decided=decision), progress, decisions)

    def _promote(self, decision: Decision, version: int, seq: int) -> None:
        with self._ports.tx.transaction():
            recorded = self._ledger.record(decision, actor=ACTOR, expected_seq=seq)
            config = self._setting.config
            self._ports.rollouts.release_by_policy(config.project, version, config.release, decision=recorded, actor=ACTOR)

    def _carry_on(self, begun: OpenCycle, progress: Progress, decisions: tuple[Decision, ...]) -> Looked:
        finished = self._finished_run(begun.decision)
        if finished is not None:
            return Looked(
                decisions, end=self._end(CycleEnd(decision=begun.decision, mark=UNKNOWN, run_id=finished[0], version=finished[1]))
            )
        with as_first_read():
            return self._turn(begun, progress, decisions)

    def _turn(self, begun: OpenCycle, progress: Progress, decisions: tuple[Decision, ...]) -> Looked:
        lived = lived_now(self._ports, self._setting)
        mark = lived.mark
        cycle = Cycle(self._ports, self._setting)
        try:
            turned = cycle.turn(Asked(params={}, tags={DECISION_TAG: begun.decision}), progress)
        except VolantError as error:
            failed = CycleEnd(decision=begun.decision, mark=mark, source_mark=lived.source_mark, error=error.what, code=error.code)
            return Looked(decisions, end=self._end(failed))
        self._remember(turned)
        reach("loop.turned")
        made = None if turned.version is None else turned.version.number
        return Looked(decisions, turned, self._end(CycleEnd(decision=begun.decision, mark=mark, run_id=turned.run_id, version=made)))

    def _end(self, end: CycleEnd) -> CycleEnd:
        self._ledger.end(end, actor=ACTOR)
        return end

    def _finished_run(self, decision: str) -> tuple[str, int | None] | None:
        """The run that this decision led to, if it finished before its process died."""
        for detail in self._ports.runs.search(limit=_LOOKED_BACK):
            if detail.tags.get(DECISION_TAG) == decision and detail.run.status is RunStatus.FINISHED:
                made = [
                    version.number
                    for version in self._ports.registry.versions(self._setting.config.project)
                    if version.run_id == detail.run.id
                ]
                return detail.run.id, next(iter(made), None)
        return None
