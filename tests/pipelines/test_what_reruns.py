"""The twelve changes between two runs of which every peer misses some, and what else a result depends on."""

import compileall
import os
import socket
import sys

import pytest
from projects import ESTIMATOR

FILES = {
    "pipeline": """
        from parts.fit import model
        from parts.score import metrics
        from parts.shape import features
        """,
    "parts____init__": "",
    "lib____init__": "",
    "parts__shape": '''
        """Shapes."""
        import polars as pl
        from lib.scaling import scale
        from lib.shifts import Shift

        def features(rows: pl.DataFrame) -> pl.DataFrame:
            """One row in, one row out."""
            return rows.select(Shift().apply(scale(pl.col("a"))))
        ''',
    "lib__scaling": """
        from lib import deep

        def scale(column):
            return column * 2 + deep.nothing()
        """,
    "lib__deep": """
        def nothing():
            return 0
        """,
    "lib__shifts": """
        class Shift:
            def apply(self, column):
                return column + 1
        """,
    "parts__fit": """
        from pathlib import Path

        import fakelib
        from parts.estimator import Mean

        PENALTY = 1

        def model(features, target, *, shift: float = 0.5, weights: Path = Path("weights.txt")):
            return Mean(shift + PENALTY + float(weights.read_text()) + fakelib.NOTHING).fit(features, target)
        """,
    "parts__estimator": ESTIMATOR,
    "parts__score": """
        import os

        def _error(model, target):
            return 1.0 - float(target.sum())

        def metrics(model, target):
            return {"error": _error(model, target), "unit": float(os.environ.get("SCORE_UNIT", "1"))}
        """,
}

ALL = ["features", "model", "metrics"]
CHANGES = [
    ("nothing", lambda _, __: None, []),
    ("the body of a step", lambda p, _: p.change("parts/score.py", '"unit"', '"size"'), ["metrics"]),
    ("a default argument", lambda p, _: p.change("parts/fit.py", "= 0.5", "= 0.6"), ["model", "metrics"]),
    ("a called function in the same file", lambda p, _: p.change("parts/score.py", "1.0 -", "2.0 -"), ["metrics"]),
    ("a called function in an imported module", lambda p, _: p.change("lib/scaling.py", "* 2", "* 3"), ALL),
    ("a called function two levels deep", lambda p, _: p.change("lib/deep.py", "return 0", "return 5"), ALL),
    ("a module constant", lambda p, _: p.change("parts/fit.py", "PENALTY = 1", "PENALTY = 2"), ["model", "metrics"]),
    ("a method of a class used", lambda p, _: p.change("lib/shifts.py", "column + 1", "column + 2"), ALL),
    # The estimator comes out the same, so metrics need not run.
    ("the version and code of a library", lambda _, site: install(site, "2.0"), ["model"]),
    ("the content behind a path argument", lambda p, _: p.change("weights.txt", "3", "4"), ["model", "metrics"]),
    ("an environment variable read inside", lambda _, __: os.environ.update(SCORE_UNIT="2"), ["metrics"]),
    (
        "comments, docstrings and layout",
        lambda p, _: [p.change("parts/shape.py", "One row in", "A row in"), p.change("lib/deep.py", "return 0", "return  (0)  # none")],
        [],
    ),
]


def install(site, version):
    for old in site.glob("fakelib-*"):
        old.rename(site / f"fakelib-{version}.dist-info")
    info = site / f"fakelib-{version}.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (site / "fakelib").mkdir(exist_ok=True)
    (site / "fakelib" / "__init__.py").write_text(f"NOTHING = 0\nVERSION = {version!r}\n")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: fakelib\nVersion: {version}\n\n")
    (info / "RECORD").write_text(f"fakelib/__init__.py,sha256={version},10\n")


@pytest.fixture
def world(project, tmp_path, monkeypatch):
    """A project of three steps in files of their own, and a folder of installed libraries."""
    site = tmp_path / "site-packages"
    install(site, "1.0")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delenv("SCORE_UNIT", raising=False)
    made = project(**FILES)
    made.write("weights.txt", "3")
    yield made, site
    sys.modules.pop("fakelib", None)


