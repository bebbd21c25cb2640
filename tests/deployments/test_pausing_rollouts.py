"""A paused automation: a rollout goes no step forward, and is still taken back for harm."""

import pytest
from registry_values import MODEL
from rollout_values import FULL, LIMIT_US, SHADOW, TENTH, counts, services, start, tally, with_champion

from volant.deployments.model import LossCounts, Losses, Phase
from volant.stats.evalues import Wager, wager
from volant.testing.clock import CountingIds, FakeClock
from volant.wiring.stores import memory_stores

DONE = tally(e1=(counts(60), counts(50)))


class World:
    def __init__(self):
        self.paused = None
        self.clock, ids = FakeClock(), CountingIds()
        stores = memory_stores(self.clock, ids)
        registry, self.rollouts = services(stores, self.clock, ids, paused=lambda _: self.paused)
        with_champion(stores, registry)
        start(self.rollouts, steps=(SHADOW, TENTH, FULL))

    def observe(self, counted):
        return self.rollouts.observe(MODEL, self.rollouts.state(MODEL).id, counted, actor="policy")


@pytest.fixture
def world():
    return World()


def test_no_step_is_taken_while_it_is_paused_and_the_next_look_after_takes_it(world):
    world.paused = "by ann: the sale begins"
    assert world.observe(DONE).phase is Phase.SHADOW
    world.paused = None
    assert world.observe(DONE).phase is Phase.CANARY


def test_nothing_is_promoted_while_it_is_paused(world):
    world.observe(DONE)
    world.paused = "by ann: the sale begins"
    all_done = tally(e1=(counts(60), counts(50)), e2=(counts(90), counts(10)))
    assert world.observe(all_done).phase is Phase.CANARY
    world.paused = None
    assert world.observe(all_done).phase is Phase.PROMOTED


def test_harm_takes_a_version_back_although_it_is_paused(world):
    world.paused = "by ann: the sale begins"
    assert world.observe(tally(e1=(counts(40), counts(40, 20)))).phase is Phase.REFUSED


def test_loss_takes_a_version_back_although_it_is_paused(world):
    world.paused = "by ann: the sale begins"
    part = LossCounts(epoch=1, paired=True, champion_rows=99, candidate_rows=99, candidate_loss=99.0, wager=wager(Wager(), [0.5] * 99))
    losses = Losses(metric="mae", labels=1, lines=198, cap=2.0, parts=(part,))
    state = world.rollouts.state(MODEL)
    assert world.rollouts.weigh(MODEL, state.id, losses, actor="policy").phase is Phase.REFUSED


def test_a_time_limit_that_passes_in_a_pause_says_undecided_only_after_it(world):
    world.paused = "by ann: the sale begins"
    world.clock.advance(LIMIT_US)
    assert not world.observe(tally()).undecided
    world.paused = None
    assert world.observe(tally()).undecided


def test_a_person_decides_in_a_pause_all_the_same(world):
    world.paused = "by ann: the sale begins"
    assert world.rollouts.promote(MODEL, actor="ann", reason="now").phase is Phase.PROMOTED
