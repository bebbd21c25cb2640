"""The main job on real input: from a file to a model that serves, learns from its own log, and can be asked what would have been."""

import csv
import shutil
import subprocess
import sys

import pytest
from journey_parts import ENVIRONMENT, query, served, volant

from volant.wiring import commands
from volant.wiring.project import open_project

pytestmark = [pytest.mark.data, pytest.mark.slow]


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_rows(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def typed(row, *, text=()):
    """A line of a CSV file as a client would send it."""
    return {name: value if name in text else float(value) for name, value in row.items()}


def let_out(root, version):
    """Approve a version; one that truthfully failed its gate goes out as an override, after exit code 3 without."""
    name = f"{root.name}@{version}"
    state = volant(root, "models", "show", name).json
    if state["report"]["verdict"] == "pass":
        volant(root, "approve", name, "--reason", "passed")
        return
    refused = volant(root, "approve", name, "--reason", "please", expect=3)
    assert refused.error["code"] == "check_failed"
    assert "--override" in refused.error["next"]
    volant(root, "approve", name, "--override", "--reason", "the walk goes on, and the gate's no is on record")


def turned(root):
    """``volant run``: its answer, with an exit code that fits its verdict."""
    done = volant(root, "run", expect=None)
    found = done.json
    assert found["report"]["verdict"] in {"pass", "fail", "not enough evidence"}, done.err
    assert done.code == (0 if found["state"] in {"champion", "proposed"} or found["report"]["verdict"] == "pass" else 3)
    return found


def walk(root, fresh, *, target, text=(), drop=(), batch=48):
    """Serve, predict ``fresh`` rows in ``batch``es, give each batch its labels only after the next was predicted, learn
    from the log, and let the server switch by itself. Returns (first run, second run, id of a prediction).
    """
    first = turned(root)
    assert (first["version"], first["dataset_version"]) == (1, 1)
    with served(root, log_folder=root.parent) as server:
        assert server.ask("GET", "/ready")[0] == 503
        let_out(root, 1)
        server.until(lambda: server.serving() == 1)
        waiting, prediction = None, None
        for start in range(0, len(fresh), batch):
            part = fresh[start : start + batch]
            answers, prediction = server.predict(
                [typed({k: v for k, v in row.items() if k != target and k not in drop}, text=text) for row in part]
            )
            assert len(answers) == len(part)
            if waiting is not None:
                label(server, *waiting, target=target, text=text)
            waiting = (prediction, part)
        label(server, *waiting, target=target, text=text)
        second = turned(root)
        assert (second["version"], second["dataset_version"]) == (2, first["dataset_version"] + 1)
        let_out(root, 2)
        server.until(lambda: server.serving() == 2)
        assert server.predict([typed({k: v for k, v in fresh[0].items() if k != target and k not in drop}, text=text)])[0]
        assert server.stop() == 0
    assert volant(root, "audit", "verify").json["intact"]
    return first, second, prediction


def label(server, prediction, part, *, target, text):
    labels = [
        {"prediction_id": f"{prediction}.{position}", "label": row[target] if target in text else float(row[target])}
        for position, row in enumerate(part)
    ]
    status, _, body = server.post("/labels", {"labels": labels})
    assert (status, body["new"]) == (200, len(part)), body


def roles(branches):
    """Every role and node of a lineage tree."""
    for branch in branches:
        yield branch["role"], branch["node"]
        yield from roles(branch.get("from", ()))


def assert_traced(root, prediction, labels):
    """A prediction leads to its version, run, code, environment, data and verdict."""
    found = volant(root, "lineage", f"{prediction}.0").json
    assert found["prediction"]["version"] == 1
    assert [label["value"] for label in found["prediction"]["labels"]] == labels
    nouns = {node.partition(":")[0] for _, node in roles(found["from"])}
    assert {"model", "run", "dataset", "pipeline", "environment", "gate"} <= nouns
    nodes = {node for _, node in roles(found["from"])}
    assert {f"model:{root.name}@1", f"dataset:{root.name}@1"} <= nodes


def replayed(root, *options):
    """Metric of each policy by its name, and the whole result."""
    found = volant(root, "replay", *options).json["result"]
    assert found["partial"] is None
    return {policy["name"]: policy["metric"] for policy in found["policies"]}, found


def test_elec2_is_learned_served_labelled_a_day_late_and_learned_again(real_data, tmp_path):
    rows = rows_of(real_data / "elec2.csv")
    write_rows(tmp_path / "elec2.csv", rows[:-480])
    volant(tmp_path, "init", "elec", "--data", "elec2.csv", "--target", "class", "--tick", "30m", "--label-delay", "24h")
    root = tmp_path / "elec"
    first, second, prediction = walk(root, rows[-480:], target="class", text=("class",), batch=48)

    last_known = first["report"]["baselines"]["last known value"]
    assert 0.30 < last_known < 0.38  # at a delay of 48 rows the last known label is right 66 % of the time, not 85 %
    assert query(root, "select count(*) from label") == [(480,)]
    assert second["report"]["champion"] == 1
    assert_traced(root, prediction, [rows[-48]["class"]])

    metrics, result = replayed(root, "--policy", "never,every:2:sliding")
    assert len(result["windows"]) == 48  # the first 12 sixtieths of the history warm up
    assert metrics["every 2 windows, sliding"] < metrics["never"] == pytest.approx(0.267, abs=0.01)


def test_bike_hourly_is_initialised_in_process_warns_of_its_leak_and_goes_on_by_override(real_data, tmp_path):
    rows = rows_of(real_data / "bike_hourly.csv")
    write_rows(tmp_path / "bike_hourly.csv", rows[:-144])
    made = commands.init(
        tmp_path, "bikes", environment=ENVIRONMENT, data="bike_hourly.csv", target="cnt", time="dteday", drop=["instant"], label_delay="1d"
    )
    assert any("registered" in warning and "casual" in warning for warning in made["warnings"]), made["warnings"]
    assert any(guess["what"] == "task" and guess["value"] == "regression" for guess in made["guesses"])
    shutil.rmtree(tmp_path / "bikes")

    drop = "instant,casual,registered"
    volant(
        tmp_path, "init", "bikes", "--data", "bike_hourly.csv", "--target", "cnt", "--time", "dteday", "--drop", drop, "--label-delay", "1d"
    )
    root = tmp_path / "bikes"
    _, second, prediction = walk(root, rows[-144:], target="cnt", text=("dteday",), drop=drop.split(","), batch=24)

    project = open_project(root, environment={})
    assert project.datasets.get("bikes", second["dataset_version"]).rows == len(rows)
    assert_traced(root, prediction, [float(rows[-24]["cnt"])])

    metrics, _ = replayed(root, "--policy", "never,every:2:growing", "--windows", "6")
    assert metrics["every 2 windows, growing"] < 0.8 * metrics["never"]
    assert metrics["never"] == pytest.approx(72.6, rel=0.05)


def test_noaa_is_learned_day_by_day_and_retraining_beats_never(real_data, tmp_path):
    rows = rows_of(real_data / "noaa_bellevue_weather.csv")
    write_rows(tmp_path / "noaa.csv", rows[:-60])
    volant(tmp_path, "init", "noaa", "--data", "noaa.csv", "--target", "target", "--tick", "1d", "--label-delay", "1d")
    root = tmp_path / "noaa"
    assert "task: binary" in (root / "volant.yaml").read_text()
    _, second, prediction = walk(root, rows[-60:], target="target", batch=1)

    assert query(root, "select count(*) from label") == [(60,)]
    assert second["report"]["champion"] == 1
    assert_traced(root, prediction, [int(rows[-1]["target"])])

    metrics, _ = replayed(root, "--policy", "never,every:3:growing", "--windows", "12")
    assert metrics["every 3 windows, growing"] < metrics["never"] == pytest.approx(0.220, abs=0.01)


def test_the_projects_own_tests_pass_under_plain_pytest(template):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=template, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