@pytest.mark.parametrize(("change", "rerun"), [change[1:] for change in CHANGES], ids=[change[0] for change in CHANGES])
def test_a_change_reruns_exactly_what_depends_on_it(world, monkeypatch, change, rerun):
    made, site = world
    monkeypatch.setenv("SCORE_UNIT", "1")
    assert made.ran() == ALL
    change(made, site)
    looked = [name for name, state in made.look().items() if not state.cached]
    assert looked[:1] == rerun[:1]
    assert set(rerun) <= set(looked)
    assert made.ran() == rerun
    assert made.ran() == []


@pytest.mark.parametrize(("change", "rerun"), [change[1:] for change in CHANGES], ids=[change[0] for change in CHANGES])
def test_the_reason_names_what_changed(world, monkeypatch, change, rerun):
    made, site = world
    monkeypatch.setenv("SCORE_UNIT", "1")
    made.run()
    change(made, site)
    if not rerun:
        assert made.why("features") == ("cached", {})
        return
    reason, changes = made.why(rerun[0])
    assert changes
    assert all(before != after for before, after in changes.values())
    assert next(iter(changes)).removeprefix("env:") in reason


def test_going_back_finds_the_first_result_again(world):
    made, _ = world
    made.run()
    made.change("parts/fit.py", "PENALTY = 1", "PENALTY = 2")
    assert made.ran() == ["model", "metrics"]
    made.change("parts/fit.py", "PENALTY = 2", "PENALTY = 1")
    assert made.ran() == []


def test_a_changed_file_runs_as_it_is_now_even_beside_stale_byte_code(world):
    made, _ = world
    assert made.run().value("metrics")["error"] == 1.0 - 11.0
    compileall.compile_dir(made.root, quiet=2)
    made.change("parts/score.py", "1.0 -", "3.0 -")
    assert made.run().value("metrics")["error"] == 3.0 - 11.0


def test_new_data_rerun_what_takes_them(world):
    made, _ = world
    made.run()
    made.digests["target"] = "target-2"
    assert made.ran() == ["model", "metrics"]
    made.digests["rows"] = "rows-2"
    assert made.ran() == ["features"]  # it gives the same features: what is behind it stands


def test_nothing_is_written_into_the_project(world):
    made, _ = world
    before = sorted(made.root.rglob("*"))
    made.run()
    assert sorted(made.root.rglob("*")) == before


STEPS = """
from pathlib import Path
import os
import polars as pl
from estimator import Mean

def features(rows: pl.DataFrame) -> pl.DataFrame:
    {features}
    return rows.select("a")

def model(features, target):
    {model}
    return Mean().fit(features, target)
"""


def one_file(project, *, features="pass", model="pass", **files):
    return project(pipeline=STEPS.format(features=features, model=model), estimator=ESTIMATOR, **files)


@pytest.mark.parametrize(
    "line",
    [
        'open("data/extra.csv").read()',
        'pl.read_csv("data/extra.csv")',  # read by native code: known from the literal
        'pl.read_csv(Path("data") / "extra.csv")',
        'pl.read_csv(Path(__file__).parent.joinpath("data", "extra.csv"))',
        'name = "extra"; pl.read_csv(f"data/{name}.csv")',
        'pl.read_csv("data/*.csv")',
        'folder = "da" + "ta"; open(os.path.join(folder, "ex" + "tra.csv")).read()',
        'Path(*["data", "extra.csv"]).read_text()',
        'Path(os.getcwd(), "data/extra.csv").read_bytes()',
    ],
)
def test_a_file_that_the_code_reads_counts_by_its_content(project, line):
    made = one_file(project, model=line)
    made.write("data/extra.csv", "x\n1\n")
    made.run()
    assert made.ran() == []
    made.change("data/extra.csv", "1", "2")
    assert "model" in made.ran()
    assert made.ran() == []


def test_a_file_that_comes_into_being_counts(project):
    made = one_file(project, model='Path("late.txt").read_text() if Path("late.txt").exists() else None')
    made.run()
    assert made.ran() == []
    made.write("late.txt", "1")
    assert "model" in made.ran()


def test_a_file_looked_for_in_vain_counts_when_it_comes(project):
    made = project(
        pipeline="""
        from estimator import Mean
        NAMES = ["la", "te"]

        def model(rows, target):
            try:
                open("".join(NAMES))
            except FileNotFoundError:
                pass
            return Mean().fit(rows, target)
        """,
        estimator=ESTIMATOR,
    )
    made.run()
    assert made.ran() == []
    made.write("late", "1")
    assert made.look()["model"].reason == "late changed"


