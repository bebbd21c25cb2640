"""Any order of registrations, approvals, overrides, rejections and promotions, with restarts in between."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from registry_values import MODEL, report, version

from volant.gates.model import Verdict
from volant.kernel.audit import checkpoint_if_new, read_anchors, verify
from volant.kernel.codec import decode
from volant.kernel.errors import CheckFailedError, ConflictError, IllegalTransitionError, NotFoundError, UsageError
from volant.registry.model import VersionState
from volant.registry.service import Registry
from volant.testing.clock import CountingIds, FakeClock
from volant.wiring.stores import memory_stores, sqlite_stores

REFUSALS = (CheckFailedError, ConflictError, IllegalTransitionError, NotFoundError, UsageError)
numbers = st.integers(min_value=1, max_value=6)


class OverMemory(RuleBasedStateMachine):
    """The same life over stores in memory, which cannot be reopened."""

    @initialize()
    def start(self) -> None:
        self.clock, self.ids = FakeClock(), CountingIds()
        self.folder = tempfile.TemporaryDirectory()
        self.anchors = Path(self.folder.name) / "anchors"
        self.champions: list[int] = []
        self.gates = 0
        self.opened()

    def opened(self) -> None:
        self.stores = memory_stores(self.clock, self.ids)
        self.connect()

    def connect(self) -> None:
        self.registry = Registry(tx=self.stores.tx, events=self.stores.events, models=self.stores.models, gates=self.stores.gates)

    @rule(number=numbers, verdict=st.sampled_from([Verdict.PASS, *Verdict]))
    def register(self, number: int, verdict: Verdict) -> None:
        self.gates += 1
        self.stores.gates.add(report(f"g{self.gates}", number, verdict, self.registry.state(MODEL).champion))
        made = self.registry.register(version(number), verdict, actor="a")
        assert self.stores.models.get(MODEL, made.number) == made

    @rule(number=numbers)
    def approve(self, number: int) -> None:
        self.attempt(number, lambda: self.registry.approve(MODEL, number, reason=None, actor="b"))

    @rule(number=numbers)
    def override(self, number: int) -> None:
        self.attempt(number, lambda: self.registry.approve(MODEL, number, reason="because", actor="b", override=True))

    @rule(number=numbers)
    def promote(self, number: int) -> None:
        before = self.registry.state(MODEL)
        if before.champion == number:
            assert self.registry.promote_by_policy(MODEL, number, decision="d", actor="policy") == before
        else:
            self.attempt(number, lambda: self.registry.promote_by_policy(MODEL, number, decision="d", actor="policy"))

    @rule(number=numbers)
    def reject(self, number: int) -> None:
        before = self.registry.state(MODEL)
        try:
            after = self.registry.reject(MODEL, number, reason="no", actor="b")
        except REFUSALS:
            assert self.registry.state(MODEL) == before
        else:
            assert after.versions[number] is VersionState.REJECTED
            assert after.champion == before.champion

    @rule(number=numbers)
    def fail_in_the_middle(self, number: int) -> None:
        before = (self.registry.state(MODEL), self.stores.models.aliases(MODEL))
        try:
            with self.stores.tx.transaction():
                self.registry.approve(MODEL, number, reason="because", actor="b", override=True)
                raise InterruptedError  # noqa: TRY301 - what interrupts it
        except (InterruptedError, *REFUSALS):
            assert (self.registry.state(MODEL), self.stores.models.aliases(MODEL)) == before

    @rule(seconds=st.sampled_from([1, 3600, -3600]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds * 1_000_000)

    @rule()
    def checkpoint(self) -> None:
        checkpoint_if_new(self.stores.events, self.anchors)

    def attempt(self, number: int, act) -> None:
        before = self.registry.state(MODEL)
        try:
            after = act()
        except REFUSALS:
            assert self.registry.state(MODEL) == before
        else:
            assert after == self.registry.state(MODEL)
            assert (after.champion, after.previous) == (number, before.champion)
            self.champions.append(number)

    @invariant()
    def aliases_say_what_the_events_say(self) -> None:
        state = self.registry.state(MODEL)
        waiting = [number for number, standing in state.versions.items() if standing is VersionState.PROPOSED]
        expected = ({"champion": state.champion} if state.champion else {}) | ({"challenger": max(waiting)} if waiting else {})
        assert self.stores.models.aliases(MODEL) == expected
        assert sorted(state.versions) == sorted(v.number for v in self.stores.models.versions(MODEL))

    @invariant()
    def there_is_one_champion_at_most_and_it_is_the_last_made(self) -> None:
        state = self.registry.state(MODEL)
        assert [n for n, standing in state.versions.items() if standing is VersionState.CHAMPION] == self.champions[-1:]
        assert state.champion == (self.champions[-1] if self.champions else None)
        assert state.epoch == len(self.champions)

    @invariant()
    def each_change_has_one_effect(self) -> None:
        told = [decode(effect.payload, dict) for effect in self.stores.events.pending_effects(limit=10_000)]
        assert [(one["version"], one["epoch"]) for one in told] == [(n, epoch) for epoch, n in enumerate(self.champions, start=1)]

    @invariant()
    def the_chain_verifies(self) -> None:
        assert verify(self.stores.events, read_anchors(self.anchors)).damage == ()

    def teardown(self) -> None:
        self.folder.cleanup()


class OverSqlite(OverMemory):
    """The same life over files, closed and reopened."""

    def opened(self) -> None:
        self.stores = sqlite_stores(Path(self.folder.name) / "state", self.clock, self.ids)
        self.connect()

    @precondition(lambda self: self.champions)
    @rule()
    def reopen(self) -> None:
        self.stores.tx.close()
        self.opened()

    def teardown(self) -> None:
        self.stores.tx.close()
        super().teardown()


TestOverMemory = OverMemory.TestCase
TestOverMemory.settings = settings(max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
TestOverSqlite = OverSqlite.TestCase
TestOverSqlite.settings = settings(max_examples=20, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
