"""Rollouts of people who never serve: files are scored by both arms, and late labels decide."""

import csv

import pytest
from bikes_project import opened
from rollout_parts import EQUAL, FAILING, SLOW, start, with_steps

from volant.deployments.model import Phase
from volant.wiring import commands
from volant.wiring.child import Child
from volant.wiring.verbs.opened import predictions_of

STEPS = "release: {steps: [{shadow: 60 rows}, {canary: 50%, rows: 60}, full]}\n"
LONG = "release: {steps: [{shadow: 1000 rows}, full]}\n"
COLUMNS = ("station", "temp", "hum", "season", "city", "holiday", "day")


def write_file(project, name, rows, first=0):
    """Stations that nobody has seen; the temperature is the number of the row."""
    with (project.root / name).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([f"{name}{n}", n + 0.0, 0.5, 1, "Paris", "false", "2026-01-01"] for n in range(first, first + rows))


def write_truth(project, name, rows, more, first=0):
    """What the champion says, and so much more."""
    with (project.root / f"truth-{name}").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["station", "cnt"])
        writer.writerows([f"{name}{n}", n + 1.0 + more] for n in range(first, first + rows))


class Files:
    """Files scored and labelled in one child process, as commands do in one each."""

    def __init__(self, project):
        self._root = project.root
        self._child = Child(project.root, project.environment)

    def score(self, name, version=1):
        request = {"version": version, "data": str(self._root / name), "output": str(self._root / f"out-{name}"), "log": True}
        return self._child.call("predict", request)

    def tell(self, name):
        request = {"file": str(self._root / f"truth-{name}"), "on": ["station"], "column": None, "known_at_column": None}
        return self._child.call("labels", request)

    def close(self):
        self._child.close()


@pytest.fixture
def begun(rolling):
    """A project with a rollout, and what scores its files."""
    made = []

    def begin(steps, version):
        project = with_steps(rolling, steps)
        start(project, version)
        made.append(Files(project))
        return project, made[0]

    yield begin
    for files in made:
        files.close()


def answers(project, name):
    with (project.root / f"out-{name}").open() as file:
        return [float(row["prediction"]) - float(row["temp"]) for row in csv.DictReader(file)]


def test_a_better_version_becomes_champion_by_files_alone_and_a_pause_holds_it(begun):
    project, files = begun(STEPS, EQUAL)  # one more than the champion, which will turn out right
    write_file(project, "a.csv", 70)
    scored = files.score("a.csv")
    assert (scored["version"], scored["logged"], scored["rollout"]["phase"]) == (1, 70, "canary")
    assert set(answers(project, "a.csv")) == {1.0}, "the champion's values are the answer"
    again = files.score("a.csv")
    assert (again["logged"], commands.rollout(project)["progress"]["rows"]) == (0, 70 - 70)

    write_truth(project, "a.csv", 70, more=1.0)
    assert files.tell("a.csv")["rollout"]["phase"] == "canary"
    commands.pause(project, reason="the sale begins", actor="ann")
    write_file(project, "b.csv", 60)
    held = files.score("b.csv")
    assert (held["rollout"]["phase"], commands.rollout(project)["paused"]) == ("canary", "by ann: the sale begins")
    assert set(answers(project, "b.csv")) == {1.0}
    commands.resume(project, reason="over", actor="ann")
    write_truth(project, "b.csv", 60, more=1.0)
    done = files.tell("b.csv")["rollout"]
    assert done["phase"] == "promoted"
    assert "mae 0 against 1 on 130 rows that both scored" in done["sentence"]
    assert opened(project.root).registry.state("bikes").champion == EQUAL

    lines = predictions_of(project).table("bikes")
    shadows = lines.filter(lines["arm"] == "shadow")
    assert shadows.height == 130, "scored once each, however often the file came"
    assert set(shadows["rollout_epoch"]) == {1, 2}
    assert shadows["pair"].is_in(lines["prediction_id"].implode()).all()


def test_a_version_that_turns_out_worse_is_refused_when_the_labels_come(begun):
    project, files = begun(LONG, EQUAL)
    write_file(project, "a.csv", 90)
    assert files.score("a.csv", version=SLOW)["rollout"] is None, "only what the champion answers is compared"
    assert files.score("a.csv")["rollout"]["phase"] == "shadow"
    write_truth(project, "a.csv", 90, more=0.0)
    done = files.tell("a.csv")["rollout"]
    assert (done["phase"], done["sentence"]) == ("refused", "Refused bikes@2: mae 1 against 0 on 90 rows that both scored.")
    assert [alert.cause for alert in project.alerts.open("bikes")] == ["rollout taken back"]
    assert files.score("a.csv")["rollout"] is None


def test_a_version_that_raises_on_some_rows_is_refused_by_the_first_file(begun):
    project, files = begun(LONG, FAILING)
    write_file(project, "a.csv", 200)  # ten rows of two hundred, in ten parts of twenty
    done = files.score("a.csv")
    assert done["rows"] == 200
    assert project.rollouts.state("bikes").phase is Phase.REFUSED
    assert "it failed on 10 of 20" in done["rollout"]["sentence"]
    lines = predictions_of(project).table("bikes")
    failed = lines.filter((lines["arm"] == "shadow") & (lines["outcome"] == "error"))
    assert failed.height == 100
    assert "no prediction for this temperature" in failed["error"][0]


def test_labels_that_are_known_before_a_file_is_scored_are_heard_before_its_step_ends(begun):
    project, files = begun(STEPS, EQUAL)
    write_truth(project, "a.csv", 90, more=0.0)
    files.tell("a.csv")
    write_file(project, "a.csv", 90)
    assert files.score("a.csv")["rollout"]["phase"] == "refused", "although its sixty rows have come without an error"