def test_listing_a_folder_counts_the_names_in_it(project):
    made = one_file(project, model="print(os.listdir('da' + 'ta'))")
    made.write("data/one.txt", "1")
    made.run()
    assert made.ran() == []
    made.write("data/two.txt", "1")
    assert made.ran() == ["model"]


def test_what_a_module_reads_while_it_is_imported_counts_for_its_steps(project, monkeypatch):
    monkeypatch.setenv("HELPER_MODE", "a")
    made = project(
        pipeline="from shape import features\nfrom fit import model\n",
        shape='def features(rows):\n    return rows.select("a")\n',
        fit="""
        from settings import MODE
        from estimator import Mean

        def model(features, target):
            return Mean().fit(features, target)
        """,
        settings='import os\nMODE = os.getenv("HELPER_MODE")\n',
        estimator=ESTIMATOR,
    )
    made.run()
    assert made.ran() == []
    monkeypatch.setenv("HELPER_MODE", "b")
    assert made.ran() == ["model"]


@pytest.mark.parametrize("place", ["helper", "pipeline"])
def test_what_was_read_once_and_kept_counts_for_all_who_can_reach_it(project, place):
    reading = """
import functools

@functools.cache
def setting():
    return float(open("".join(["set", "ting"])).read())
"""
    made = project(
        pipeline=f"""
from estimator import Mean
{"from helper import setting" if place == "helper" else reading}

def features(rows):
    setting()
    return rows.select("a")

def model(features, target):
    return Mean(setting()).fit(features, target)

def metrics(model):
    return {{"value": model.value}}
""",
        estimator=ESTIMATOR,
        helper=reading,
    )
    made.write("setting", "1")
    first = made.run().value("metrics")["value"]
    assert "file:setting" in observed(made, "model")
    made.change("setting", "1", "2")
    assert made.look()["features"].reason == "setting changed"
    assert made.run().value("metrics")["value"] == first + 1
    assert made.ran() == []


def test_an_environment_variable_that_was_absent_counts_when_it_is_set(project, monkeypatch):
    monkeypatch.delenv("SOME_SWITCH", raising=False)
    made = one_file(project, model='"SOME_SWITCH" in os.environ')
    made.run()
    assert made.ran() == []
    monkeypatch.setenv("SOME_SWITCH", "1")
    assert made.look()["model"].reason == "environment variable SOME_SWITCH changed"


def test_a_secret_is_not_to_be_read_from_what_is_kept(project, monkeypatch):
    monkeypatch.setenv("API_TOKEN", "hunter2")
    made = one_file(project, model='os.environ["API_TOKEN"]')
    made.run()
    kept = made.look()["model"].result.identity.observed
    assert "hunter2" not in str(kept)
    assert len(kept["env:API_TOKEN"]) == 12


def test_the_seed_counts_for_steps_that_drew_from_the_global_state_or_ask_for_it(project):
    made = project(
        pipeline="""
        import random
        from estimator import Mean

        def noise(rows):
            return random.random()

        def features(rows):
            return rows.select("a")

        def model(features, target, noise, *, seed=1):
            return Mean(seed + noise).fit(features, target)
        """,
        estimator=ESTIMATOR,
    )
    first = made.run().value("noise")
    made.seed = 8
    assert made.ran() == ["noise", "model"]
    assert made.run().value("noise") != first
    made.params = {"seed": 7}
    assert made.run().value("noise") == first


def test_a_parameter_counts_for_the_steps_that_have_it(world):
    made, _ = world
    made.run()
    made.params = {"shift": 2.0}
    assert made.ran() == ["model", "metrics"]
    assert made.why("model") == ("cached", {})
    made.params = {"shift": 3.0}
    assert made.why("model")[1] == {"parameter shift": ("2.0", "3.0")}
    assert made.why("metrics")[0] == "waits for model"


@pytest.mark.parametrize(
    ("imported", "reason"),
    [
        ('__import__("importlib").import_module("he" + "lper")', None),
        ('import importlib; importlib.import_module("he" + "lper")', "line"),
        ('from importlib import import_module as load; load(os.environ.get("X", "helper"))', "line"),
        ("import importlib; load = importlib.import_module", "another name"),
        ('exec(open("helper.py").read())', "exec"),
        ('import sys; sys.path.insert(0, "elsewhere")', "sys.path"),
    ],
)
def test_code_that_cannot_be_identified_is_not_cached_and_says_why(project, imported, reason):
    made = one_file(project, model=imported, helper="x = 1\n")
    made.run()
    again = {run.step: run for run in made.run().runs}
    if reason is None:
        assert made.change("helper.py", "1", "2") is None
        assert "model" in made.ran()  # seen while it ran
        return
    assert again["model"].cached is False
    assert again["model"].key is None
    assert reason in again["model"].detail


