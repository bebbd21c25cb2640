"""A project that weighs what staying costs and keeps the rows since the change: lived, and made once more."""

import pytest
from lived_city import ENVIRONMENT, live, quiet

from volant.kernel.clock import iso
from volant.loop.cycle import SINCE_TAG
from volant.loop.grounds import kept
from volant.loop.ledger import DecisionLedger
from volant.wiring.project import open_project
from volant.wiring.verbs.retracing import replay_lived

POLICY = """
retrain:
  when: [{cost: exceeded}, {forecast: worse}]
  cost: {retrain: 100, label: 1}
watch: {window: {rows: 40}}
"""


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """160 labels at 1, and a training at 100, against 160 rows that are wrong by 25."""
    folder = tmp_path_factory.mktemp("staying")
    return live(folder, POLICY, "cost", {"window: {keep: all}": "window: {keep: since_change, size: 50 rows}"})


def test_what_staying_costs_is_heard_and_the_training_keeps_rows_since_it_began_to(city):
    project = open_project(city, environment=ENVIRONMENT)
    event, decision = next(
        found for found in DecisionLedger(project.events, "city").decisions() if (found[1].trigger or "").startswith("cost")
    )
    assert decision.evidence["excess"] > decision.evidence["cost"] > 100
    assert event.actor == "policy"
    grounds = kept(project.objects, decision.grounds)
    assert grounds.policy.retrain.cost.retrain == 100
    assert grounds.evidence.lead_us > 0, "the last training took its time"
    runs = project.runs.search(limit=10)
    newest = max(runs, key=lambda detail: detail.run.started_at)
    assert newest.tags[SINCE_TAG] == iso(decision.evidence["change_us"])
    assert all(SINCE_TAG not in detail.tags for detail in runs if detail is not newest), "no change was seen before"


def test_made_once_more_it_comes_out_the_same(city):
    found = replay_lived(city, ENVIRONMENT, {}, quiet)
    assert found["same"], found
    assert any(line["action"] == "retrain" and line["checked"] for line in found["decisions"])
