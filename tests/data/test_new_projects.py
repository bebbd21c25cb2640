import ast
import subprocess
import sys

import polars as pl
import pytest
import yaml

from volant.config.model import Task
from volant.data.leaks import find_leaks
from volant.data.odcs import load_contract
from volant.data.project import create_project
from volant.data.validate import check_file
from volant.kernel.clock import HOUR_US
from volant.kernel.errors import AlreadyExistsError, InvalidInputError, NotFoundError, UnavailableError, UsageError


def table(rows=200, **columns):
    found = {"day": [f"2026-{1 + i // 28 % 12:02d}-{1 + i % 28:02d}" for i in range(rows)], "x": [(i * 37) % 101 / 10 for i in range(rows)]}
    found |= {
        "color": [("red", "green", "blue")[i % 3] for i in range(rows)],
        "y": [(i * 37) % 101 + i % 3 * 2 + 0.25 for i in range(rows)],
    }
    for name, make in columns.items():
        found[name] = [make(i) for i in range(rows)]
    return pl.DataFrame(found).write_csv().encode()


def make(tmp_path, path, name="shop", **options):
    return create_project(tmp_path, name, **{"data": path, "target": "y", "label_delay": "1d", "time": "day"} | options)


def settings(tmp_path, name="shop"):
    return yaml.safe_load((tmp_path / name / "volant.yaml").read_text())


