"""Running a pipeline: what steps get, what they may return, what becomes of failures."""

import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from projects import ESTIMATOR

from volant.kernel.errors import InvalidInputError, NotFoundError, UsageError, UserCodeError
from volant.kernel.scratch import claim
from volant.models.code_modules import CodeModules

CHAIN = """
from volant import step
from estimator import Mean

def features(rows):
    return rows.select("a")

def model(features, target):
    return Mean().fit(features, target)

def metrics(model, features, target):
    return {"error": model.value}

@step
def report(metrics):
    return "fine"
"""

MEAN = "from estimator import Mean\ndef model(rows, target):\n    return Mean().fit(rows, target)\n"


def made_of(project, text, **files):
    return project(pipeline=text, estimator=ESTIMATOR, **files)


def failing(project, text, error=UserCodeError, **files):
    made = made_of(project, text, **files)
    with pytest.raises(error) as caught:
        made.run()
    return str(caught.value)


def test_a_second_run_takes_everything_from_the_store(project):
    made = made_of(project, CHAIN)
    first, seen, said = made.run(), [], []
    second = made.run(on_step=seen.append, progress=lambda text, share: said.append((text, share)))
    assert [run.cached for run in first.runs] == [False] * 4
    assert [(run.step, run.cached, run.detail, run.duration_us) for run in seen] == [
        (name, True, "cached", 0) for name in ("features", "model", "metrics", "report")
    ]
    assert [run.output for run in second.runs] == [run.output for run in first.runs]
    assert said == [("features", 0.0), ("model", 0.25), ("metrics", 0.5), ("report", 0.75)]
    assert second.value("metrics") == first.value("metrics")
    assert second.value("report") == "fine"


def test_each_step_is_kept_before_the_next_one_begins(project):
    made = made_of(project, CHAIN)
    order = []

    def on_step(run):
        order.append((run.step, made.steps.get(run.key) is not None, made.objects.has(run.output.digest)))

    made.run(on_step=on_step)
    assert order == [(name, True, True) for name in ("features", "model", "metrics", "report")]


def test_only_stops_at_the_named_steps(project):
    made = made_of(project, CHAIN)
    executed = made.run(only=("model",))
    assert [run.step for run in executed.runs] == ["features", "model"]
    with pytest.raises(NotFoundError, match="metrics was not part"):
        executed.value("metrics")
    with pytest.raises(NotFoundError):
        made.run(only=("features",)).trained()
    with pytest.raises(UsageError, match="There is no step modle") as caught:
        made.run(only=("modle",))
    assert caught.value.next_step == "did you mean model?"


def test_from_a_step_on_everything_runs_again(project):
    made = made_of(project, CHAIN)
    made.run()
    assert made.ran(from_step="model") == ["model", "metrics", "report"]
    assert made.ran(only=("metrics",), from_step="metrics") == ["metrics"]
    assert made.ran() == []


def test_a_step_that_must_always_run_lets_what_is_behind_it_rest(project):
    made = made_of(project, CHAIN.replace("def features", "@step(cache=False)\ndef features"))
    made.run()
    again = made.run().runs
    assert [run.step for run in again if not run.cached] == ["features"]
    assert again[0].key is None
    assert again[0].detail == "cache=False: runs every time"
    assert made.look()["model"].reason == "waits for features"


def test_what_is_behind_a_step_waits_for_it(project):
    made = made_of(project, CHAIN)
    assert [(s.cached, s.key is None, s.reason) for s in made.look().values()] == [
        (False, False, "never ran"),
        (False, True, "waits for features"),
        (False, True, "waits for model"),
        (False, True, "waits for metrics"),
    ]


def test_frames_come_as_the_annotation_asks(project):
    made = made_of(
        project,
        """
        import numpy as np
        import pandas as pd
        import polars as pl
        from estimator import Mean

        def kinds(rows: pd.DataFrame, target: pd.Series, y: np.ndarray):
            return [type(rows).__module__[:6], type(target).__module__[:6], target.name, list(rows.columns), type(y).__name__]

        def lazily(rows: pl.LazyFrame) -> pl.LazyFrame:
            return rows.select(pl.col("a") * 2)

        def features(rows: pl.DataFrame) -> pl.DataFrame:
            return rows.select("a", "b")

        def model(features: pd.DataFrame, target, kinds, lazily: np.ndarray):
            assert isinstance(features, pd.DataFrame) and lazily.shape == (4, 1) and target.name == "y"
            return Mean().fit(features, target)
        """,
    )
    for _ in range(2):
        executed = made.run()
        assert executed.value("kinds") == ["pandas", "pandas", "y", ["at", "a", "b"], "ndarray"]
        assert isinstance(executed.value("lazily"), pl.LazyFrame)
        trained = executed.trained()
        assert (trained.frame, trained.feature_names) == ("pandas", ("a", "b"))
    assert made.ran() == []


