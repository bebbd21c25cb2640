"""Rows as nobody would want them, from the data file to what ``volant monitor`` says: a statement, never NaN, a crash or a false page."""

import csv
import json
import math
import os
import random

import pytest

from volant.cli.main import main
from volant.kernel.errors import VolantError
from volant.monitoring.drift_model import DriftReference
from volant.wiring import commands
from volant.wiring.project import open_project
from volant.wiring.verbs.drifting import reference_of_version
from volant.wiring.verbs.file_drift import file_drift
from volant.wiring.verbs.watching import keep_watch, tell
from volant.wiring.watched import view

ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
WINDOW = 200


def rows_of(seed, count, **changes):
    """``changes``: name -> value, or a function of the row's number."""
    noise = random.Random(seed)
    rows = [
        {
            "id": 1_000_000 * seed + number,
            "temp": round(noise.gauss(15, 5), 3),
            "zero": noise.choice(("0.0", "-0.0", "0.0", "2.5")),
            "flat": 7.5,
            "huge": 10**15 + noise.randrange(10**6),
            "spiky": "inf" if noise.random() < 0.02 else round(noise.expovariate(1.0), 3),
            "rare": "" if noise.random() < 0.98 else 1.5,
            "sky": noise.choice(("clear", "clear", "rain", "snow")),
        }
        for number in range(count)
    ]
    for name, value in changes.items():
        for number, row in enumerate(rows):
            row[name] = value(number) if callable(value) else value
    return rows


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A champion that learned from rows with a constant, infinities, huge integers, two zeros and a column that is mostly empty."""
    folder = tmp_path_factory.mktemp("strange")
    history = [{**row, "demand": round(3 * row["temp"] + 10 * (row["sky"] == "rain"), 3)} for row in rows_of(1, 2_000)]
    write(folder / "history.csv", history)
    commands.init(folder, "city", environment=ENVIRONMENT, data="history.csv", target="demand", key=("id",), metric="mae")
    home = folder / "city"
    config = (home / "volant.yaml").read_text(encoding="utf-8")
    (home / "volant.yaml").write_text(f"{config}\nwatch: {{window: {{rows: {WINDOW}}}}}\n", encoding="utf-8")
    (home / "contract.odcs.yaml").unlink()
    text = "\n".join(line for line in (home / "volant.yaml").read_text(encoding="utf-8").splitlines() if "contract:" not in line)
    (home / "volant.yaml").write_text(text + "\n", encoding="utf-8")
    project = open_project(home, environment=ENVIRONMENT)
    commands.run(project)
    commands.approve(project, "latest", reason="first", actor="ann", override=True)
    return home


@pytest.fixture
def project(home):
    return open_project(home, environment=ENVIRONMENT)


def numbers_in(found):
    if isinstance(found, dict):
        return [number for value in found.values() for number in numbers_in(value)]
    if isinstance(found, list | tuple):
        return [number for value in found for number in numbers_in(value)]
    return [found] if isinstance(found, float) else []


def checked(home, tmp_path, rows):
    found = file_drift(home, ENVIRONMENT, {"data": write(tmp_path / "day.csv", rows)}, lambda *_: None)
    assert all(math.isfinite(number) for number in numbers_in(found))
    json.dumps(found, allow_nan=False)
    return found


INPUTS = ("temp", "zero", "flat", "huge", "spiky", "rare", "sky")
FILES = {
    "like the champion's own": ({}, set()),
    "a constant column": ({"temp": 15.0}, {"temp"}),
    "all missing": (dict.fromkeys(INPUTS, ""), set(INPUTS)),
    "a category never seen": ({"sky": lambda number: "hail" if number % 4 == 0 else "clear"}, {"sky"}),
    "only names of their own": ({"sky": lambda number: f"sky {number}"}, {"sky"}),
    "infinite": ({"temp": "inf", "spiky": "-inf"}, {"temp", "spiky"}),
    "not a number": ({"temp": "nan"}, {"temp"}),
    "the other zero": ({"zero": lambda number: ("-0.0", "-0.0", "0.0", "2.5")[number % 4]}, set()),
    "huger integers": ({"huge": 9 * 10**18}, {"huge"}),
    "as large as numbers get": ({"temp": 1.7e308}, {"temp"}),
    "a constant that varies": ({"flat": lambda number: number % 9}, {"flat"}),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_a_file_of_strange_rows_is_compared_column_by_column(home, tmp_path, case):
    changes, expected = FILES[case]
    found = checked(home, tmp_path, rows_of(20, 600, **changes))
    assert set(found["drifting"]) == expected
    for column in found["columns"]:
        assert column["low"] <= column["effect"] <= column["high"]
        assert not column["drifting"] or column["effect"] > column["tolerance"]


@pytest.mark.parametrize("count", [1, 2, 19])
def test_a_file_of_a_few_rows_says_nothing_about_values(home, tmp_path, count):
    found = checked(home, tmp_path, rows_of(21, count, temp=900.0, sky="hail"))
    assert found["drifting"] == []
    assert {column["effect"] for column in found["columns"]} == {0.0}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("id,temp\n", "no rows"),
        ("id,temp\n1,warm\n", "'temp'"),
        ("id,huge\n1,100000000000000000000000000\n", "'huge'"),
        ("id,temp\n1,2,3\n", "line 2"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_place(home, tmp_path, text, said):
    path = tmp_path / "day.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(VolantError) as caught:
        file_drift(home, ENVIRONMENT, {"data": str(path)}, lambda *_: None)
    error = caught.value
    assert said in f"{error} {error.found} {error.next_step}"


def test_a_file_is_checked_by_command_and_leaves_no_trace(home, project, tmp_path, capsys):
    before = project.windows.covered("city")
    own = write(tmp_path / "own.csv", rows_of(22, 400))
    assert main(["monitor", "check", own, "--project", str(home), "-q"]) == 0
    assert "no column moved: 400 rows beside" in capsys.readouterr().out
    assert main(["monitor", "check", str(tmp_path / "gone.csv"), "--project", str(home), "-q"]) == 5
    far = write(tmp_path / "far.csv", rows_of(23, 400, temp=lambda number: 30 + number % 7))
    assert main(["monitor", "check", far, "--project", str(home), "--json", "-q"]) == 3
    assert json.loads(capsys.readouterr().out)["drifting"] == ["temp"]
    assert project.windows.covered("city") == before


def test_the_reference_of_strange_rows_says_of_each_column_how_it_is_compared(project):
    known = reference_of_version(project, 1)
    assert isinstance(known, DriftReference)
    assert known.columns["f:flat"].left_out is None
    assert sum(count > 0 for count in known.columns["f:flat"].counts) == 1
    assert sum(count > 0 for count in known.columns["f:zero"].counts) == 2  # there is but one zero
    assert 0 < known.columns["f:spiky"].absent < 0.1 * known.rows
    assert known.columns["f:rare"].absent > 0.9 * known.rows
    assert known.importance["f:temp"] > 0.5
    assert known.importance["f:flat"] == 0.0


def test_strange_live_rows_and_labels_before_their_predictions_never_page_about_drift(home, project):
    batches = [
        rows_of(30, WINDOW),
        rows_of(31, 1),
        rows_of(32, WINDOW, temp=15.0, sky=lambda number: f"sky {number}"),
        rows_of(33, WINDOW, zero="", rare="", spiky="inf"),
        rows_of(34, WINDOW, temp=1e300),
        rows_of(35, WINDOW),
    ]
    write(home / "early.csv", [{"id": row["id"], "demand": 1.0, "seen": "2001-01-01T00:00:00Z"} for row in batches[-1]])
    commands.add_labels(project, str(home / "early.csv"), ["id"], known_at_column="seen")
    commands.predict(project, "@champion", write(home / "days.csv", [row for batch in batches for row in batch]), None)
    keep_watch(project)
    found = view(project)
    assert all(math.isfinite(number) for number in numbers_in(found))
    json.dumps(found, allow_nan=False)
    assert [window["rows"] for window in found["drift"]["strip"]] == [WINDOW] * 5
    assert {"temp", "spiky"} <= set(found["drift"]["drifting"])
    tell(project)
    told = {alert.cause: alert.severity.value for alert in project.alerts.open("city")}
    assert told["drift"] in {"info", "warning"}
    assert "critical" not in told.values()
    assert main(["monitor", "--project", str(home), "-q"]) == 0
    assert main(["monitor", "check", "--project", str(home), "-q"]) == 3
