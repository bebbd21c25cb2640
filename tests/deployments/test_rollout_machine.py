"""Any order of starts, counts, approvals, crashes, promotions and rollbacks, with restarts and a clock that jumps."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from registry_values import MODEL
from rollout_values import FULL, HALF, SHADOW, TENTH, counts, services, tally, with_champion

from volant.deployments import history
from volant.deployments.model import ACTIVE, Phase
from volant.kernel.errors import VolantError
from volant.testing.clock import CountingIds, FakeClock
from volant.wiring.stores import memory_stores

requests = st.integers(0, 400)
paths = st.sampled_from([(SHADOW, TENTH, HALF, FULL), (TENTH, FULL), (SHADOW,), (HALF,), (SHADOW, FULL)])


class Rolling(RuleBasedStateMachine):
    """Whatever happens, the registry and the rollout agree, and no live row comes without an approval."""

    @initialize()
    def begin(self) -> None:
        self.clock, self.ids = FakeClock(), CountingIds()
        self.stores = memory_stores(self.clock, self.ids)
        self.registry, self.rollouts = services(self.stores, self.clock, self.ids)
        with_champion(self.stores, self.registry, versions=4)
        self.counted: dict[str, tuple] = {}

    def attempt(self, act) -> None:
        before = (self.rollouts.state(MODEL), self.registry.state(MODEL))
        try:
            act()
        except VolantError:
            assert (self.rollouts.state(MODEL), self.registry.state(MODEL)) == before, "a refusal changes nothing"

    @rule(candidate=st.integers(1, 5), steps=paths, approver=st.sampled_from([None, "policy", "ann"]), limit=st.sampled_from([10, 10**9]))
    def deploy(self, candidate, steps, approver, limit) -> None:
        def act():
            self.rollouts.start(MODEL, candidate, steps=steps, time_limit_us=limit, actor="a", approver=approver)
            self.counted = {}

        self.attempt(act)

    @rule(champion=requests, candidate=requests, failed=st.integers(0, 400), slow=st.integers(0, 400))
    def count(self, champion, candidate, failed, slow) -> None:
        state = self.rollouts.state(MODEL)
        failed = min(failed, candidate)
        arms = (counts(champion), counts(candidate, failed, slow=min(slow, candidate - failed)))
        if state.epoch:
            self.counted[f"e{state.epoch}"] = arms
        self.attempt(lambda: self.rollouts.observe(MODEL, state.id, tally(**self.counted), actor="policy"))

    @rule(override=st.booleans())
    def approve(self, override) -> None:
        self.attempt(lambda: self.rollouts.approve(MODEL, actor="ann", reason="x", override=override))

    @rule(override=st.booleans())
    def promote(self, override) -> None:
        self.attempt(lambda: self.rollouts.promote(MODEL, actor="ann", reason="x", override=override))

    @rule()
    def roll_back(self) -> None:
        self.attempt(lambda: self.rollouts.roll_back(MODEL, actor="ann", reason="x"))

    @rule()
    def crash(self) -> None:
        self.attempt(lambda: self.rollouts.crashed(MODEL, self.rollouts.state(MODEL).id, found="signal 9", actor="policy"))

    @rule(number=st.integers(1, 4))
    def champion_changes(self, number) -> None:
        self.attempt(lambda: self.registry.approve(MODEL, number, reason="x", actor="ann", override=True))

    @rule()
    def registry_rollback(self) -> None:
        self.attempt(lambda: self.registry.rollback(MODEL, reason="x", actor="ann"))

    @rule(number=st.integers(1, 4))
    def reject(self, number) -> None:
        self.attempt(lambda: self.registry.reject(MODEL, number, reason="x", actor="ann"))

    @rule(step=st.sampled_from([1, 1000, 10**9]))
    def wait(self, step) -> None:
        self.clock.advance(step)

    @rule()
    def restart(self) -> None:
        self.registry, self.rollouts = services(self.stores, self.clock, self.ids)

    @invariant()
    def the_events_alone_give_the_state(self) -> None:
        assert history.replayed(MODEL, self.stores.events.read(f"rollout/{MODEL}")) == self.rollouts.state(MODEL)

    @invariant()
    def live_rows_were_approved(self) -> None:
        state = self.rollouts.state(MODEL)
        if state.live:
            assert state.approved_by is not None
            assert state.passed_gate or state.override

    @invariant()
    def epochs_only_grow_and_shares_with_them(self) -> None:
        stages = self.rollouts.state(MODEL).stages
        assert [stage.epoch for stage in stages] == list(range(1, len(stages) + 1))
        live = [stage.share for stage in stages if stage.live]
        assert live == sorted(live)

    @invariant()
    def an_ended_rollout_has_an_end_and_a_sentence(self) -> None:
        state = self.rollouts.state(MODEL)
        assert (state.ended_at is not None) == (state.phase not in {*ACTIVE, Phase.NONE})
        assert state.phase is Phase.NONE or state.sentence
        if state.phase is Phase.REFUSED:
            assert not state.live


Rolling.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
TestRolling = Rolling.TestCase
