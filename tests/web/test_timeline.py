"""The decisions of a model in order: one sentence each, filtered by kind, with what they rest on and where they lead."""

import pytest
from web_seed import EVIL, Seeding
from web_site import Page, crawl, new_project, site_of

from volant.config.model import StepConfig, StepKind
from volant.deployments.model import ArmCounts, EpochCounts, Tally
from volant.kernel.clock import MINUTE_US
from volant.kernel.codec import canonical
from volant.loop.ledger import CycleEnd, DecisionLedger
from volant.loop.model import Action, Decision

STEPS = (StepConfig(kind=StepKind.SHADOW, rows=100), StepConfig(kind=StepKind.CANARY, rows=200, share=0.1), StepConfig(kind=StepKind.FULL))


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A project that retrained, failed once, was paused, and whose version 5 went through a rollout and was taken back."""
    project = new_project(tmp_path_factory.mktemp("lived"))
    Seeding(project).everything().other_model()
    clock, ledger = project.clock, DecisionLedger(project.events, "bikes")
    grounds = project.objects.put(canonical({"state": {"champion": 2}, "evidence": {"labels_since_training": 812}}))
    clock.advance(MINUTE_US)
    ledger.pause(f"holidays {EVIL}", actor="ada")
    clock.advance(MINUTE_US)
    ledger.resume("back", actor="ada")
    clock.advance(MINUTE_US)
    asked = Decision(action=Action.RETRAIN, at=clock.now(), sentence="the loss grew", trigger="performance", evidence={"loss": 0.41})
    first = ledger.record(asked, actor="policy")
    clock.advance(MINUTE_US)
    ledger.end(CycleEnd(decision=first, mark="m", error=f"no more disk {EVIL}"), actor="policy")
    clock.advance(MINUTE_US)
    again = Decision(action=Action.RETRAIN, at=clock.now(), sentence="the clock", trigger="clock", grounds=grounds)
    second = ledger.record(again, actor="policy")
    clock.advance(MINUTE_US)
    ledger.end(CycleEnd(decision=second, mark="m", run_id=f"{5:032x}", version=5), actor="policy")
    clock.advance(MINUTE_US)
    _roll_out(project)
    return project


def _roll_out(project):
    rollouts, clock = project.rollouts, project.clock
    state = rollouts.start("bikes", 5, steps=STEPS, time_limit_us=10**12, actor="policy", approver="policy", reason="decision x")
    clock.advance(MINUTE_US)
    counts = EpochCounts(champion=ArmCounts(rows=60, requests=60), candidate=ArmCounts(rows=60, requests=60))
    rollouts.observe("bikes", state.id, Tally(epochs={str(state.epoch): counts}), keep=True, actor="policy")
    clock.advance(MINUTE_US)
    rollouts.roll_back("bikes", actor="grace", reason="it is wrong in the rain")


@pytest.fixture(scope="module")
def site(lived):
    with site_of(lived) as running:
        yield running


def shown(site, query=""):
    answer = site.get(f"/decisions.json?{query}", accept="application/json")
    assert answer.status == 200
    return answer.json


def test_every_decision_has_one_sentence_and_they_come_newest_first(site):
    found = shown(site)["lines"]
    instants = [line["recorded_at"] for line in found]
    assert instants == sorted(instants, reverse=True)
    assert all(line["sentence"] for line in found)
    told = [line["sentence"] for line in reversed(found)]
    assert f"ada paused the automation: holidays {EVIL}" in told
    assert f"The training came to nothing: no more disk {EVIL}" in told
    assert "The training ended; it made version 5." in told
    assert "policy sent version 5 on its way beside version 2." in told
    assert "bikes@5 scores in the shadow of bikes@2 until 100 rows have come." in told
    assert any(sentence.startswith("Refused bikes@5: by grace: it is wrong in the rain") for sentence in told)


def test_what_was_counted_in_between_is_no_decision(site, lived):
    kinds = {event.kind for event in lived.events.read("rollout/bikes")}
    assert "observed" in kinds
    assert not {"observed", "limited"} & {line["kind"] for line in shown(site)["lines"]}


@pytest.mark.parametrize(
    ("kind", "kinds"),
    [
        ("pause", {"paused", "resumed"}),
        ("retrain", {"decided to retrain", "training failed", "cycle_ended"}),
        ("rollout", {"started", "began"}),
        ("rollback", {"refused"}),
        ("release", {"approved", "rejected"}),
        ("gate", {"registered", "proposed"}),
    ],
)
def test_one_kind_can_be_asked_for(site, kind, kinds):
    found = shown(site, f"kind={kind}")
    assert {line["kind"] for line in found["lines"]} == kinds
    assert found["found"] == next(one["count"] for one in found["kinds"] if one["kind"] == kind) == len(found["lines"])


def test_all_kinds_together_are_everything(site):
    found = shown(site)
    assert sum(one["count"] for one in found["kinds"]) == found["total"] == len(found["lines"])


def test_evidence_is_named_and_what_it_points_at_is_opened(site):
    lines = {line["sentence"]: {fact["name"]: fact["value"] for fact in line["evidence"]} for line in shown(site)["lines"]}
    assert lines["The loss grew"] == {"trigger": "performance", "loss": 0.41}
    assert lines["The clock"]["labels_since_training"] == 812
    began = next(facts for sentence, facts in lines.items() if "in the shadow" in sentence)
    assert (began["steps.1.kind"], began["steps.2.share"]) == ("shadow", 0.1)
    ended = next(facts for sentence, facts in lines.items() if sentence.startswith("Refused"))
    assert ended["candidate.rows"] == 60


def test_every_link_of_every_decision_leads_somewhere(site):
    found = crawl(site, "/decisions", limit=60)
    assert {answer.status for answer in found.values()} == {200}
    links = {link["to"] for line in shown(site)["lines"] for link in line["links"]}
    assert {"/models/bikes/versions/5", "/models/bikes/versions/5#gate", f"/runs/{5:032x}", "/rollout"} <= links


def test_every_decision_has_an_address_of_its_own(site):
    page = Page(site.get("/decisions").text)
    anchors = [link for link in page.links if "#d-" in link]
    assert len(anchors) == len(set(anchors)) == shown(site)["total"]


def test_another_models_decisions_are_its_own(site):
    from urllib.parse import quote

    found = shown(site, f"model={quote(EVIL)}")
    assert [line["sentence"] for line in found["lines"]] == ["Version 1 was registered; no gate has judged it."]


@pytest.mark.parametrize(("query", "status"), [("kind=nothing", 422), ("model=boats", 404), ("page=0", 422), ("page=7", 200)])
def test_what_cannot_be_shown_is_said(site, query, status):
    assert site.get(f"/decisions?{query}").status == status


def test_the_newest_decisions_are_on_the_overview(site):
    recent = site.get("/index.json", accept="application/json").json["recent"]
    assert len(recent) == 8
    assert recent[0]["recorded_at"] > recent[-1]["recorded_at"]
    assert {line["kind"] for line in recent} >= {"decided to retrain", "training failed", "rejected", "resumed"}