def test_a_literal_dynamic_import_is_followed(project):
    made = one_file(project, model='import importlib; importlib.import_module("lib.helper")', lib__helper="X = 1\n")
    made.run()
    assert made.ran() == []
    made.change("lib/helper.py", "1", "2")
    assert "model" in made.ran()


def test_modules_of_folders_without_init_are_loaded_anew(project):
    made = one_file(project, model="from lib.inner import helper; target = target * helper.X", lib__inner__helper="X = 1.0\n")
    first = made.run().value("model").value
    made.change("lib/inner/helper.py", "1.0", "2.0")
    assert made.run().value("model").value > first


def test_imports_inside_functions_and_of_parent_packages_count(project):
    made = one_file(
        project, model="from lib.inner import helper", lib____init__="A = 1\n", lib__inner____init__="B = 1\n", lib__inner__helper="C = 1\n"
    )
    made.run()
    assert made.ran() == []
    for file in ("lib/__init__.py", "lib/inner/__init__.py", "lib/inner/helper.py"):
        made.change(file, "1", "2")
        assert "model" in made.ran()
    assert made.ran() == []


def test_a_step_that_uses_the_network_is_not_cached(project):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        made = one_file(project, model=f'import socket; socket.create_connection(("127.0.0.1", {port})).close()')
        made.run()
        again = {run.step: run for run in made.run().runs}
    assert again["features"].cached
    assert not again["model"].cached
    assert f"127.0.0.1:{port}" in again["model"].detail


def test_code_that_changes_while_a_step_runs_is_not_taken_for_what_ran(project):
    made = one_file(
        project, model='from pathlib import Path as P; P("help" + "er.py").write_text("X = 2")\n    import helper', helper="X = 1\n"
    )
    run = made.run().runs[-1]
    assert "changed while it ran" in run.detail
    assert run.key is None


def observed(made, step="model"):
    made.run()
    return dict(made.look()[step].result.identity.observed)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('import sqlite3; sqlite3.connect("fa" + "cts.db").close()', "file:facts.db"),
        ('import threading; t = threading.Thread(target=lambda: open("fa" + "cts.db").close()); t.start(); t.join()', "file:facts.db"),
        ('import shutil; shutil.copy("fa" + "cts.db", "copy.db")', "file:facts.db"),
        ('import json; json.load(open(os.path.abspath("fa" + "cts.json")))', "file:facts.json"),
        ('list(Path("sub").glob("*" + ".x"))', "folder:sub"),
        ('os.environb.get(b"SOME_BYTES")', "env:SOME_BYTES"),
        ('"SOME_NAME" in os.environ', "env:SOME_NAME"),
        ('os.environ.pop("SOME_NAME", None)', "env:SOME_NAME"),
    ],
)
def test_reads_are_seen_however_they_are_made(project, line, name):
    made = one_file(project, model=line)
    made.write("facts.json", "1")
    made.write("facts.db", "")
    made.write("sub/one.x", "1")
    assert name in observed(made)


@pytest.mark.parametrize(
    "line",
    [
        'import tempfile; f = tempfile.NamedTemporaryFile("w+"); f.write("1"); f.seek(0); open(f.name).read()',
        'f = open("out" + ".txt", "w"); f.write("1"); f.close(); open("out" + ".txt").read()',
        'import subprocess, sys; subprocess.run([sys.executable, "-S", "-c", "1"], check=True)',
        "env = os.environ.copy()",
        'open("/proc/self/stat").read()',
        "import xml.sax.saxutils, csv, colorsys",
        'os.environ["PATH"]',
        'os.environ["SET_HERE"] = "1"; del os.environ["SET_HERE"]',
    ],
)
def test_what_no_result_can_depend_on_is_not_kept(project, line):
    made = one_file(project, model=line)
    names = observed(made)
    assert [name for name in names if name.startswith(("file:", "folder:"))] == []
    assert not any(name in names for name in ("env:PATH", "env:HOME", "env:USER", "env:LANG"))


