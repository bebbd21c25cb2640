import pytest
from registry_values import MODEL, report, version
from rollout_values import FULL, HALF, LIMIT_US, SHADOW, TENTH, counts, services, start, tally, with_champion

from volant.config.model import ReleaseConfig
from volant.deployments.model import Phase, Tally
from volant.gates.model import Verdict
from volant.kernel.errors import (
    ApprovalNeededError,
    ConflictError,
    IllegalTransitionError,
    NotFoundError,
    UnavailableError,
    UsageError,
)
from volant.registry.model import VersionState
from volant.testing.clock import CountingIds, FakeClock
from volant.wiring.stores import memory_stores, sqlite_stores


class World:
    """Stores with a champion and its services."""

    def __init__(self, folder):
        self.clock, self.ids = FakeClock(), CountingIds()
        self.stores = memory_stores(self.clock, self.ids) if folder is None else sqlite_stores(folder, self.clock, self.ids)
        self.registry, self.rollouts = services(self.stores, self.clock, self.ids)
        with_champion(self.stores, self.registry)

    def observe(self, counted, **more):
        return self.rollouts.observe(MODEL, self.state.id, counted, actor="policy", **more)

    @property
    def state(self):
        return self.rollouts.state(MODEL)

    def again(self):
        """As another process sees it."""
        return services(self.stores, self.clock, self.ids)[1].state(MODEL)


@pytest.fixture(params=["memory", "sqlite"])
def world(request, tmp_path):
    return World(None if request.param == "memory" else tmp_path)


PAST_SHADOW = {"e1": (counts(60), counts(50))}
PAST_TENTH = PAST_SHADOW | {"e2": (counts(90), counts(10))}
PAST_HALF = PAST_TENTH | {"e3": (counts(50), counts(50))}


def test_a_clean_version_passes_every_step_and_is_promoted_in_the_registry_with_it(world):
    assert start(world.rollouts).phase is Phase.SHADOW
    assert world.observe(tally(**PAST_SHADOW)).phase is Phase.CANARY
    assert world.observe(tally(**PAST_TENTH)).epoch == 3
    done = world.observe(tally(**PAST_HALF))
    assert done.phase is Phase.PROMOTED
    assert done.sentence == "Promoted bikes@2: shadow 50 rows, 0 errors; canary 60 rows, 0 errors, without harm."
    registry = world.registry.state(MODEL)
    assert (registry.champion, registry.previous, registry.epoch) == (2, 1, 2)
    promoted = world.stores.events.read(f"model/{MODEL}")[-1]
    assert (promoted.kind, done.id.encode() in promoted.data) == ("promoted", True)
    assert world.again() == done


def test_no_step_ends_before_its_rows_have_come_and_nothing_is_written_meanwhile(world):
    start(world.rollouts)
    before = world.state.seq
    assert world.observe(tally(e1=(counts(20), counts(20)))).phase is Phase.SHADOW
    assert world.state.seq == before
    world.observe(tally(**PAST_SHADOW))
    assert world.observe(tally(**PAST_SHADOW, e2=(counts(300), counts(4)))).epoch == 2, "the canary had not its part of the rows"


def test_harm_in_the_shadow_refuses_and_harm_in_the_canary_rolls_back(world):
    start(world.rollouts)
    assert world.observe(tally(e1=(counts(40), counts(40, 9)))).phase is Phase.REFUSED
    start(world.rollouts, 3)
    world.observe(tally(**PAST_SHADOW))
    done = world.observe(tally(**PAST_SHADOW, e2=(counts(900, 1), counts(100, 12))))
    assert done.phase is Phase.ROLLED_BACK
    assert done.sentence == "Rolled back bikes@3: it failed on 12 of 150 requests, the champion on 1 of 960 requests."
    assert world.registry.state(MODEL).champion == 1


def test_a_slow_version_is_rolled_back_by_limits_that_were_fixed_before(world):
    start(world.rollouts, steps=(TENTH, FULL))
    fixed = world.observe(tally(e1=(counts(40), counts(5, slow=5))))
    assert (fixed.phase, fixed.limits_us) == (Phase.CANARY, (10_000,))
    assert fixed.before_limits["1"].candidate.slow(10_000) == 5, "what came before the limit is not judged by it"
    done = world.observe(tally(e1=(counts(76), counts(7, slow=7))))
    assert done.phase is Phase.CANARY
    done = world.observe(tally(e1=(counts(80), counts(14, slow=14))))
    assert done.phase is Phase.ROLLED_BACK
    assert "it took longer than 10 ms on 14 of 14 requests, the champion on 0 of 80 requests" in done.sentence