def run_pytest(folder):
    return subprocess.run(
        [sys.executable, "-I", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )


def test_a_project_is_written_whole_and_its_tests_pass_without_volant(tmp_path, write):
    created = make(tmp_path, write(table()))
    folder = tmp_path / "shop"
    assert set(created.written) == {
        f"shop/{p}" for p in ("volant.yaml", "pipeline.py", "contract.odcs.yaml", "tests/test_pipeline.py", ".gitignore")
    }
    assert all((tmp_path / path).is_file() for path in created.written)
    assert ".volant/" in (folder / ".gitignore").read_text()
    modules = {n.module or "" for n in ast.walk(ast.parse((folder / "pipeline.py").read_text())) if isinstance(n, ast.ImportFrom)}
    assert not any(module.startswith("volant") for module in modules)
    assert "volant" not in (folder / "tests" / "test_pipeline.py").read_text().lower()
    ran = run_pytest(folder)
    assert ran.returncode == 0, ran.stdout
    assert list(tmp_path.glob(".shop*")) == []


@pytest.mark.parametrize(
    ("rows", "held_out", "part"), [(150, 30, "fifth"), (3000, 300, "tenth"), (12000, 1000, "tenth"), (24000, 1200, "twentieth")]
)
def test_the_holdout_takes_a_smaller_part_of_many_rows(tmp_path, write, rows, held_out, part):
    lines = "\n".join(f"{number % 13}.5,{number * 37 % 101}.25" for number in range(rows))
    created = create_project(tmp_path, "shop", data=write(f"x,y\n{lines}\n"), target="y")
    guess = next(guess for guess in created.guesses if guess.what == "holdout")
    assert guess.value == f"{held_out} rows"
    assert f"about a {part} of {rows} rows" in guess.why


def test_what_was_not_said_is_guessed_with_a_reason_and_an_option(tmp_path, write):
    created = create_project(tmp_path, "shop", data=write(table()), target="y")
    guesses = {g.what: g for g in created.guesses}
    assert {"source", "task", "metric", "time", "label delay", "key", "holdout", "retrain"} <= set(guesses)
    assert all(g.why and g.option for g in created.guesses)
    assert guesses["task"].value == "regression"
    assert guesses["time"].value == "day"
    assert any("No label delay" in w for w in created.warnings)
    found = settings(tmp_path)
    assert found["data"]["label_delay"] == "0s"
    assert found["train"]["holdout"] == {"last": "20 rows"}


def test_what_was_said_is_not_guessed(tmp_path, write):
    path = write(table(code=lambda i: i % 7))
    created = make(tmp_path, path, task="regression", metric="rmse", key=["day", "color"], group="color", drop=["code"])
    assert not {"task", "metric", "time", "key", "label delay", "drop"} & {g.what for g in created.guesses}
    found = settings(tmp_path)
    assert (found["metric"], found["data"]["key"], found["data"]["group"]) == ("rmse", ["day", "color"], "color")
    assert found["data"]["drop"] == ["code"]
    assert found["data"]["label_delay"] == "1d"


def test_the_contract_of_a_new_project_holds_on_its_data(tmp_path, write):
    path = write(table())
    make(tmp_path, path)
    contract = load_contract((tmp_path / "shop" / "contract.odcs.yaml").read_text(), "c")
    assert check_file(path, "csv", contract, shown="x").valid


def test_without_a_time_column_rows_are_ticks(tmp_path, write):
    path = write(pl.read_csv(table()).drop("day").write_csv())
    created = create_project(tmp_path, "a", data=path, target="y", label_delay="1d", tick="1h")
    assert settings(tmp_path, "a")["data"]["tick"] == "1h"
    assert not any("no time column" in w for w in created.warnings)
    created = create_project(tmp_path, "b", data=path, target="y")
    assert any("no time column" in w for w in created.warnings)
    assert settings(tmp_path, "b")["data"]["tick"] == "1s"
    assert settings(tmp_path, "b")["retrain"]["when"][0] == {"new_labels": 10}


@pytest.mark.parametrize(
    ("values", "task", "metric"),
    [
        (lambda i: ("UP", "DOWN")[i % 2], "binary", "error"),
        (lambda i: i % 2, "binary", "error"),
        (lambda i: i % 2 == 0, "binary", "error"),
        (lambda i: int(i % 50 == 0), "binary", "logloss"),
        (lambda i: "abc"[i % 3], "multiclass", "error"),
        (lambda i: i % 5, "multiclass", "error"),
        (lambda i: i % 5 * 100, "regression", "mae"),
        (lambda i: i % 5 + 0.5, "regression", "mae"),
    ],
)
def test_the_task_follows_from_the_target(tmp_path, write, values, task, metric):
    make(tmp_path, write(table(z=values)), target="z")
    found = settings(tmp_path)
    assert (found["task"], found["metric"]) == (task, metric)


def test_an_integer_target_that_may_be_a_class_is_warned_of(tmp_path, write):
    created = make(tmp_path, write(table(z=lambda i: i % 5)), target="z")
    assert any("taken as a class" in w for w in created.warnings)
    created = make(tmp_path, write(table(z=lambda i: i % 40)), name="b", target="z")
    assert any("taken as a number" in w for w in created.warnings)


def test_exact_leaks_are_left_out_and_named(tmp_path, write):
    path = write(table(a=lambda i: (i * 13) % 17, b=lambda i: (i * 7) % 23, total=lambda i: (i * 13) % 17 + (i * 7) % 23))
    created = make(tmp_path, path, target="total")
    assert any("'a' + 'b' = 'total'" in w for w in created.warnings)
    assert settings(tmp_path)["data"]["drop"] == ["a", "b"]
    assert '"a"' not in (tmp_path / "shop" / "pipeline.py").read_text()


def test_leaks_of_every_kind_are_found():
    frame = pl.DataFrame({"i": range(1000)}).with_columns(
        noise=(pl.col("i") * 7919 % 1009).cast(pl.Float64), y=(pl.col("i") * 104729 % 997).cast(pl.Float64)
    )
    frame = frame.with_columns(
        copy=pl.col("y"), double=2 * pl.col("y") + 1, near=pl.col("y") + pl.col("noise").sin(), cls=pl.col("y") > 500
    )
    assert [leak.columns for leak in find_leaks(frame, "y", Task.REGRESSION, ["copy", "noise"])] == [("copy",)]
    linear = find_leaks(frame, "y", Task.REGRESSION, ["noise", "double"])
    assert [(leak.columns, leak.exact) for leak in linear] == [(("double",), False)]
    assert [leak.columns for leak in find_leaks(frame, "y", Task.REGRESSION, ["noise", "near"])] == [("near",)]
    assert [leak.columns for leak in find_leaks(frame, "cls", Task.BINARY, ["noise", "near"])] == [("near",)]
    assert find_leaks(frame, "y", Task.REGRESSION, ["noise", "i"]) == ()


def test_a_leak_is_kept_with_a_warning_when_nothing_else_is_left(tmp_path, write):
    path = write(pl.DataFrame({"a": [i * 13 % 101 for i in range(100)], "y": [i * 13 % 101 for i in range(100)]}).write_csv())
    created = create_project(tmp_path, "p", data=path, target="y", task="regression")
    assert any("Possible target leak" in w for w in created.warnings)
    assert "drop" not in settings(tmp_path, "p")["data"]


def test_columns_that_teach_nothing_are_left_out_with_the_line_and_the_reason(tmp_path, write):
    created = make(tmp_path, write(table(number=lambda i: i + 1, empty=lambda _: None, same=lambda _: 1)))
    assert settings(tmp_path)["data"]["drop"] == ["number", "empty"]
    text = (tmp_path / "shop" / "volant.yaml").read_text()
    assert "- empty" in text
    assert "no value in any row" in text
    assert any("'same' has the same value" in w for w in created.warnings)


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        (table(), {"target": "yy"}, "did you mean 'y'"),
        (table(z=lambda _: 1), {"target": "z"}, "'z' is 1 in every row"),
        (table(z=lambda _: None), {"target": "z"}, "no value in any row"),
        (table(z=lambda i: None if i == 4 else i), {"target": "z"}, "(?s)missing in 1 of 200.*data rows 5"),
        (table(rows=3), {}, "too few rows"),
        (table(), {"time": "color"}, "(?s)'color' has values that are no times.*row 1: 'red'"),
        (table(), {"time": "x"}, "holds no times"),
        (table(), {"drop": ["x", "color", "z"]}, "no column 'z'"),
        (table(), {"drop": ["y"]}, "cannot be --drop too"),
        (table(), {"drop": ["day"]}, "both --time and --drop"),
        (table(), {"time": None, "drop": ["day", "x", "color"]}, "No column is left"),
        (table(), {"label_delay": "soon"}, "--label-delay is not a duration"),
        (table(), {"label_delay": "9000d"}, "No row's label was known"),
        (table(), {"task": "regresion"}, "did you mean 'regression'"),
        (table(), {"task": "binary"}, "has not two values"),
        (table(), {"target": "color", "task": "regression"}, "is no number"),
        (table(), {"metric": "eror"}, "did you mean 'error'"),
        (table(), {"metric": "auc"}, "does not fit"),
        (table(z=lambda i: f"id{i}"), {"target": "z"}, "identifier or free text"),
        (b"", {}, "is empty"),
        (b"a,b\n1\n", {}, "more or fewer fields"),
    ],
)
def test_what_cannot_become_a_project_says_why_and_leaves_nothing(tmp_path, write, content, options, says):
    path = write(content)
    with pytest.raises((InvalidInputError, UsageError), match=says):
        make(tmp_path, path, **options)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["rows.csv"]


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a b", "é", "-x", "a..b", "x" * 65, "a\n", ".hidden", "a:b"])
def test_names_that_do_not_fit_into_addresses_and_files_are_refused_with_one_that_does(tmp_path, write, name):
    path = write(table())
    with pytest.raises(UsageError, match=r"for example: [A-Za-z0-9]"):
        make(tmp_path, path, name=name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["rows.csv"]


def test_a_folder_with_something_in_it_is_left_alone_and_an_empty_one_is_used(tmp_path, write):
    path = write(table())
    (tmp_path / "shop").mkdir()
    make(tmp_path, path)
    with pytest.raises(AlreadyExistsError):
        make(tmp_path, path)
    with pytest.raises(AlreadyExistsError):
        make(tmp_path, path, name="rows.csv")
    with pytest.raises(NotFoundError, match="no folder"):
        create_project(tmp_path / "nowhere", "p", data=path, target="y")


def test_options_that_lack_say_what_to_give(tmp_path, write):
    with pytest.raises(UsageError, match="--data"):
        create_project(tmp_path, "p")
    with pytest.raises(UsageError, match="--target"):
        create_project(tmp_path, "p", data=write(table()))


HOSTILE = [
    "yes",
    "null",
    "1",
    "a: #b",
    "q\"uo'te",
    "tab\there",
    "line\nbreak",
    "ünïcode ☃",
    "import os",
    "{x}",
    "x]",
    "\\n",
    "class",
    "%s",
    "- y",
]


@pytest.mark.parametrize("target", HOSTILE)
def test_a_target_of_any_name_works(tmp_path, write, target):
    frame = pl.read_csv(table()).rename({"y": target})
    make(tmp_path, write(frame.write_csv()), target=target)
    assert settings(tmp_path)["target"] == target
    compile((tmp_path / "shop" / "tests" / "test_pipeline.py").read_text(), "t", "exec")


def test_columns_of_any_name_work_all_the_way(tmp_path, write):
    frame = pl.read_csv(table())
    others = [pl.Series(name, [(i * (3 + k)) % 11 for i in range(frame.height)]) for k, name in enumerate(HOSTILE)]
    path = write(frame.with_columns(others).rename({"day": 'd"\nay', "color": "co: 'lor"}).write_csv())
    make(tmp_path, path, time='d"\nay', key=['d"\nay', "line\nbreak"], drop=["a: #b"], group="co: 'lor")
    found = settings(tmp_path)["data"]
    assert (found["time"], found["key"], found["drop"], found["group"]) == ('d"\nay', ['d"\nay', "line\nbreak"], ["a: #b"], "co: 'lor")
    ran = run_pytest(tmp_path / "shop")
    assert ran.returncode == 0, ran.stdout


def test_a_full_disk_or_a_closed_folder_leaves_nothing(tmp_path, write):
    path = write(table())
    closed = tmp_path / "dev"
    closed.symlink_to("/proc")
    with pytest.raises(UnavailableError):
        create_project(closed, "p", data=path, target="y", label_delay="1d")


def test_data_nearby_are_named_relative_to_the_project(tmp_path, write):
    make(tmp_path, write(table()))
    assert settings(tmp_path)["data"]["source"] == "../rows.csv"


def test_parquet_data_become_a_project_too(tmp_path):
    path = tmp_path / "rows.parquet"
    pl.read_csv(table(), try_parse_dates=True).write_parquet(path)
    make(tmp_path, path)
    assert settings(tmp_path)["data"]["time"] == "day"


def test_the_template_brings_its_own_data_and_runs(tmp_path):
    created = create_project(tmp_path, "try-it", template=True)
    assert "try-it/data/example.csv" in created.written
    found = settings(tmp_path, "try-it")
    assert (found["target"], found["data"]["source"], found["data"]["label_delay"]) == ("demand", "data/example.csv", "1d")
    assert run_pytest(tmp_path / "try-it").returncode == 0
    again = create_project(tmp_path, "again", template=True)
    assert (tmp_path / "again/data/example.csv").read_bytes() == (tmp_path / "try-it/data/example.csv").read_bytes()
    assert again.guesses == created.guesses


def test_the_loader_reads_back_what_was_written(tmp_path, write):
    load = pytest.importorskip("volant.config.load", reason="the loader is not there yet")
    frame = pl.read_csv(table()).with_columns(pl.Series(name, range(200)) for name in HOSTILE)
    path = write(frame.write_csv())
    make(tmp_path, path, key=["day", "line\nbreak"], drop=["a: #b", "yes"], group="color", label_delay="36h")
    found = load.load_project(tmp_path / "shop" / "volant.yaml", {})
    assert (found.project, found.task, found.target, found.metric) == ("shop", Task.REGRESSION, "y", "mae")
    assert (found.data.key, found.data.drop[:2], found.data.group, found.data.time) == (
        ("day", "line\nbreak"),
        ("a: #b", "yes"),
        "color",
        "day",
    )
    assert (found.data.label_delay_us, found.data.source, found.data.contract) == (36 * HOUR_US, "../rows.csv", "contract.odcs.yaml")
    assert (found.train.holdout.rows, found.train.seed, found.train.params) == (20, 7, {"learning_rate": 0.1})
    assert [gate.kind.value for gate in found.gates] == ["baseline", "champion", "slices", "latency", "holdout"]
    assert [trigger.kind.value for trigger in found.retrain.when] == ["clock", "performance"]


@pytest.mark.data
def test_bikes_are_understood(tmp_path, data_folder):
    options = {"data": data_folder / "bike_hourly.csv", "target": "cnt", "time": "dteday", "label_delay": "1d"}
    created = create_project(tmp_path, "bikes", drop=["instant", "casual", "registered"], **options)
    assert any("'casual' + 'registered' = 'cnt' in every row" in w for w in created.warnings)
    found = settings(tmp_path, "bikes")
    assert found["data"]["key"] == ["dteday", "hr"]
    assert found["data"]["drop"] == ["instant", "casual", "registered"]
    create_project(tmp_path, "guessed", **options)
    assert settings(tmp_path, "guessed")["data"]["drop"] == ["instant", "casual", "registered"]