def test_a_library_that_lies_in_the_path_counts_as_code_of_the_project(project, tmp_path, monkeypatch):
    (tmp_path / "elsewhere" / "ownlib").mkdir(parents=True)
    (tmp_path / "elsewhere" / "ownlib" / "__init__.py").write_text("from ownlib.deep import X\n")
    (tmp_path / "elsewhere" / "ownlib" / "deep.py").write_text("X = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    made = one_file(project, model="import ownlib")
    trained = made.run().trained()
    assert {"ownlib/__init__.py", "ownlib/deep.py"} <= set(trained.code)
    assert made.ran() == []
    (tmp_path / "elsewhere" / "ownlib" / "deep.py").write_text("X = 2\n")
    assert "model" in made.ran()


def test_a_library_that_comes_into_being_counts(project, tmp_path, monkeypatch):
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    made = one_file(project, model="try:\n        import fakelib\n    except ImportError:\n        pass")
    made.run()
    assert made.ran() == []
    install(site, "1.0")
    assert made.why("model")[1]["fakelib"][0] == "absent"
    assert "model" in made.ran()
    sys.modules.pop("fakelib", None)


def test_what_a_library_requires_counts_with_it(project, tmp_path, monkeypatch):
    site = tmp_path / "site-packages"
    install(site, "1.0")
    metadata = site / "fakelib-1.0.dist-info" / "METADATA"
    metadata.write_text("Metadata-Version: 2.1\nName: fakelib\nRequires-Dist: other_lib[x]>=1; python_version>'3'\n\n")
    (site / "Other.Lib-1.dist-info").mkdir()
    monkeypatch.syspath_prepend(str(site))
    made = one_file(project, model="import fakelib")
    made.run()
    assert made.ran() == []
    (site / "Other.Lib-1.dist-info").rename(site / "Other.Lib-2.dist-info")
    assert list(made.why("model")[1]) == ["other-lib"]
    sys.modules.pop("fakelib", None)


def test_a_large_file_is_hashed_once_and_again_when_it_changes(project):
    made = one_file(project, model='open("big.bin", "rb").read(1)')
    made.write(".volant/x", "")
    (made.root / "big.bin").write_bytes(b"a" * 5_000_000)
    old = 1_700_000_000
    os.utime(made.root / "big.bin", (old, old))
    made.run()
    assert made.ran() == []
    (made.root / "big.bin").write_bytes(b"b" * 5_000_000)
    assert "model" in made.ran()


def test_facts_of_files_are_kept_in_the_projects_state_and_damage_costs_only_time(project):
    made = one_file(project)
    made.write(".volant/x", "")
    made.run()
    memo = made.root / ".volant" / "cache" / "facts.msgpack"
    made.look()
    assert memo.stat().st_size > 100
    memo.write_bytes(b"\x93broken")
    assert made.ran() == []
    made.change("estimator.py", "self.value = ", "self.value = 0 + ")
    assert made.ran() == ["features", "model"]


@pytest.mark.parametrize("annotation", [": Path", ": str", ""])
def test_a_parameter_that_names_a_file_or_a_folder_counts_by_content(project, annotation):
    made = project(
        pipeline=f"""
        from pathlib import Path
        from estimator import Mean

        def model(rows, target, *, where{annotation} = "nowhere"):
            assert isinstance(where, {"Path" if annotation == ": Path" else "str"})
            return Mean().fit(rows, target)
        """,
        estimator=ESTIMATOR,
    )
    made.params = {"where": "given.bin"}
    made.write("given.bin", "1")
    made.run()
    assert made.ran() == []
    made.change("given.bin", "1", "2")
    assert made.ran() == ["model"]
    made.params = {"where": "folder"}
    made.write("folder/deep/one.bin", "1")
    assert made.ran() == ["model"]
    made.change("folder/deep/one.bin", "1", "2")
    assert made.ran() == ["model"]
    made.write("folder/two.bin", "1")
    assert made.ran() == ["model"]
    assert made.ran() == []


def test_the_package_around_a_steps_file_counts(project):
    made = project(
        pipeline="from parts.fit import model\n",
        parts____init__="SCALE = 1\n",
        parts__fit="from estimator import Mean\n\ndef model(rows, target):\n    return Mean().fit(rows, target)\n",
        estimator=ESTIMATOR,
    )
    made.run()
    made.change("parts/__init__.py", "1", "2")
    assert made.ran() == ["model"]