def test_a_version_that_only_fails_is_taken_back_at_once(world):
    start(world.rollouts, steps=(HALF, FULL))
    assert world.observe(tally(e1=(counts(5, 5), counts(4, 4)))).phase is Phase.CANARY
    assert world.observe(tally(e1=(counts(5, 5), counts(5, 5)))).phase is Phase.ROLLED_BACK


def test_errors_on_both_sides_go_on_until_they_are_shown_to_be_no_worse(world):
    start(world.rollouts, steps=(HALF, FULL))
    assert world.observe(tally(e1=(counts(200, 2), counts(200, 2)))).phase is Phase.CANARY
    assert world.observe(tally(e1=(counts(9_000, 90), counts(9_000, 80)))).phase is Phase.PROMOTED


def test_at_the_time_limit_it_says_that_it_is_undecided_and_stays(world):
    start(world.rollouts, steps=(HALF, FULL))
    world.clock.advance(LIMIT_US)
    undecided = world.observe(tally(e1=(counts(30, 1), counts(30, 1))))
    assert (undecided.phase, undecided.undecided) == (Phase.CANARY, True)
    assert undecided.sentence.startswith("Undecided on bikes@2 at the time limit: canary 30 rows, 1 errors.")
    assert world.observe(tally(e1=(counts(9_000, 9), counts(9_000, 9)))).phase is Phase.CANARY, "it is a person's turn"
    assert world.observe(tally(e1=(counts(9_000, 9), counts(9_100, 109)))).phase is Phase.ROLLED_BACK, "harm is still harm"


def test_an_undecided_one_can_be_promoted_by_a_person(world):
    start(world.rollouts, steps=(HALF, FULL))
    world.clock.advance(LIMIT_US)
    world.observe(Tally())
    done = world.rollouts.promote(MODEL, actor="ann", reason="the sale starts")
    assert done.sentence == "Promoted bikes@2 by ann: the sale starts (canary 0 rows, 0 errors)."
    assert world.registry.state(MODEL).champion == 2


def test_the_first_live_row_waits_for_a_person_once(world):
    start(world.rollouts, approver=None)
    held = world.observe(tally(**PAST_SHADOW))
    assert held.phase is Phase.HELD
    assert "volant approve bikes@2 --reason TEXT" in held.sentence
    live = world.rollouts.approve(MODEL, actor="ann", reason="fine")
    assert (live.phase, live.epoch, live.approved_by) == (Phase.CANARY, 2, "ann")
    assert world.observe(tally(**PAST_TENTH)).phase is Phase.CANARY
    with pytest.raises(IllegalTransitionError, match="approved already"):
        world.rollouts.approve(MODEL, actor="bob", reason="me too")


def test_approval_during_the_shadow_lets_it_go_on_without_a_stop(world):
    start(world.rollouts, approver=None)
    assert world.rollouts.approve(MODEL, actor="ann", reason="fine").phase is Phase.SHADOW
    assert world.observe(tally(**PAST_SHADOW)).phase is Phase.CANARY


def test_a_version_without_a_passed_gate_needs_an_override_for_live_rows(world):
    world.stores.gates.add(report("g4", 4, Verdict.FAIL, 1))
    world.registry.register(version(4), Verdict.FAIL, actor="a")
    assert start(world.rollouts, 4).phase is Phase.SHADOW, "a shadow harms nobody"
    assert world.observe(tally(**PAST_SHADOW)).phase is Phase.HELD
    with pytest.raises(ApprovalNeededError, match="did not pass"):
        world.rollouts.approve(MODEL, actor="ann", reason="fine")
    with pytest.raises(IllegalTransitionError, match="did not pass"):
        world.rollouts.promote(MODEL, actor="ann", reason="fine")
    world.rollouts.approve(MODEL, actor="ann", reason="we need it", override=True)
    done = world.observe(tally(**PAST_HALF))
    done = world.observe(tally(**PAST_HALF))
    assert done.phase is Phase.PROMOTED
    approved = world.stores.events.read(f"model/{MODEL}")[-1]
    assert (approved.kind, b'"override":true' in approved.data, b"we need it" in approved.data) == ("approved", True, True)


def test_one_rollout_at_a_time_and_never_of_the_champion(world):
    start(world.rollouts)
    with pytest.raises(ConflictError, match="is being rolled out"):
        start(world.rollouts, 3)
    world.rollouts.roll_back(MODEL, actor="ann", reason="no")
    with pytest.raises(IllegalTransitionError, match="champion already"):
        start(world.rollouts, 1)
    with pytest.raises(UsageError, match="needs steps"):
        start(world.rollouts, 3, steps=())
    with pytest.raises(NotFoundError):
        start(world.rollouts, 9)


def test_without_a_rollout_there_is_nothing_to_decide_on(world):
    for decide in (world.rollouts.promote, world.rollouts.roll_back, world.rollouts.approve):
        with pytest.raises(NotFoundError, match="being rolled out"):
            decide(MODEL, actor="ann", reason="x")


