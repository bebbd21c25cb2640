"""Code and settings that change, and pauses that come, while a cycle goes on or a server runs."""

import csv
import os
import random
import shutil

import pytest

from volant.kernel.codec import decode
from volant.loop.grounds import kept
from volant.loop.ledger import DecisionLedger
from volant.models.model import Manifest
from volant.wiring import commands
from volant.wiring.project import open_project
from volant.wiring.verbs.looping import look
from volant.wiring.verbs.retracing import replay_lived

ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
POLICY = """
retrain:
  when: [{data: new}]
"""
MODEL = '''"""Demand is twice the temperature, and something. Whoever trains it edits what it is made of, as a person might meanwhile."""

from pathlib import Path

from extra import EXTRA


class Twice:
    def __init__(self, extra):
        self.extra = extra

    def predict(self, frame):
        return (frame["temp"] * 2).to_numpy() + self.extra


def model(rows, target, *, learning_rate=0.1):
    if Path("edit").exists():
        Path("extra.py").write_text("EXTRA = 1000.0\\n")
        Path("volant.yaml").write_text(Path("volant.yaml").read_text().replace("autopilot", "propose"))
    return Twice(EXTRA)
'''


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def rows_of(count):
    noise = random.Random(3)
    temps = [noise.randint(0, 60) / 2 for _ in range(count)]
    return [{"id": number, "temp": temp, "demand": round(2 * temp + noise.uniform(-1, 1), 3)} for number, temp in enumerate(temps)]


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A project under autopilot whose second training will do better than the first."""
    tmp_path = tmp_path_factory.mktemp("begun")
    write(tmp_path / "history.csv", rows_of(300))
    commands.init(tmp_path, "city", environment=ENVIRONMENT, data="history.csv", target="demand", key=("id",), metric="mae")
    home = tmp_path / "city"
    (home / "pipeline.py").write_text(MODEL, encoding="utf-8")
    (home / "extra.py").write_text("EXTRA = 5.0\n", encoding="utf-8")
    text = (home / "volant.yaml").read_text(encoding="utf-8").replace("autonomy: propose", "autonomy: autopilot")
    text = text.replace("latency_p99: 100ms", "latency_p99: 60s")
    (home / "volant.yaml").write_text(text[: text.index("retrain:")] + POLICY, encoding="utf-8")
    project = open_project(home, environment=ENVIRONMENT)
    commands.run(project)
    if project.registry.state("city").champion is None:
        commands.approve(project, "latest", reason="first", actor="ann", override=True)
    (home / "extra.py").write_text("EXTRA = 0.0\n", encoding="utf-8")
    write(tmp_path / "history.csv", rows_of(340))
    return home


@pytest.fixture
def home(begun, tmp_path):
    return shutil.copytree(begun.parent, tmp_path / "all") / "city"


def quiet(_text, _share=None):
    pass


def packed(project, number, name):
    """A file of a version's package."""
    manifest = decode(project.objects.get(project.registry.version("city", number).package), Manifest)
    return project.objects.get(manifest.files[name])


def test_what_is_edited_during_a_cycle_counts_for_the_next_one_and_is_never_mixed(home):
    (home / "edit").touch()
    found = look(home, ENVIRONMENT, {}, quiet)
    project = open_project(home, environment=ENVIRONMENT)
    assert found["end"]["error"] is None
    assert found["run"]["version"] == 2
    assert packed(project, 2, "code/extra.py") == b"EXTRA = 0.0\n"
    assert project.registry.state("city").champion == 2, "the settings of the beginning hold to the end"
    assert (home / "extra.py").read_text(encoding="utf-8") == "EXTRA = 1000.0\n"
    decided = [found for _, found in DecisionLedger(project.events, "city").decisions()][-2:]
    asked, released = (kept(project.objects, decision.grounds).seen.files for decision in decided)
    assert (asked.code, asked.settings) == (released.code, released.settings)
    assert released.code == project.registry.version("city", 2).pipeline
    assert b"autopilot" in project.objects.get(released.settings)
    commands.run(project)
    assert packed(project, 3, "code/extra.py") == b"EXTRA = 1000.0\n"
    assert replay_lived(home, ENVIRONMENT, {}, quiet)["same"]


def test_a_pause_during_a_cycle_lets_the_training_finish_and_promotes_nothing(home):
    project = open_project(home, environment=ENVIRONMENT)

    def pausing(text, _share=None):
        if "testing against" in text:
            commands.pause(project, reason="wait", actor="ann")

    found = look(home, ENVIRONMENT, {}, pausing)
    assert found["run"]["report"]["verdict"] == "pass"
    assert found["run"]["state"] == "proposed"
    assert project.registry.state("city").champion == 1
    assert "paused: by ann: wait" in commands.decisions(project)[0]["sentence"]
    commands.resume(project, reason="go on", actor="ann")
    look(home, ENVIRONMENT, {}, quiet)
    assert project.registry.state("city").champion == 2
    assert replay_lived(home, ENVIRONMENT, {}, quiet)["same"]


def test_settings_that_cannot_be_used_leave_the_last_good_ones_in_force_and_are_an_alert(home):
    look(home, ENVIRONMENT, {}, quiet)
    good = (home / "volant.yaml").read_text(encoding="utf-8")
    (home / "volant.yaml").write_text(good + "\nretrian: {}\n", encoding="utf-8")
    write(home.parent / "history.csv", rows_of(380))
    found = look(home, ENVIRONMENT, {}, quiet)
    assert found["decisions"][0]["trigger"] == "data"
    project = open_project(home, environment=ENVIRONMENT, settings=good)
    (alert,) = [alert for alert in project.alerts.open("city") if alert.cause == "settings"]
    assert "retrian" in alert.sentence
    (home / "volant.yaml").write_text(good, encoding="utf-8")
    look(home, ENVIRONMENT, {}, quiet)
    assert not [alert for alert in project.alerts.open("city") if alert.cause == "settings"]


def test_a_decision_is_read_with_all_it_was_made_from(home):
    look(home, ENVIRONMENT, {}, quiet)
    project = open_project(home, environment=ENVIRONMENT)
    promoted, asked, *_ = commands.decisions(project)
    assert [promoted["action"], asked["action"]] == ["promote", "retrain"]
    assert "mae" in promoted["sentence"]
    assert "of champion v1 on" in promoted["sentence"]
    whole = commands.decision(project, promoted["id"])
    assert whole["made_from"]["evidence"]["candidate_verdict"] == "pass"
    assert whole["made_from"]["settings"] == project.settings
