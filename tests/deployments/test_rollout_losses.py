"""Labels decide: what the service does with both arms' losses."""

import pytest
from registry_values import MODEL
from rollout_values import LIMIT_US, SHADOW, TENTH, counts, services, start, tally, with_champion

from volant.deployments.evidence import evidence
from volant.deployments.model import LossCounts, Losses, Phase
from volant.registry.model import VersionState
from volant.stats.evalues import Wager, wager
from volant.testing.clock import CountingIds, FakeClock
from volant.wiring.stores import memory_stores, sqlite_stores


class World:
    def __init__(self, folder):
        self.clock, self.ids = FakeClock(), CountingIds()
        self.stores = memory_stores(self.clock, self.ids) if folder is None else sqlite_stores(folder, self.clock, self.ids)
        self.registry, self.rollouts = services(self.stores, self.clock, self.ids)
        with_champion(self.stores, self.registry)

    def weigh(self, losses):
        return self.rollouts.weigh(MODEL, self.rollouts.state(MODEL).id, losses, actor="policy")

    def observe(self, counted):
        return self.rollouts.observe(MODEL, self.rollouts.state(MODEL).id, counted, actor="policy")


@pytest.fixture(params=["memory", "sqlite"])
def world(request, tmp_path):
    return World(None if request.param == "memory" else tmp_path)


def losses(*parts, labels=1):
    return Losses(metric="mae", labels=labels, lines=100, cap=10.0, fixed_at=(1, 0, ""), parts=parts)


def part(epoch, difference, rows, *, paired):
    """Rows on which the candidate loses so much more than the champion's 2."""
    bet = wager(Wager(), [difference / 10] * rows)
    return LossCounts(
        epoch=epoch,
        paired=paired,
        champion_rows=rows,
        champion_loss=2.0 * rows,
        candidate_rows=rows,
        candidate_loss=(2.0 + difference) * rows,
        wager=bet,
    )


def test_a_version_that_loses_more_in_the_shadow_is_refused_with_its_figures(world):
    start(world.rollouts)
    done = world.weigh(losses(part(1, 3.0, 40, paired=True)))
    assert done.phase is Phase.REFUSED
    assert done.sentence == "Refused bikes@2: mae 5 against 2 on 40 rows that both scored."
    assert world.registry.state(MODEL).versions[2] is VersionState.REJECTED
    assert evidence(done).loss_meter == 1.0


def test_a_version_that_loses_more_as_canary_is_rolled_back(world):
    start(world.rollouts, steps=(TENTH,))
    done = world.weigh(losses(part(1, 3.0, 40, paired=False)))
    assert done.phase is Phase.ROLLED_BACK
    assert done.sentence == "Rolled back bikes@2: mae 5 against 2 of the champion (40 and 40 rows)."


def test_evidence_of_two_steps_counts_together(world):
    start(world.rollouts)
    world.observe(tally(e1=(counts(60), counts(50))))
    assert world.weigh(losses(part(1, 3.0, 14, paired=True))).phase is Phase.CANARY
    done = world.weigh(losses(part(1, 3.0, 14, paired=True), part(2, 3.0, 14, paired=False), labels=2))
    assert done.phase is Phase.ROLLED_BACK
    assert "14 rows that both scored" in done.sentence
    assert "(14 and 14 rows)" in done.sentence


def test_labels_that_come_while_a_version_waits_for_a_person_are_heard(world):
    start(world.rollouts, approver=None)
    assert world.observe(tally(e1=(counts(60), counts(50)))).phase is Phase.HELD
    assert world.weigh(losses(part(1, 3.0, 40, paired=True))).phase is Phase.REFUSED


def test_an_undecided_rollout_is_still_rolled_back_for_its_losses(world):
    start(world.rollouts, steps=(TENTH,))
    world.clock.advance(LIMIT_US)
    assert world.observe(tally()).undecided
    assert world.weigh(losses(part(1, 3.0, 40, paired=False))).phase is Phase.ROLLED_BACK


def test_a_promotion_says_what_the_labels_said(world):
    start(world.rollouts, steps=(SHADOW, TENTH))
    world.weigh(losses(part(1, -1.0, 40, paired=True)))
    held = world.observe(tally(e1=(counts(60), counts(50))))
    held = world.observe(tally(e1=(counts(60), counts(50)), e2=(counts(90), counts(10))))
    assert "mae 1 against 2 on 40 rows that both scored" in held.sentence


def test_the_same_again_writes_nothing_and_labels_of_another_rollout_are_dropped(world):
    begun = start(world.rollouts)
    known = losses(part(1, 0.0, 40, paired=True))
    first = world.weigh(known)
    assert world.weigh(known).seq == first.seq
    world.rollouts.roll_back(MODEL, actor="ann", reason="x")
    start(world.rollouts, 3)
    assert world.rollouts.weigh(MODEL, begun.id, losses(part(1, 3.0, 400, paired=True)), actor="policy").active