def test_without_a_champion_there_is_nothing_to_compare_with():
    stores = memory_stores(clock := FakeClock(), ids := CountingIds())
    registry, rollouts = services(stores, clock, ids)
    registry.register(version(1), Verdict.PASS, actor="a")
    with pytest.raises(UnavailableError, match="no champion"):
        start(rollouts, 1)


def test_another_champion_ends_a_rollout_whose_evidence_is_about_the_old_one(world):
    start(world.rollouts)
    world.observe(tally(**PAST_SHADOW))
    world.registry.approve(MODEL, 3, reason="urgent", actor="ann")
    done = world.observe(tally(**PAST_HALF))
    assert (done.phase, world.registry.state(MODEL).champion) == (Phase.ROLLED_BACK, 3)
    assert "bikes@3 became the champion meanwhile" in done.sentence


def test_a_candidate_that_is_rejected_meanwhile_goes_no_further(world):
    start(world.rollouts)
    world.registry.reject(MODEL, 2, reason="leaks", actor="ann")
    assert world.observe(tally(**PAST_SHADOW)).phase is Phase.REFUSED


def test_three_crashes_are_harm_and_two_are_not(world):
    state = start(world.rollouts, steps=(HALF, FULL))
    for _ in range(2):
        assert world.rollouts.crashed(MODEL, state.id, found="signal 9", actor="policy").active
    done = world.rollouts.crashed(MODEL, state.id, found="signal 9", actor="policy")
    assert (done.phase, done.sentence) == (Phase.ROLLED_BACK, "Rolled back bikes@2: its process ended 3 times (signal 9).")


def test_what_is_said_about_an_older_rollout_changes_nothing(world):
    old = start(world.rollouts).id
    world.rollouts.roll_back(MODEL, actor="ann", reason="no")
    new = start(world.rollouts, 3)
    assert world.rollouts.observe(MODEL, old, tally(**PAST_HALF), actor="policy") == new
    assert world.rollouts.crashed(MODEL, old, found="x", actor="policy") == new
    assert world.rollouts.unfit(MODEL, old, why="x", actor="policy") == new


def test_counts_are_kept_when_asked_for_and_survive_a_restart(world):
    start(world.rollouts)
    some = tally(e1=(counts(3), counts(3)))
    world.observe(some)
    assert world.again().tally == Tally()
    world.observe(some, keep=True)
    assert world.again().tally == some
    seq = world.state.seq
    world.observe(some, keep=True)
    assert world.state.seq == seq, "the same counts are kept once"


def test_a_shadow_alone_waits_for_a_person_when_it_is_done(world):
    start(world.rollouts, steps=(SHADOW,))
    held = world.observe(tally(**PAST_SHADOW))
    assert (held.phase, "volant promote bikes@2" in held.sentence) == (Phase.HELD, True)
    assert world.rollouts.promote(MODEL, actor="ann", reason="good").phase is Phase.PROMOTED


def test_rolling_back_the_champion_brings_the_former_one_back_once(world):
    world.registry.approve(MODEL, 2, reason="better", actor="ann")
    after = world.registry.rollback(MODEL, reason="wrong on holidays", actor="ann")
    assert (after.champion, after.epoch, after.versions[2]) == (1, 3, VersionState.ROLLED_BACK)
    assert world.stores.models.aliases(MODEL)["champion"] == 1
    with pytest.raises(IllegalTransitionError, match="no former champion"):
        world.registry.rollback(MODEL, reason="again", actor="ann")
    with pytest.raises(IllegalTransitionError, match="was rolled back"):
        start(world.rollouts, 2)


def test_a_version_that_was_taken_back_waits_for_its_release_no_longer(world):
    start(world.rollouts)
    world.observe(tally(e1=(counts(40), counts(40, 9))))
    assert world.registry.state(MODEL).versions[2] is VersionState.REJECTED
    rejected = world.stores.events.read(f"model/{MODEL}")[-1]
    assert b"Refused bikes@2: it failed on 9 of 40 requests" in rejected.data


def test_the_policy_releases_step_by_step_where_there_are_steps(world):
    release = ReleaseConfig(steps=(TENTH, FULL), time_limit_us=LIMIT_US)
    assert world.rollouts.release_by_policy(MODEL, 2, release, decision="d1", actor="policy")
    assert (world.state.phase, world.state.approved_by) == (Phase.CANARY, "policy")
    with pytest.raises(ConflictError, match="being rolled out"):
        world.rollouts.release_by_policy(MODEL, 3, release, decision="d2", actor="policy")


def test_the_policy_releases_at_once_where_there_are_none(world):
    assert not world.rollouts.release_by_policy(MODEL, 2, ReleaseConfig(), decision="d1", actor="policy")
    assert world.registry.state(MODEL).champion == 2