@pytest.mark.parametrize(("annotation", "frame"), [("", "polars"), (": pd.DataFrame", "pandas"), (": np.ndarray", "numpy")])
def test_an_estimator_on_raw_rows_never_sees_time_and_key(project, annotation, frame):
    made = made_of(
        project,
        f"""
        import numpy as np
        import pandas as pd
        from estimator import Mean

        def means(rows):
            return list(rows.columns)

        def model(rows{annotation}, target, means):
            assert means == ["at", "a", "b"]
            return Mean().fit(rows, target)

        def metrics(model, rows):
            return {{"columns": len(rows.columns)}}
        """,
    )
    executed = made.run()
    trained = executed.trained()
    assert executed.value("metrics") == {"columns": 2.0}
    assert (trained.frame, trained.feature_names, trained.function, trained.features) == (frame, ("a", "b"), None, None)
    made.hidden = ()
    assert made.ran() == ["model", "metrics"]


def test_the_model_comes_with_all_that_is_needed_to_run_it_elsewhere(project):
    made = made_of(
        project,
        """
        import polars as pl
        from lib.shape import features
        from lib.states import means, vocabulary, table
        from estimator import Mean
        import sklearn

        def model(features, target):
            return Mean().fit(features, target)

        def metrics(model):
            import lib.unused
            return {"a": 1}
        """,
        lib____init__="",
        lib__shape="""
        def features(rows, means, vocabulary, table, *, scale: float = 2.0, seed=3, where=None):
            return rows.select(a=(rows["a"] - means["a"]) * scale)
        """,
        lib__states="""
        import numpy as np
        def means(rows, target): return {"a": rows["a"].mean()}
        def vocabulary(rows): return np.array([1, 2])
        def table(rows): return rows.head(2)
        """,
        lib__unused="",
    )
    made.params = {"scale": 3.0}
    for trained in (made.run().trained(), made.run().trained(), made.train()):
        assert trained.features.state == {
            "means": "state/means.json",
            "vocabulary": "state/vocabulary.npy",
            "table": "state/table.arrow",
        }
        assert trained.features.params == {"scale": 3.0, "seed": 7, "where": None}
        assert (trained.features.module, trained.features.name, trained.features.frame) == ("lib.shape", "features", "polars")
        assert trained.state["means"] == {"a": 3.75}
        assert set(trained.code) == {"pipeline.py", "estimator.py", "lib/__init__.py", "lib/shape.py", "lib/states.py", "lib/unused.py"}
        assert trained.code["lib/unused.py"] == b""
        assert {"polars", "scikit-learn", "numpy"} <= set(trained.distributions)
        made_again = trained.function(made.rows, **trained.state, **trained.features.params)
        assert made_again["a"].to_list() == pytest.approx([-8.25, -5.25, 0.75, 12.75])


def test_a_step_may_change_its_inputs_without_anybody_noticing(project):
    made = made_of(
        project,
        """
        import pandas as pd
        from estimator import Mean

        def table(rows: pd.DataFrame) -> pd.DataFrame:
            rows["a"] = 0.0
            return rows

        def listed(rows):
            return [1, 2, 3]

        def spoil(table, listed, target):
            table["a"] = 9.0
            listed.clear()
            return len(table)

        def model(rows, target, spoil, table: pd.DataFrame, listed):
            assert listed == [1, 2, 3] and table["a"].sum() == 0 and rows["a"].sum() == 15
            return Mean().fit(rows, target)

        def metrics(model, model_again):
            return {"value": model.value}

        def model_again(model):
            model.value = 99.0
            return 1
        """,
    )
    first = made.run().value("metrics")
    assert first["value"] != 99.0
    assert made.run(from_step="spoil").value("metrics") == first


