"""``volant monitor`` over a real project: batches, labels that come late, and what the windows then show."""

import csv
import os
import random
import shutil

import pytest

from volant.cli.main import main
from volant.wiring import commands, watched
from volant.wiring.project import open_project
from volant.wiring.verbs.watching import keep_watch, tell

ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
ROWS = 130


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def rows_of(day, count):
    noise = random.Random(day)
    return [{"id": 10_000 * day + n, "temp": noise.randint(0, 60) / 2, "load": noise.choice((-1.0, -0.5, 0.5, 1.0))} for n in range(count)]


def told(rows):
    return [{"id": row["id"], "demand": round(3 * row["temp"] + 10 + 5 * row["load"], 3)} for row in rows]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A project whose champion has answered a file of 130 rows, of which 90 are labelled."""
    folder = tmp_path_factory.mktemp("watched")
    rows = rows_of(1, 400)
    history = [{**row, **truth} for row, truth in zip(rows, told(rows), strict=True)]
    write(folder / "history.csv", history)
    commands.init(folder, "city", environment=ENVIRONMENT, data="history.csv", target="demand", key=("id",), metric="mae")
    home = folder / "city"
    config = (home / "volant.yaml").read_text(encoding="utf-8")
    (home / "volant.yaml").write_text(config + "\nwatch: {window: {rows: 50}}\n", encoding="utf-8")
    project = open_project(home, environment=ENVIRONMENT)
    commands.run(project)
    commands.approve(project, "latest", reason="first", actor="ann", override=True)
    live = rows_of(2, ROWS)
    write(home / "live.csv", [*live[:-1], {**live[-1], "temp": 900.0}])
    write(home / "truth.csv", told(live[:90]))
    commands.predict(project, "@champion", str(home / "live.csv"), None)
    return home


@pytest.fixture
def project(home):
    return open_project(home, environment=ENVIRONMENT)


def test_the_windows_show_traffic_first_and_the_metric_as_labels_arrive(project, home):
    before = commands.monitor(project)
    assert [(w["rows"], w["labelled"]) for w in before["windows"]] == [(50, 0), (50, 0), (30, 0)]
    assert before["traffic"]["rows"] == ROWS
    assert before["reference"]["rows"] > 0
    commands.add_labels(project, str(home / "truth.csv"), ["id"])
    after = commands.monitor(project)
    assert [w["labelled"] for w in after["windows"]] == [50, 40, 0]
    assert after["windows"][0]["waits"] is None
    assert after["windows"][0]["low"] <= after["windows"][0]["value"] <= after["windows"][0]["high"]
    assert after["windows"][2]["waits"] == "is still filling"
    assert after["labels"]["coverage"] == pytest.approx(90 / ROWS)
    assert after["new_rows"] == 0


def test_live_rows_are_held_to_the_projects_own_contract(project):
    keep_watch(project)
    found = watched.view(project)
    assert found["quality"]["checked"] == ROWS
    assert [(rule["rule"], rule["rows"]) for rule in found["quality"]["rules"]] == [("temp: range", 1)]
    columns = {column["name"]: column for column in found["quality"]["columns"]}
    assert columns["temp"]["maximum"] == 900.0
    assert columns["prediction"]["rows"] == ROWS


def test_pages_read_the_same_from_the_store_without_a_child(project):
    asked = commands.monitor(project)
    stored = watched.view(project)
    assert {**stored, "new_rows": 0} == asked


def test_the_command_prints_windows_and_a_check_that_fails_says_why(home, capsys):
    assert main(["monitor", "--project", str(home), "-q"]) == 0
    shown = capsys.readouterr().out
    assert "city@1, epoch 1" in shown
    assert "is still filling" in shown
    assert "temp: range" in shown
    assert main(["monitor", "check", "--project", str(home), "-q"]) == 3
    assert "live rows break temp: range: 1 of 130" in capsys.readouterr().out


def test_a_project_without_a_champion_has_nothing_to_show_and_says_so(tmp_path, capsys):
    commands.init(tmp_path, "demo", environment=ENVIRONMENT, template=True)
    project = open_project(tmp_path / "demo", environment=ENVIRONMENT)
    assert keep_watch(project) == 0
    assert watched.view(project)["windows"] == []
    assert main(["monitor", "--project", str(tmp_path / "demo"), "-q"]) == 0
    assert "no champion" in capsys.readouterr().out


def test_labels_that_come_after_a_champion_was_replaced_still_count_for_it(home, tmp_path):
    shutil.copytree(home, tmp_path / "city")
    shutil.copy(home.parent / "history.csv", tmp_path / "history.csv")
    project = open_project(tmp_path / "city", environment=ENVIRONMENT)
    keep_watch(project)
    commands.run(project, set_params={"learning_rate": 0.05})
    commands.approve(project, "latest", reason="second", actor="ann", override=True)
    late = tmp_path / "late.csv"
    write(late, told(rows_of(2, ROWS)))
    commands.add_labels(project, str(late), ["id"])
    keep_watch(project)
    first = project.windows.live("city", 1)
    assert [(w.labelled, w.waits) for w in first.windows] == [(50, None), (50, None), (30, None)]
    assert project.windows.live("city", 2).windows == ()


def test_what_the_windows_show_is_told_once_and_is_over_by_itself(home, tmp_path):
    shutil.copytree(home, tmp_path / "city")
    shutil.copy(home.parent / "history.csv", tmp_path / "history.csv")
    project = open_project(tmp_path / "city", environment=ENVIRONMENT)
    for day, temp in ((3, 900.0), (4, 12.5), (5, 12.5)):
        write(tmp_path / "day.csv", [{**row, "temp": temp} for row in rows_of(day, 50)])
        commands.predict(project, "@champion", str(tmp_path / "day.csv"), None)
        keep_watch(project)
        if day == 3:
            assert "live data" in tell(project)
            assert "live data" in tell(project)
            (alert,) = [alert for alert in project.alerts.open("city") if alert.cause == "live data"]
            assert "temp: range" in alert.sentence
    write(tmp_path / "day.csv", rows_of(6, 50))
    commands.predict(project, "@champion", str(tmp_path / "day.csv"), None)
    keep_watch(project)
    assert "live data" not in tell(project)
    assert "live data" not in [alert.cause for alert in project.alerts.open("city")]


def test_repeated_traffic_is_counted_as_traffic_and_not_as_evidence(home, tmp_path):
    shutil.copytree(home, tmp_path / "city")
    project = open_project(tmp_path / "city", environment=ENVIRONMENT)
    keep_watch(project)
    before = watched.view(project)
    write(tmp_path / "again.csv", [{**row, "load": 0.5} for row in rows_of(2, 70)])
    commands.predict(project, "@champion", str(tmp_path / "again.csv"), None)
    keep_watch(project)
    after = watched.view(project)
    assert after["traffic"]["rows"] == before["traffic"]["rows"] + 70
    assert after["labels"]["rows"] == before["labels"]["rows"]
    assert after["windows"][-1]["waits"] == "no new answers"
