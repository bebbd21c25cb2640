"""Rollouts: load the state, decide, and save events together with what the registry makes of them."""

from collections.abc import Callable, Sequence

from volant.config.model import ReleaseConfig, StepConfig, StepKind
from volant.deployments import history, rules
from volant.deployments.model import EpochCounts, Losses, Phase, Rollout, Tally
from volant.gates.model import Verdict
from volant.kernel.clock import Clock
from volant.kernel.crashpoints import reach
from volant.kernel.errors import ConflictError, IllegalTransitionError, NotFoundError, UnavailableError
from volant.kernel.events import EventStore, NewEvent
from volant.kernel.ids import Ids
from volant.kernel.transactions import Transactions
from volant.registry.model import ModelState, VersionState
from volant.registry.service import Registry

Paused = Callable[[str], str | None]
Tell = Callable[[Rollout, Rollout], None]
Decide = Callable[[Rollout, int], list[NewEvent]]


class Rollouts:
    """One rollout per model at a time. Threads and processes may share the stores; two deciders never both win.

    ``paused`` says why a model's automation rests (None: it does not). ``tell`` hears of each change, before and after, in
    its transaction.
    """

    def __init__(
        self,
        *,
        tx: Transactions,
        events: EventStore,
        registry: Registry,
        clock: Clock,
        ids: Ids,
        paused: Paused = lambda _: None,
        tell: Tell = lambda _before, _after: None,
    ) -> None:
        self._tx = tx
        self._events = events
        self._registry = registry
        self._clock = clock
        self._ids = ids
        self._tell = tell
        self.paused = paused
        self._known: dict[str, Rollout] = {}

    def state(self, model: str) -> Rollout:
        """The newest rollout, folded from the model's events; only those since the last look are read."""
        known = self._known.get(model, Rollout(model=model))
        state = history.replayed(model, self._events.read(history.stream_of(model), known.seq), known)
        self._known[model] = state
        return state

    def all(self, model: str) -> tuple[Rollout, ...]:
        """Every rollout of a model, newest first, without what its arms did."""
        return tuple(reversed(history.each(model, self._events.read(history.stream_of(model)), counted=False)))

    def find(self, model: str, rollout: str) -> Rollout:
        """One rollout as it ended or stands. ``NotFoundError``."""
        found = [state for state in history.each(model, self._events.read(history.stream_of(model))) if state.id == rollout]
        if not found:
            raise NotFoundError(f"{model} has no such rollout.", found=rollout[:80], next_step="see /rollout")
        return found[-1]

    def on_its_way(self, model: str) -> int | None:
        """The version that is being rolled out, or None."""
        state = self.state(model)
        return state.candidate if state.active else None

    def start(
        self,
        model: str,
        candidate: int,
        *,
        steps: Sequence[StepConfig],
        time_limit_us: int,
        actor: str,
        approver: str | None = None,
        reason: str | None = None,
        override: bool = False,
    ) -> Rollout:
        """Send a version on its way. ``approver`` names who lets it answer live rows: a person, or the policy.

        ``NotFoundError`` for a version that does not exist, ``UnavailableError`` without a champion, ``ConflictError``
        while another rollout is on its way, ``IllegalTransitionError`` for a version that was turned down.
        """

        def decide(state: Rollout, now: int) -> list[NewEvent]:
            registry = self._registry.state(model)
            self._check_startable(registry, candidate, override=override)
            command = history.Start(
                rollout=self._ids.new(),
                candidate=candidate,
                champion=registry.champion or 0,
                champion_epoch=registry.epoch,
                steps=tuple(steps),
                time_limit_us=time_limit_us,
                passed_gate=self._passed(registry, candidate),
                actor=actor,
                approver=approver,
                reason=reason,
                override=override,
            )
            return rules.start(state, command, now)

        return self._change(model, decide, actor)

    def _passed(self, registry: ModelState, candidate: int) -> bool:
        """Whether it waits for its release after a gate that compared it with the present champion."""
        report = self._registry.report(self._registry.version(registry.model, candidate))
        judged = report is not None and report.verdict is Verdict.PASS and report.champion == registry.champion
        return judged and registry.versions[candidate] is VersionState.PROPOSED

    def _check_startable(self, registry: ModelState, candidate: int, *, override: bool) -> None:
        self._registry.version(registry.model, candidate)
        if registry.champion is None:
            name = f"{registry.model}@{candidate}"
            raise UnavailableError(
                f"{registry.model} has no champion to compare with.",
                found="nothing serves yet",
                next_step=f"volant approve {name} --reason TEXT",
            )
        standing = registry.versions[candidate]
        if standing in {VersionState.REJECTED, VersionState.ROLLED_BACK} and not override:
            raise IllegalTransitionError(
                f"{registry.model}@{candidate} was {standing.value.replace('_', ' ')}.",
                next_step="train another, or add --override --reason TEXT",
            )

    def release_by_policy(self, model: str, number: int, release: ReleaseConfig, *, decision: str, actor: str) -> bool:
        """Let a version out because a recorded decision says so: step by step beside a champion where the settings have
        steps, else at once. Whether a rollout began. ``ConflictError`` while another version is on its way.
        """
        if not release.steps or self._registry.state(model).champion is None:
            self._registry.promote_by_policy(model, number, decision=decision, actor=actor)
            return False
        self.start(
            model,
            number,
            steps=release.steps,
            time_limit_us=release.time_limit_us,
            actor=actor,
            approver=actor,
            reason=f"decision {decision}",
        )
        return True

    def shadow_by_policy(self, model: str, number: int, release: ReleaseConfig, *, decision: str, actor: str) -> bool:
        """Let a proposed version begin in the shadow, which needs no approval, where the steps begin so and nothing else is
        on its way. Whether it did; its first live row waits for a person.
        """
        first = next(iter(release.steps), None)
        ready = first is not None and first.kind is StepKind.SHADOW and self._registry.state(model).champion is not None
        if not ready or self.on_its_way(model) is not None:
            return False
        self.start(model, number, steps=release.steps, time_limit_us=release.time_limit_us, actor=actor, reason=f"decision {decision}")
        return True

    def approve(self, model: str, *, actor: str, reason: str, override: bool = False) -> Rollout:
        """Let the candidate answer live rows."""
        return self._change(model, lambda state, now: rules.approve(state, now, actor=actor, reason=reason, override=override), actor)

    def promote(self, model: str, *, actor: str, reason: str, override: bool = False) -> Rollout:
        """Complete the rollout now: the candidate becomes the champion."""

        def decide(state: Rollout, now: int) -> list[NewEvent]:
            if state.active and not state.passed_gate and not (override or state.override):
                raise IllegalTransitionError(
                    f"{model}@{state.candidate} did not pass its gate.",
                    next_step=f"volant promote {model}@{state.candidate} --override --reason TEXT",
                )
            return rules.promote(state, now, actor=actor, reason=reason)

        return self._change(model, decide, actor)

    def roll_back(self, model: str, *, actor: str, reason: str) -> Rollout:
        """Take the candidate back."""
        return self._change(model, lambda state, now: rules.roll_back(state, now, actor=actor, reason=reason), actor)

    def observe(
        self,
        model: str,
        rollout: str,
        tally: Tally,
        *,
        since: Tally | None = None,
        promised_us: int | None = None,
        keep: bool = False,
        actor: str,
    ) -> Rollout:
        """Decide on counts of a rollout; ``keep`` saves them even if they lead to nothing. Counts of another one are dropped,
        and those that do not continue what is kept: ``since`` is what was kept when they were begun.
        """

        def decide(state: Rollout, now: int) -> list[NewEvent]:
            if state.id != rollout or not state.active or (since is not None and state.tally != since):
                return []
            registry = self._registry.state(model)
            over = rules.overtaken(state, registry.champion, now)
            if registry.versions[state.candidate] is VersionState.REJECTED and not state.override:
                over = rules.unfit(state, now, why="it was rejected meanwhile")
            found = over or rules.observe(state, tally, now, promised_us=promised_us, paused=self.paused(model) is not None)
            return found or (rules.kept(state, tally, now) if keep else [])

        return self._change(model, decide, actor)

    def keep(self, model: str, rollout: str, tally: Tally, *, since: Tally, actor: str) -> Rollout:
        """Save counts without deciding, unless somebody else saved others ``since``."""

        def decide(state: Rollout, now: int) -> list[NewEvent]:
            return rules.kept(state, tally, now) if state.tally == since else []

        return self._of(model, rollout, decide, actor)

    def scored(
        self, model: str, rollout: str, epoch: int, batch: str, counts: EpochCounts, *, keep: Callable[[], bool], actor: str
    ) -> Rollout:
        """Count a file that both arms scored under an epoch, without deciding: labels of its rows may be known already.

        ``keep`` stores the candidate's answers in the same transaction and says whether they are new; the same file again adds
        nothing.
        """

        def decide(state: Rollout, now: int) -> list[NewEvent]:
            return rules.scored(state, epoch, batch, counts, now) if keep() and state.id == rollout else []

        return self._change(model, decide, actor)

    def look(self, model: str, *, actor: str) -> Rollout:
        """Decide on what is kept: time passes by itself."""
        return self._change(model, lambda state, now: rules.look(state, now, paused=self.paused(model) is not None), actor)

    def weigh(self, model: str, rollout: str, losses: Losses, *, actor: str) -> Rollout:
        """Decide on what labels say of a rollout. Of another one than the newest it is dropped."""

        def decide(state: Rollout, now: int) -> list[NewEvent]:
            return rules.weigh(state, losses, now, paused=self.paused(model) is not None)

        return self._of(model, rollout, decide, actor)

    def crashed(self, model: str, rollout: str, *, found: str, actor: str) -> Rollout:
        """The candidate's process ended by itself."""
        return self._of(model, rollout, lambda state, now: rules.crashed(state, now, found=found), actor)

    def unfit(self, model: str, rollout: str, *, why: str, actor: str) -> Rollout:
        """The candidate cannot be run beside the champion."""
        return self._of(model, rollout, lambda state, now: rules.unfit(state, now, why=why), actor)

    def _of(self, model: str, rollout: str, decide: Decide, actor: str) -> Rollout:
        return self._change(model, lambda state, now: decide(state, now) if state.id == rollout else [], actor)

    def _change(self, model: str, decide: Decide, actor: str) -> Rollout:
        before = self.state(model)
        with self._tx.transaction():
            before = history.replayed(model, self._events.read(history.stream_of(model), before.seq), before)  # nobody writes now
            events = decide(before, self._clock.now())
            after = before
            for event in events:
                after = history.evolve(after, event)
            if not events:
                return after
            self._events.append(history.stream_of(model), before.seq, events, actor=actor)
            if before.active or after.id != before.id:
                self._follow(after, actor)
            self._tell(before, after)
        reach("rollout.committed")
        self._known[model] = after
        return after

    def _follow(self, after: Rollout, actor: str) -> None:
        """The registry follows in the same transaction. A version that was taken back waits for its release no longer, or
        the policy would send it out again; one whose champion was replaced needs a new gate anyway.
        """
        if after.phase is Phase.PROMOTED:
            self._let_out(after, actor)
        elif after.phase in {Phase.ROLLED_BACK, Phase.REFUSED}:
            registry = self._registry.state(after.model)
            if registry.versions[after.candidate] is VersionState.PROPOSED and registry.champion == after.champion:
                self._registry.reject(after.model, after.candidate, reason=after.sentence, actor=actor)

    def _let_out(self, done: Rollout, actor: str) -> None:
        registry = self._registry.state(done.model)
        if registry.champion != done.champion:
            raise ConflictError(
                f"{done.model}@{done.candidate} was compared with {done.model}@{done.champion}.",
                found=f"{done.model}@{registry.champion} serves now",
                next_step=f"volant deploy {done.model}@{done.candidate}",
            )
        if done.passed_gate:
            self._registry.promote_by_policy(done.model, done.candidate, decision=f"rollout:{done.id}", actor=actor)
        else:
            reason = done.approval_reason or done.sentence
            self._registry.approve(done.model, done.candidate, reason=reason, actor=done.approved_by or actor, override=True)
