"""Estimated performance through a project: fitted once per champion, heard before labels come, remade by a replay of what was lived."""

import random

import pytest
from lived_city import ENVIRONMENT, answered_by_worker, quiet, write

from volant.kernel.codec import decode
from volant.loop.grounds import kept
from volant.loop.ledger import DecisionLedger
from volant.monitoring.estimate_model import LossEstimator
from volant.wiring import commands
from volant.wiring.project import open_project
from volant.wiring.verbs.looping import look
from volant.wiring.verbs.retracing import replay_lived
from volant.wiring.verbs.watching import keep_watch
from volant.wiring.watched import view

POLICY = """
retrain:
  when: [{estimated_performance: worse}]
watch: {window: {rows: 80}}
"""
MODEL = '''"""Twice the temperature; the warmer, the more it errs."""


class Twice:
    def predict(self, frame):
        return (frame["temp"] * 2).to_numpy()


def model(rows, target, *, learning_rate=0.1):
    return Twice()
'''


def rows_of(day, count, least=0):
    chance = random.Random(day)
    return [{"id": 10_000 * day + number, "temp": chance.randint(least, 60) / 2} for number in range(count)]


def told(rows):
    chance = random.Random(len(rows))
    return [{"id": row["id"], "demand": round(2 * row["temp"] + row["temp"] * chance.uniform(-1, 1), 3)} for row in rows]


def served(project, home, day, *, least=0, labelled=True):
    """160 rows are answered by a worker, and perhaps labelled."""
    rows = rows_of(day, 160, least)
    answered_by_worker(project, day, rows)
    if labelled:
        write(home / "truth.csv", told(rows))
        assert commands.add_labels(project, str(home / "truth.csv"), ["id"])["new"] == 160


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("estimated")
    rows = rows_of(1, 1200)
    write(folder / "history.csv", [{**row, **truth} for row, truth in zip(rows, told(rows), strict=True)])
    commands.init(folder, "city", environment=ENVIRONMENT, data="history.csv", target="demand", key=("id",), metric="mae")
    home = folder / "city"
    (home / "pipeline.py").write_text(MODEL, encoding="utf-8")
    text = (home / "volant.yaml").read_text(encoding="utf-8").replace("autonomy: propose", "autonomy: autopilot")
    text = text.replace("holdout: {last: 120 rows}", "holdout: {last: 400 rows}")
    (home / "volant.yaml").write_text(text[: text.index("retrain:")] + POLICY, encoding="utf-8")
    project = open_project(home, environment=ENVIRONMENT)
    commands.run(project)
    if project.registry.state("city").champion is None:
        commands.approve(project, "latest", reason="first", actor="ann", override=True)
    return home


def test_what_is_expected_is_heard_before_labels_come_and_a_replay_comes_to_the_same(city):
    project = open_project(city, environment=ENVIRONMENT)
    served(project, city, 2)
    keep_watch(project)
    live = project.windows.live("city", 1)
    estimator = decode(project.objects.get(live.question["estimator"]), LossEstimator)
    assert {part.column for part in estimator.parts} & {"prediction", "f:temp"}
    agreed = view(project)
    assert not agreed["estimate"]["validity"]["contradicted"]
    assert agreed["windows"][0]["estimate"]["gap_rows"] == 80

    served(project, city, 3, least=54, labelled=False)
    said = look(city, ENVIRONMENT, {}, quiet)["decisions"][0]
    assert (said["action"], said["trigger"]) == ("retrain", "estimated_performance")
    newest = view(project)["windows"][-1]
    assert newest["labelled"] == 0
    assert newest["estimate"]["value"] > 1.3 * view(project)["reference"]["value"]

    project = open_project(city, environment=ENVIRONMENT)
    decision = next(d for _, d in DecisionLedger(project.events, "city").decisions() if d.trigger == "estimated_performance")
    assert len(kept(project.objects, decision.grounds).evidence.estimated) == 4
    found = replay_lived(city, ENVIRONMENT, {}, quiet)
    assert found["same"], found


def test_it_is_fitted_once_for_a_champion(city):
    project = open_project(city, environment=ENVIRONMENT)
    first = project.windows.live("city", 1).question["estimator"]
    served(project, city, 4)
    keep_watch(project)
    assert project.windows.live("city", 1).question["estimator"] == first