def test_a_raising_step_is_told_with_the_users_lines_and_the_next_run_resumes_there(project):
    made = made_of(
        project,
        """
        from estimator import Mean
        from shape import features

        def model(features, target):
            from helper import divide
            divide(1, 0)
            return Mean().fit(features, target)
        """,
        shape='def features(rows):\n    return rows.select("a")\n',
        helper="def divide(a, b):\n    return a / b\n",
    )
    with pytest.raises(UserCodeError) as caught:
        made.run()
    error = caught.value
    assert error.what == "Step model raised."
    assert error.found == "ZeroDivisionError with features: polars 4 rows x 1 columns, target: polars 4 values"
    text = "\n".join(error.details)
    assert "helper.py" in text
    assert "return a / b" in text
    assert "ZeroDivisionError: division by zero" in text
    assert "site-packages" not in text
    assert "volant/pipelines" not in text
    made.change("helper.py", "a / b", "a * b")
    assert [(run.step, run.cached) for run in made.run().runs] == [("features", True), ("model", False)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("import nowhere_to_be_found\ndef model(rows, target): ...", ["pipeline.py cannot be imported", "install nowhere_to_be_found"]),
        ("1 / 0\ndef model(rows, target): ...", ["cannot be imported", "line 1", "ZeroDivisionError"]),
        ("raise SystemExit(3)\ndef model(rows, target): ...", ["cannot be imported", "SystemExit"]),
        ("import sys\ndef model(rows, target):\n    sys.exit(2)", ["Step model raised", "SystemExit"]),
        ("def model(rows, target):\n    return model(rows, target)", ["Step model raised", "RecursionError"]),
    ],
)
def test_code_that_fails_is_a_failure_of_the_users_code(project, text, parts):
    said = failing(project, text)
    assert [part for part in parts if part not in said] == [], said


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("def model(rows, target):\n    pass", ["model must return", "nothing (None)", "add a return"]),
        ("def model(rows, target):\n    return rows", ["model must return an object with a predict method", "DataFrame"]),
        ("def features(rows):\n    pass\ndef model(features): ...", ["features must return"]),
        ("def features(rows):\n    return rows.lazy()\ndef model(features): ...", [".collect()"]),
        ("def features(rows):\n    return rows.head(2)\ndef model(features): ...", ["one row for each row", "2 rows for 4"]),
        ("def state(rows):\n    pass\ndef model(rows, state): ...", ["state returned nothing, and model takes it"]),
        ("model = 1\ndel model\ndef model(rows): ...", ["defined more than once"]),
        ("def wrap(f):\n    return 3\n@wrap\ndef model(rows): ...", ["no function once the file has run", "int"]),
        (f"{MEAN}def metrics(model):\n    return 3", ["metrics must return numbers by name", "int"]),
        (f"{MEAN}def metrics(model):\n    return {{'a': 'b'}}", ["a number for a"]),
    ],
)
def test_results_that_cannot_be_used_are_refused(project, text, parts):
    said = failing(project, text, InvalidInputError)
    assert [part for part in parts if part not in said] == [], said


def test_a_step_is_tried_again_as_often_as_it_says(project):
    text = """
        from volant import step
        from estimator import Mean
        from pathlib import Path

        def tried():
            log = Path("tries.log")
            log.write_text(log.read_text() + "x" if log.exists() else "x")
            return len(log.read_text())

        @step(retries={retries}, cache=False)
        def model(rows, target):
            if tried() < 3:
                raise OSError("not yet")
            return Mean().fit(rows, target)
        """
    made = made_of(project, text.format(retries=2))
    assert made.ran() == ["model"]
    assert "Step model raised 2 times." in failing(project, text.format(retries=1))


def test_each_try_gets_its_inputs_as_they_were(project):
    made = made_of(
        project,
        """
        import pandas as pd
        from volant import step
        from estimator import Mean
        TRIES = []

        @step(retries=1)
        def model(rows: pd.DataFrame, target):
            assert rows["a"].sum() == 15
            rows["a"] = 0
            TRIES.append(1)
            if len(TRIES) == 1:
                raise OSError("not yet")
            return Mean().fit(rows, target)
        """,
    )
    assert made.ran() == ["model"]


def test_what_cannot_be_stored_is_used_but_not_cached(project):
    made = made_of(
        project,
        """
        from estimator import Mean

        def helper(rows):
            return lambda x: x + 1

        def model(rows, target, helper):
            return Mean(helper(1)).fit(rows, target)
        """,
    )
    for _ in range(2):
        helper, model = made.run().runs
        assert (helper.cached, helper.key, helper.output) == (False, None, None)
        assert "not cached: function cannot be pickled" in helper.detail
        assert (model.cached, model.detail) == (False, "helper cannot be stored")
    assert made.run().value("helper")(1) == 2


