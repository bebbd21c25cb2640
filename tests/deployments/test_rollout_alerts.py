"""People hear of rollouts that need them, once per cause, and of the end of that."""

import pytest
from registry_values import MODEL, report, version

from volant.config.model import StepConfig, StepKind
from volant.deployments.model import ArmCounts, EpochCounts, Phase, Tally
from volant.deployments.service import Rollouts
from volant.gates.model import Verdict
from volant.kernel.errors import ConflictError
from volant.monitoring.alerts import Alerts
from volant.monitoring.rollout_alerts import HELD, TAKEN_BACK, UNDECIDED, tell
from volant.registry.service import Registry
from volant.testing.clock import CountingIds, FakeClock
from volant.wiring.stores import sqlite_stores

STEPS = (StepConfig(kind=StepKind.SHADOW, rows=10), StepConfig(kind=StepKind.CANARY, rows=10, share=0.5), StepConfig(kind=StepKind.FULL))


class World:
    def __init__(self, folder):
        self.clock, ids = FakeClock(), CountingIds()
        stores = sqlite_stores(folder, self.clock, ids)
        self.alerts = Alerts(stores.alerts, self.clock, ids, tx=stores.tx, events=stores.events, targets=["log"])
        self.registry = Registry(tx=stores.tx, events=stores.events, models=stores.models, gates=stores.gates)
        self.fails = False
        self.rollouts = Rollouts(tx=stores.tx, events=stores.events, registry=self.registry, clock=self.clock, ids=ids, tell=self.tell)
        for number in (1, 2, 3):
            stores.gates.add(report(f"g{number}", number, Verdict.PASS, 1 if number > 1 else None))
            self.registry.register(version(number), Verdict.PASS, actor="a")
            if number == 1:
                self.registry.approve(MODEL, 1, reason="first", actor="a")

    def tell(self, before, after):
        tell(self.alerts, before, after)
        if self.fails:
            raise ConflictError("somebody was faster")

    def start(self, candidate, approver="policy"):
        self.rollouts.start(MODEL, candidate, steps=STEPS, time_limit_us=1000, actor="a", approver=approver)

    def count(self, epoch, requests, errors=0):
        arms = EpochCounts(champion=ArmCounts(rows=requests, requests=requests), candidate=_counts(requests, errors))
        tally = Tally(epochs={**self.rollouts.state(MODEL).tally.epochs, str(epoch): arms})
        return self.rollouts.observe(MODEL, self.rollouts.state(MODEL).id, tally, actor="policy")

    @property
    def open(self):
        return {alert.cause: alert for alert in self.alerts.open(MODEL)}


def _counts(requests, errors):
    return ArmCounts(rows=requests, requests=requests, errors=errors)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_a_version_that_is_taken_back_is_an_alert_until_a_later_rollout_succeeds(world):
    world.start(2)
    assert world.count(1, 40, 20).phase is Phase.REFUSED
    assert world.open[TAKEN_BACK].sentence.startswith("Refused bikes@2: it failed on 20 of 40")
    world.start(3)
    assert set(world.open) == {TAKEN_BACK}, "another try alone ends nothing"
    world.count(1, 20)
    assert world.count(2, 20).phase is Phase.PROMOTED
    assert not world.open
    told = world.alerts.all(MODEL)[0]
    assert told.resolution.startswith("Promoted bikes@3")
    assert told.count == 1


def test_a_rollout_that_waits_for_a_person_is_an_alert_until_somebody_decides(world):
    world.start(2, approver=None)
    assert world.count(1, 20).phase is Phase.HELD
    assert "volant approve bikes@2" in world.open[HELD].sentence
    world.rollouts.approve(MODEL, actor="ann", reason="fine")
    assert not world.open


def test_an_undecided_rollout_is_an_alert_until_it_ends(world):
    world.start(2)
    world.clock.advance(2000)
    assert world.count(1, 3).undecided
    assert set(world.open) == {UNDECIDED}
    world.count(1, 4)
    assert world.open[UNDECIDED].count == 1, "a look without a change says nothing again"
    world.rollouts.roll_back(MODEL, actor="ann", reason="enough")
    assert not world.open


def test_what_a_person_took_back_or_another_champion_overtook_alerts_nobody(world):
    world.start(2)
    world.rollouts.roll_back(MODEL, actor="ann", reason="not now")
    world.start(3)
    world.registry.approve(MODEL, 2, reason="at once", actor="ann", override=True)
    assert world.count(1, 3).phase is Phase.REFUSED
    assert not world.open


def test_an_alert_is_told_only_with_the_decision_that_raised_it(world):
    world.start(2)

    world.fails = True
    with pytest.raises(ConflictError):
        world.count(1, 40, 20)
    world.fails = False
    assert world.rollouts.state(MODEL).active
    assert not world.open
