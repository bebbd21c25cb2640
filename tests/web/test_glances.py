"""Facts about all models are read once and again only where something changed: over both adapters, never out of date."""

import pytest
from web_seed import EVIL, NOW, Seeding
from web_site import new_project, site_of

from volant.evidence.model import Label
from volant.kernel.clock import DAY_US
from volant.loop.ledger import CycleEnd, DecisionLedger
from volant.loop.model import Action, Decision
from volant.monitoring.alert_model import Severity


@pytest.fixture(params=[False, True], ids=["memory", "sqlite"])
def project(request, tmp_path):
    made = new_project(tmp_path, on_disk=request.param)
    Seeding(made).everything().other_model()
    yield made
    if request.param:
        made.tx.close()


def states(project):
    return {cell.stage: cell.state for cell in project.glances.wheel("bikes").cells}


def test_every_kind_of_change_is_seen_at_the_next_glance(project):
    ledger = DecisionLedger(project.events, "bikes")
    assert (states(project)["release"], states(project)["loop"]) == ("waits for approval", "no trigger")
    project.registry.approve("bikes", 5, reason="good", actor="ada")
    assert states(project)["release"] == "v5 released"
    ledger.pause("holidays", actor="ada")
    assert states(project)["loop"] == "paused"
    ledger.resume("back", actor="ada")
    decided = ledger.record(Decision(action=Action.RETRAIN, at=NOW, sentence="it is time"), actor="policy")
    assert states(project)["loop"] == "retraining"
    ledger.end(CycleEnd(decision=decided, mark="m", error="no more disk"), actor="policy")
    project.alerts.raise_("errors", severity=Severity.CRITICAL, sentence="It raised.", facts={}, model="bikes")
    assert states(project)["serve"] == "answers fail"
    project.alerts.resolve("errors", model="bikes")
    assert states(project)["serve"] == "no server"
    project.leases.acquire("loop/bikes", "pid 1 at http://here", DAY_US)
    assert states(project)["serve"] == "v5 serves"
    project.clock.advance(2 * DAY_US)
    assert states(project)["serve"] == "no server"


def test_labels_count_as_soon_as_they_are_stored(project):
    before = project.glances.facts("bikes")
    project.labels.add("bikes", [Label(key='["new"]', value=1.0, known_at=NOW, recorded_at=NOW, source="test")])
    after = project.glances.facts("bikes")
    assert (after.labels, after.labels_week) == (before.labels + 1, before.labels_week + 1)


def test_the_order_of_all_models_follows_their_alerts(project):
    assert [project.glances.wheels()[name].rank for name in ("bikes", EVIL)] == [3, 0]
    project.alerts.resolve("performance", model="bikes")
    project.alerts.raise_("errors", severity=Severity.CRITICAL, sentence="It raised.", facts={}, model=EVIL)
    assert [project.glances.wheels()[name].rank for name in ("bikes", EVIL)] == [2, 3]
    assert project.glances.alerts()[0].model == EVIL


def test_the_overview_finds_sorts_and_pages(project):
    with site_of(project) as site:

        def names(query):
            return [row["model"] for row in site.get(f"/index.json?{query}", accept="application/json").json["models"]]

        assert names("") == ["bikes", EVIL]
        assert names("sort=name") == [EVIL, "bikes"]
        assert names("search=BIK") == ["bikes"]
        assert names("search=nothing+like+it") == []
        assert names("page=2") == []
        assert site.get("/?sort=size").status == 422
        assert "No model is named like" in site.get("/?search=%3Cb%3E").text
        assert "<b>" not in site.get("/?search=%3Cb%3E").text


def test_only_what_changed_is_read_again(project):
    glances = project.glances
    kept = glances.stored()
    project.alerts.raise_("errors", severity=Severity.WARNING, sentence="It raised.", facts={}, model="bikes")
    again = glances.stored()
    assert again[EVIL] is kept[EVIL]
    assert again["bikes"] is not kept["bikes"]