@pytest.mark.parametrize("harm", ["damaged", "gone"])
def test_a_stored_result_that_is_lost_or_damaged_is_made_again(project, harm):
    made = made_of(project, CHAIN)
    first = made.run()
    wanted = first.value("metrics")
    for run in first.runs[:2]:
        if harm == "damaged":
            made.objects._rows[run.output.digest] = b"broken"
        else:
            del made.objects._rows[run.output.digest]
    again = made.run(from_step="metrics")
    assert again.value("metrics") == wanted
    assert again.value("features").columns == ["a"]


def test_a_file_that_a_step_writes_itself_does_not_keep_it_from_being_cached(project):
    made = made_of(
        project,
        """
        from estimator import Mean

        def model(rows, target):
            with open("report.txt", "w") as file:
                file.write("fine")
            return Mean().fit(rows, target)
        """,
    )
    made.run()
    assert made.ran() == []
    (made.root / "report.txt").unlink()
    assert made.ran() == ["model"]
    assert made.ran() == []


def test_a_module_that_has_the_name_of_another_one_is_refused(project):
    said = failing(project, "import calendar\ndef model(rows): ...", InvalidInputError, calendar="X = 1\n")
    assert "calendar.py has the name of another module" in said
    assert "rename calendar.py" in said


def test_two_projects_in_one_process_do_not_see_each_others_modules(project):
    first = made_of(project, CHAIN)
    second = made_of(project, CHAIN.replace('"fine"', '"other"'))
    assert first.run().value("report") == "fine"
    assert second.run().value("report") == "other"
    assert first.run(from_step="report").value("report") == "fine"


def test_modules_are_imported_once_for_many_trainings(project):
    made = made_of(project, "from pathlib import Path\nopen('imports.log', 'a').write('x')\n" + CHAIN)
    values = [made.train().estimator.value for _ in range(5)]
    assert (made.root / "imports.log").read_text() == "x"
    assert len(set(values)) == 1


def test_training_in_memory_gives_what_a_run_gives(project):
    made = made_of(
        project,
        """
        import polars as pl
        from sklearn.ensemble import HistGradientBoostingRegressor

        def features(rows: pl.DataFrame) -> pl.DataFrame:
            return rows.select("a", "b")

        def model(features, target, *, seed=0):
            return HistGradientBoostingRegressor(max_iter=5, random_state=seed, min_samples_leaf=2).fit(features, target)
        """,
    )
    generator = np.random.default_rng(3)
    made.rows = pl.concat([pl.DataFrame({"at": range(40), "a": generator.normal(size=40), "b": generator.normal(size=40)})] * 3)
    made.target = pl.Series("y", generator.normal(size=120))
    ran, trained = made.run().trained(), made.train()
    seen = made.rows.select("a", "b")
    assert ran.estimator.predict(seen).tolist() == trained.estimator.predict(seen).tolist()
    assert ran._replace(estimator=None, function=None) == trained._replace(estimator=None, function=None)


def test_the_callers_random_state_and_folder_are_left_as_they_were(project, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    made = made_of(project, CHAIN.replace('return "fine"', "import random; return random.random()"))
    random.seed(5)
    expected = random.Random(5).random()
    value = made.run().value("report")
    assert random.random() == expected
    assert Path.cwd() == tmp_path
    assert made.train() is not None
    assert made.run(from_step="report").value("report") == value


def test_a_packages_own_code_is_not_mistaken_for_the_projects(project, tmp_path):
    made = made_of(project, CHAIN)
    made.run()
    packed = tmp_path / "code"
    packed.mkdir()
    (packed / "pipeline.py").write_text("def report():\n    return 'packed'\n")
    modules = CodeModules(claim(packed), ["pipeline.py"])
    with modules.present():
        assert modules.load("pipeline").report() == "packed"
    assert made.run(from_step="report").value("report") == "fine"


def test_what_a_function_imports_late_is_found_after_the_run_too(project):
    made = made_of(
        project,
        """
        from estimator import Mean

        def features(rows):
            from lib.late import chosen
            return rows.select(chosen())

        def model(features, target):
            return Mean().fit(features, target)
        """,
        lib__late='def chosen():\n    return "a"\n',
    )
    made.run()
    trained = made.run().trained()
    assert trained.function(made.rows).columns == ["a"]
