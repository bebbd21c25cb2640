import pytest
from web_seed import EVIL
from web_site import Page

from volant.access.model import Role
from volant.config.model import StepConfig, StepKind
from volant.deployments.model import ArmCounts, EpochCounts, Phase, Tally

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
