"""Closer looks at a real project: found, kept with what they were made from, told, and used."""

import csv
import json
import os
import random

import pytest
from msgspec import structs

from volant.cli.main import main
from volant.kernel.errors import ConflictError, NotFoundError
from volant.monitoring.inspection_model import InspectionKind
from volant.wiring import commands
from volant.wiring.inspected import inspections_view
from volant.wiring.project import open_project
from volant.wiring.slice_gates import accept_slice
from volant.wiring.verbs.inspecting import looked
from volant.wiring.verbs.looking_on import tell_of_whole_rows
from volant.wiring.verbs.watching import keep_watch

ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


def quiet(_text, _share):
    pass


def rows_of(seed, count):
    noise = random.Random(seed)
    for number in range(count):
        yield {
            "id": 100_000 * seed + number,
            "temp": round(noise.gauss(15, 5), 3),
            "sky": noise.choice(("clear", "clear", "rain", "snow")),
            "hour": number % 24,
        }


def with_demand(seed, rows):
    noise = random.Random(-seed)
    for row in rows:
        wild = 5 if 17 <= row["hour"] <= 20 and row["sky"] == "rain" else 1
        yield {**row, "demand": round(3 * row["temp"] + row["hour"] + noise.gauss(0, wild), 3)}


def write(path, rows):
    kept = list(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(kept[0]))
        writer.writeheader()
        writer.writerows(kept)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A project with a champion, nothing answered yet."""
    folder = tmp_path_factory.mktemp("inspected")
    write(folder / "history.csv", with_demand(1, rows_of(1, 3_000)))
    commands.init(folder, "city", environment=ENVIRONMENT, data="history.csv", target="demand", key=("id",), metric="mae")
    project = open_project(folder / "city", environment=ENVIRONMENT)
    commands.run(project)
    return folder / "city"


@pytest.fixture
def project(home):
    return open_project(home, environment=ENVIRONMENT)


def test_without_a_champion_there_is_nothing_to_look_at(project):
    with pytest.raises(ConflictError, match="no champion"):
        looked(project, InspectionKind.SLICES, {}, quiet)
    assert set(inspections_view(project).values()) == {None}
    commands.approve(project, "latest", reason="first", actor="ann", override=True)


def test_before_live_labels_come_the_holdout_is_searched(project):
    found = looked(project, InspectionKind.SLICES, {}, quiet)
    assert found.found["source"] == "holdout"
    assert found.found["why_not"] is None
    live = looked(project, InspectionKind.SLICES, {"on": "live"}, quiet)
    assert live.found["why_not"] == "no row has a label yet"
    assert inspections_view(project)["slices"]["id"] == live.id
    with pytest.raises(NotFoundError, match="no slice 1"):
        accept_slice(project, 1)


def test_a_weak_slice_of_live_rows_is_found_kept_and_held_to(project, home, capsys):
    live = list(with_demand(2, rows_of(2, 3_000)))
    write(home / "live.csv", [{name: row[name] for name in ("id", "temp", "sky", "hour")} for row in live])
    write(home / "truth.csv", [{"id": row["id"], "demand": row["demand"]} for row in live])
    commands.predict(project, "@champion", str(home / "live.csv"), None)
    commands.add_labels(project, str(home / "truth.csv"), ["id"])
    keep_watch(project)
    found = looked(project, InspectionKind.SLICES, {}, quiet)
    assert (found.found["source"], found.found["rows"]) == ("live", 3_000)
    assert found.found["slices"][0]["text"] == "hour in 17..20 and sky = rain"
    assert sum(found.position.values()) == 3_000
    assert found.labels == 3_000

    assert main(["monitor", "slices", "--project", str(home), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["found"]["slices"] == found.found["slices"]
    assert (told["former"], told["id"]) == (False, inspections_view(project)["slices"]["id"])

    assert main(["monitor", "slices", "--gate", "1", "--project", str(home), "-q"]) == 0
    assert 'slices: ["hour in 17..20 and sky = rain"], margin: 5%' in capsys.readouterr().out
    again = open_project(home, environment=ENVIRONMENT)
    assert again.config.gates[-1].slices == ("hour in 17..20 and sky = rain",)
    keep_watch(again)
    parts = again.windows.live("city", 1).slices
    assert {part.of: part.rows for part in parts if part.column.startswith("hour in")}["inside"] == sum(
        17 <= row["hour"] <= 20 and row["sky"] == "rain" for row in live
    )


def test_another_model_is_not_looked_at(home, capsys):
    assert main(["monitor", "slices", "nobody", "--project", str(home), "-q"]) == 5
    assert "this project has city" in capsys.readouterr().err


def test_rows_trained_on_and_served_are_compared_one_by_one(project, home, capsys):
    none = looked(project, InspectionKind.SKEW, {}, quiet)
    assert none.found["paired"] == 0
    assert "--data FILE" in none.sentence
    assert not any(shift["skewed"] for shift in none.found["shifts"])
    write(home / "doubled.csv", [{**row, "temp": 2 * row["temp"]} for row in rows_of(1, 300)])
    commands.predict(project, "@champion", str(home / "doubled.csv"), None)
    keep_watch(project)
    found = looked(project, InspectionKind.SKEW, {}, quiet).found
    assert (found["by"], found["paired"]) == ("key", 300)
    (temp, *others) = found["columns"]
    assert (temp["name"], temp["differing"], temp["pattern"]) == ("temp", 300, "served is 2 times the other")
    assert [column["differing"] for column in others] == [0, 0]
    write(home / "offline.csv", [{**row, "temp": 2 * row["temp"]} for row in rows_of(1, 300)])
    assert main(["monitor", "skew", "--data", str(home / "offline.csv"), "--project", str(home), "-q"]) == 0
    assert "every value is the same" in capsys.readouterr().out


def test_whole_rows_and_attributions_are_compared(project, home, capsys):
    together = looked(project, InspectionKind.MULTIVARIATE, {}, quiet).found
    assert together["why_not"] is None
    assert together["rows"] >= 1_000
    weights = looked(project, InspectionKind.ATTRIBUTION, {}, quiet).found
    assert {column["name"] for column in weights["columns"]} == {"temp", "sky", "hour"}
    assert sum(column["before"] for column in weights["columns"]) == pytest.approx(1)
    assert weights["answered"] <= 200_000
    assert main(["monitor", "drift", "--project", str(home), "-q"]) == 0
    assert "temp" in capsys.readouterr().out
    view = inspections_view(project)
    assert view["multivariate"]["found"] == together
    assert view["attribution"]["found"] == weights


def test_whole_rows_are_looked_at_by_themselves_once_a_window_is_full(home):
    kept = (home / "volant.yaml").read_text(encoding="utf-8")
    (home / "volant.yaml").write_text(f"{kept}\nwatch: {{drift: {{multivariate: true}}}}\n", encoding="utf-8")
    watching = open_project(home, environment=ENVIRONMENT)
    before = watching.inspections.newest("city", InspectionKind.MULTIVARIATE)
    keep_watch(watching)
    first = watching.inspections.newest("city", InspectionKind.MULTIVARIATE)
    assert first.id != before.id
    keep_watch(watching)
    assert watching.inspections.newest("city", InspectionKind.MULTIVARIATE) == first
    moved = structs.replace(first, id="moved", found={**first.found, "drifted": True}, sentence="Whole rows have moved.")
    watching.inspections.add(moved)
    assert tell_of_whole_rows(watching) == ["whole rows"]
    assert [alert.cause for alert in watching.alerts.open("city") if alert.cause == "whole rows"] == ["whole rows"]
    watching.inspections.add(structs.replace(first, id="fine"))
    assert tell_of_whole_rows(watching) == []
    assert "whole rows" not in [alert.cause for alert in watching.alerts.open("city")]


def test_before_anything_was_answered_each_look_says_why_it_sees_nothing(tmp_path):
    write(tmp_path / "history.csv", with_demand(7, ({**row, "id": row["id"] % 7} for row in rows_of(7, 600))))
    commands.init(tmp_path, "town", environment=ENVIRONMENT, data="history.csv", target="demand", metric="mae")
    town = open_project(tmp_path / "town", environment=ENVIRONMENT)
    commands.run(town)
    commands.approve(town, "latest", reason="first", actor="ann", override=True)
    why = {kind: looked(town, kind, {}, quiet).found["why_not"] for kind in InspectionKind}
    assert "60 labelled rows" in why[InspectionKind.SLICES]
    assert "no key and no time" in why[InspectionKind.SKEW]
    assert "0 rows were answered" in why[InspectionKind.MULTIVARIATE]
    assert "0 rows were answered" in why[InspectionKind.ATTRIBUTION]
