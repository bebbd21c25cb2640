"""Drift over a real project: a batch that moved, the alert, the trigger, and the end of it."""

import csv
import json
import os
import random

import pytest

from volant.cli.main import main
from volant.kernel.codec import decode
from volant.monitoring.drift_model import DriftReference
from volant.wiring import commands
from volant.wiring.drifted import drift_view
from volant.wiring.project import open_project
from volant.wiring.verbs.looping import plan
from volant.wiring.verbs.watching import keep_watch, tell

ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


def rows_of(seed, count, *, warmer=0.0, missing=0.0):
    noise = random.Random(seed)
    return [
        {
            "id": 100_000 * seed + number,
            "temp": round(noise.gauss(15 + warmer, 5), 3),
            "wind": "" if noise.random() < missing else round(noise.expovariate(1.0), 3),
            "sky": noise.choice(("clear", "clear", "rain", "snow")),
        }
        for number in range(count)
    ]


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A project with a champion that listens to drift, and nothing answered yet."""
    folder = tmp_path_factory.mktemp("drifted")
    history = [{**row, "demand": round(3 * row["temp"] + 10 * (row["sky"] == "rain"), 3)} for row in rows_of(1, 3_000)]
    write(folder / "history.csv", history)
    commands.init(folder, "city", environment=ENVIRONMENT, data="history.csv", target="demand", key=("id",), metric="mae")
    home = folder / "city"
    config = (home / "volant.yaml").read_text(encoding="utf-8")
    kept = "\n".join(line for line in config.splitlines() if not line.startswith(("retrain:", "  when:", "  guard:")))
    (home / "volant.yaml").write_text(f"{kept}\nwatch: {{window: {{rows: 250}}}}\nretrain: {{when: [{{drift: any}}]}}\n", encoding="utf-8")
    project = open_project(home, environment=ENVIRONMENT)
    commands.run(project)
    commands.approve(project, "latest", reason="first", actor="ann", override=True)
    return home


@pytest.fixture
def project(home):
    return open_project(home, environment=ENVIRONMENT)


def answered(project, home, seed, count=500, **changes):
    write(home / "day.csv", rows_of(seed, count, **changes))
    commands.predict(project, "@champion", str(home / "day.csv"), None)
    keep_watch(project)
    return drift_view(project)


def asked(home):
    return plan(home, ENVIRONMENT, {}, lambda *_: None)["decisions"][0]


def test_a_batch_that_moved_is_seen_told_and_asked_about_until_it_is_over(project, home, capsys):
    before = answered(project, home, 2)
    assert before["drifting"] == []
    assert [window["rows"] for window in before["strip"]] == [250, 250]
    assert {column["name"] for column in before["columns"]} == {"temp", "wind", "sky", "the prediction"}
    assert tell(project) == []
    assert asked(home)["action"] == "wait"

    moved = answered(project, home, 3, warmer=4.0, missing=0.1)
    assert set(moved["drifting"]) == {"temp", "wind", "the prediction"}
    columns = {column["name"]: column for column in moved["columns"]}
    assert columns["temp"]["low"] < 0.8 < columns["temp"]["high"]
    assert columns["wind"]["aspect"] == "missing"
    assert tell(project) == ["live data", "drift"]
    (alert,) = [alert for alert in project.alerts.open("city") if alert.cause == "drift"]
    assert alert.severity.value == "warning"
    assert "volant retrain" in alert.sentence
    decision = asked(home)
    assert (decision["action"], decision["trigger"]) == ("wait", "drift")
    assert "learned from the same code, settings, data and labels" in decision["held"]
    write(home / "truth.csv", [{"id": row["id"], "demand": row["temp"]} for row in rows_of(3, 500)])
    commands.add_labels(project, str(home / "truth.csv"), ["id"])
    assert asked(home)["action"] == "retrain"

    assert main(["monitor", "check", "--project", str(home), "-q"]) == 3
    assert "temp has moved away from what the champion learned" in capsys.readouterr().out
    assert main(["monitor", "--project", str(home), "-q"]) == 0
    assert "3 columns moved" in capsys.readouterr().out
    assert main(["monitor", "--project", str(home), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["drift"]
    assert told["drifting"] == moved["drifting"]

    after = answered(project, home, 4, 1_500)
    assert after["drifting"] == []
    tell(project)
    assert "drift" not in [alert.cause for alert in project.alerts.open("city")]
    assert asked(home)["action"] == "wait"


def test_the_reference_of_a_version_is_stored_once_and_is_what_it_learned_from(project, home):
    keep_watch(project)
    digest = project.windows.reference("city", 1)
    known = decode(project.objects.get(digest), DriftReference)
    version = project.registry.version("city", 1)
    assert known.columns["f:temp"].rows == version.trained_rows
    assert known.columns["prediction"].rows == 3_000 - version.trained_rows
    assert "f:id" not in known.columns
    answered(project, home, 5, 50)
    assert project.windows.reference("city", 1) == digest


def test_a_window_that_is_still_filling_is_shown_as_such_and_alarms_nobody(project, home):
    before = answered(project, home, 6, 1)
    far = answered(project, home, 7, 30, warmer=40.0)
    assert far["strip"][-1]["number"] == before["strip"][-1]["number"]
    assert far["drifting"] == []
    assert far["waiting"] > 30


def test_shapes_do_not_depend_on_how_the_log_came_in(project):
    stored = project.windows.shapes("city", 1, "champion")
    with project.tx.transaction():
        covered = project.windows.covered("city")
        project.windows.commit("city", covered, "another basis", {}, [])
    keep_watch(project)
    assert project.windows.shapes("city", 1, "champion") == stored
