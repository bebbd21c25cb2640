import pytest
from web_seed import EVIL
from web_site import Page

from volant.access.model import Role
from volant.config.model import StepConfig, StepKind
from volant.deployments.model import ArmCounts, EpochCounts, Phase, Tally
from volant.loop.ledger import DecisionLedger

STEPS = (
    StepConfig(kind=StepKind.SHADOW, rows=10),
    StepConfig(kind=StepKind.CANARY, rows=100, share=0.1),
    StepConfig(kind=StepKind.FULL, share=1.0),
)


@pytest.fixture
def rolling(fresh_site):
    """Version 5 beside the champion; it waits for a person after its shadow."""
    rollouts = fresh_site.project.rollouts
    state = rollouts.start("bikes", 5, steps=STEPS, time_limit_us=10**12, actor="ann")
    arms = EpochCounts(champion=ArmCounts(rows=12, requests=12), candidate=ArmCounts(rows=11, requests=11))
    rollouts.observe("bikes", state.id, Tally(epochs={"1": arms}), actor="policy")
    return fresh_site


def words(site, role=Role.APPROVER):
    return Page(site.get("/rollout", role=role).text).words


def state_of(site):
    return site.project.rollouts.state("bikes")


def test_without_a_rollout_the_page_says_what_starts_one(empty_site):
    assert "volant deploy bikes@N" in words(empty_site, None)


def test_the_page_shows_steps_counts_evidence_and_the_command(rolling):
    seen = words(rolling)
    for part in ("Waits for a person", "volant approve bikes@5", "shadow 11 rows, 0 errors", "canary 10%", "Fails more often", "Decide"):
        assert part in seen, part
    twin = rolling.get("/rollout.json", role=Role.VIEWER, accept="application/json").json
    assert (twin["phase"], twin["waits_for_approval"], twin["rows"][0]["candidate"]["rows"]) == ("held", True, 11)


def test_approving_on_the_page_lets_live_rows_begin_and_rolling_back_ends_them(rolling):
    assert rolling.post("/rollout/approve", {"reason": "fine"}, role=Role.APPROVER).status == 303
    assert (state_of(rolling).phase, state_of(rolling).approved_by) == (Phase.CANARY, "approver")
    assert rolling.post("/rollout/rollback", {"reason": f"no {EVIL}"}, role=Role.APPROVER).status == 303
    assert state_of(rolling).phase is Phase.ROLLED_BACK
    page = rolling.get("/rollout", role=Role.VIEWER).text
    assert f"no {EVIL}" in Page(page).words
    assert EVIL not in page


def test_approving_the_version_on_its_own_page_approves_its_rollout(rolling):
    assert rolling.post("/models/bikes/versions/5/approve", {"reason": "fine"}, role=Role.APPROVER).status == 303
    assert state_of(rolling).phase is Phase.CANARY
    assert rolling.project.registry.state("bikes").champion != 5


def test_promoting_on_the_page_makes_the_champion(rolling):
    assert rolling.post("/rollout/promote", {"reason": "now"}, role=Role.APPROVER).status == 303
    assert rolling.project.registry.state("bikes").champion == 5


def test_a_decision_without_a_reason_shows_the_page_again(rolling):
    answer = rolling.post("/rollout/rollback", {"reason": " "}, role=Role.APPROVER)
    assert answer.status == 422
    assert "A decision needs a reason." in Page(answer.text).words


@pytest.mark.parametrize("verb", ["approve", "promote", "rollback"])
def test_who_may_not_approve_gets_no_form_and_no_decision(rolling, verb):
    assert rolling.post(f"/rollout/{verb}", {"reason": "x"}, role=Role.VIEWER).status == 403
    assert not [form for form in Page(rolling.get("/rollout", role=Role.VIEWER).text).forms if "/rollout/" in form["action"]]
    assert state_of(rolling).phase is Phase.HELD


def test_a_rollout_that_is_asked_for_is_shown_with_its_own_end_after_a_later_one(rolling):
    first = state_of(rolling).id
    rolling.project.rollouts.roll_back("bikes", actor="ann", reason="not before the sale")
    rolling.project.rollouts.start("bikes", 5, steps=STEPS, time_limit_us=10**12, actor="bob", approver="bob", reason="now", override=True)
    assert f"/rollout?id={first}" in rolling.get("/rollout", role=Role.VIEWER).text
    page = Page(rolling.get(f"/rollout?id={first}", role=Role.APPROVER).text)
    for part in ("Refused bikes@5: by ann: not before the sale.", "shadow", "taken back", "The newest rollout"):
        assert part in page.words, part
    assert not [form for form in page.forms if "/rollout/" in form["action"]], "an ended rollout takes no decision"
    twin = rolling.get(f"/rollout.json?id={first}", role=Role.VIEWER, accept="application/json").json
    assert (twin["phase"], twin["rows"][0]["candidate"]["rows"], twin["newest"]) == ("refused", 11, False)
    assert rolling.get("/rollout?id=nothing", role=Role.VIEWER).status == 404


def test_a_promotion_that_was_rolled_back_later_says_both(rolling):
    rolling.project.rollouts.promote("bikes", actor="ann", reason="fine")
    assert "Rolled back since" not in words(rolling)
    rolling.project.registry.rollback("bikes", reason="wrong on holidays", actor="bob")
    seen = words(rolling)
    assert "Promoted bikes@5 by ann: fine" in seen
    assert "Rolled back since" in seen
    assert "wrong on holidays" in seen


def test_the_page_says_how_far_each_test_is_how_long_the_step_takes_and_that_it_is_paused(rolling):
    rolling.project.rollouts.approve("bikes", actor="ann", reason="fine")
    rolling.project.clock.advance(3600 * 10**6)
    arms = EpochCounts(champion=ArmCounts(rows=22, requests=22), candidate=ArmCounts(rows=3, requests=3, errors=1))
    state = state_of(rolling)
    rolling.project.rollouts.observe("bikes", state.id, Tally(epochs={"2": arms}), keep=True, actor="policy")
    DecisionLedger(rolling.project.events, "bikes").pause("the sale", actor="ann")
    seen = words(rolling)
    for part in ("25 of 100 rows of this step, about 3 hours more at the present traffic", "failed on 1 of 3 requests", "Is wrong by more"):
        assert part in seen, part
    assert "paused by ann: the sale" in seen
    twin = rolling.get("/rollout.json", role=Role.VIEWER, accept="application/json").json
    meter = next(gauge for gauge in twin["gauges"] if gauge["signal"] == "errors")
    assert 0 < meter["value"] < 1
    assert meter["threshold"] == 60
    assert twin["progress"] == {"rows": 25, "needed": 100, "expected_us": 3 * 3600 * 10**6}
