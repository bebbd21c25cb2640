"""The graph as the source says, and every mistake that can be seen in it before anything runs."""

import subprocess
import sys

import pytest
from projects import ESTIMATOR

from volant.kernel.errors import InvalidInputError, NotFoundError, UsageError, VolantError
from volant.pipelines.graph import build_graph


def graph(project, text, **options):
    made = project(pipeline=text, estimator=ESTIMATOR)
    return build_graph(made.root, "pipeline.py", **{"target": "y", **options})


def refused(project, text, error=InvalidInputError, **options):
    with pytest.raises(error) as caught:
        graph(project, text, **options)
    return str(caught.value)


def test_steps_are_wired_by_name_and_ordered(project):
    found = graph(
        project,
        """
        import pandas as pd
        from volant import step
        import numpy as np

        DEPTH = 3

        def metrics(model, features, y): ...

        def model(features: "pd.DataFrame", target: np.ndarray, /, *, depth: int | None = DEPTH, seed=0, options=dict(a=1)): ...

        def features(rows, means): ...

        def means(rows: pd.DataFrame, target): ...

        @step(cache=False, retries=2)
        def report(metrics): ...

        def helper(anything, at, all): ...
        """,
    )
    assert found.names() == ("means", "features", "model", "metrics", "report")
    model = found.step("model")
    assert [(a.name, a.source, a.frame) for a in model.arguments] == [("features", "features", "pandas"), ("target", "target", "numpy")]
    assert [(p.name, p.default) for p in model.parameters] == [("depth", "3"), ("seed", "0"), ("options", None)]
    assert [(a.name, a.source) for a in found.step("metrics").arguments][-1] == ("y", "target")
    assert (found.step("report").cache, found.step("report").retries) == (False, 2)
    assert found.has_features


def test_keywords_without_default_are_wired_where_they_name_something(project):
    found = graph(project, "def model(rows, *, target, weights): ...\ndef weights(rows): ...\n")
    assert [a.source for a in found.step("model").arguments] == ["rows", "target", "weights"]
    assert not found.has_features


def test_functions_come_from_other_files_of_the_project_too(project):
    made = project(
        pipeline="from lib import features, model\nfrom lib.more import weigh as weights\nfrom sklearn import metrics\n",
        lib____init__="from .shape import shaped as features\nfrom lib.fit import model\n",
        lib__shape="def shaped(rows): ...\n",
        lib__fit="def model(features, target, weights): ...\n",
        lib__more="def weigh(rows): ...\n",
    )
    found = made.graph()
    assert found.names() == ("features", "weights", "model") or set(found.names()) == {"features", "weights", "model"}
    step = found.step("features")
    assert (step.module, step.function, step.file) == ("lib.shape", "shaped", "lib/shape.py")
    assert found.step("weights").function == "weigh"


def test_a_pipeline_in_a_folder_finds_its_neighbours(project):
    made = project(flows__train="from shape import features\ndef model(features, target): ...\n", flows__shape="def features(rows): ...\n")
    found = build_graph(made.root, "flows/train.py", target="y")
    assert found.search == (".", "flows")
    assert (found.step("model").module, found.step("features").module) == ("flows.train", "shape")


def test_nothing_is_run_to_read_a_graph(project):
    made = project(pipeline='raise SystemExit("ran")\ndef model(rows, target): ...\n')
    assert made.graph().names() == ("model",)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("def modle(rows, target): ...", ["no function named model", "did you mean modle?"]),
        ("x = 1", ["no function named model"]),
        ("model = lambda rows, target: 1", ["model cannot be a step", "assignment in pipeline.py, line 1"]),
        ("class model: ...", ["model cannot be a step", "a class"]),
        (
            "def features(rows): ...\ndef model(featurs, target): ...",
            ["model takes featurs", "did you mean features?", "pipeline.py, line 2"],
        ),
        ("def model(rows, targets): ...", ["takes targets", "did you mean target?"]),
        ("def model(rows, target, depth=3): ...", ["takes depth", "put *, before it"]),
        ("from math import sin\ndef model(rows, sin): ...", ["not from a file of the project"]),
        ("def model(rows, *more): ...", ["model takes *more"]),
        ("def model(rows, **more): ...", ["model takes **more"]),
        ("async def model(rows, target): ...", ["async"]),
        ("def model(rows, target):\n    yield 1", ["generator"]),
        ("def model(rows, target): ...\ndef model(rows, target): ...", ["defined more than once", "lines 1 and 2"]),
        ("if x:\n    def model(rows): ...\nelse:\n    def model(target): ...", ["defined more than once"]),
        ("def a(b): ...\ndef b(c): ...\ndef c(a): ...\ndef model(rows, a): ...", ["wait for each other", "a takes"]),
        ("def features(rows, model): ...\ndef model(features, target): ...", ["wait for each other"]),
        ("def features(features): ...\ndef model(features): ...", ["features must take rows as its first parameter"]),
        ("def features(rows, target): ...\ndef model(features): ...", ["features cannot take target", "not known when serving"]),
        ("def features(): ...\ndef model(features): ...", ["features must take rows"]),
        ("import numpy as np\ndef features(rows: np.ndarray): ...\ndef model(features): ...", ["cannot take its rows as an array"]),
        ("import polars as pl\ndef features(rows: pl.LazyFrame): ...\ndef model(features): ...", ["lazy frame"]),
        ("def shaped(rows): ...\ndef model(shaped, target): ...", ["takes neither features nor rows"]),
        ("def features(rows): ...\ndef model(rows, target): ...", ["a function features, but model does not take it"]),
        ("def model(target): ...", ["takes neither features nor rows"]),
        ("def rows(): ...\ndef model(rows): ...", ["a function cannot have this name"]),
        ("def y(rows): ...\ndef model(rows, y): ...", ["both the target column and a function"]),
        ("def model(rows, target, *, depth): ...", ["model needs a value for depth"]),
        ("def model(rows, target:\n    pass", ["pipeline.py, line 1", "never closed"]),
        ("from volant import step\n@step(cahce=False)\ndef model(rows): ...", ["no option cahce", "did you mean cache?"]),
        ("from volant import step\nN = 2\n@step(retries=N)\ndef model(rows): ...", ["cannot be read", "plain values"]),
        ("import volant\n@volant.step(retries=-1)\ndef model(rows): ...", ["cannot be read"]),
        ("from other import features\ndef model(features): ...", ["not from a file of the project"]),
        ("\0", ["not Python source"]),
    ],
)
def test_mistakes_are_named_with_what_was_meant(project, text, parts):
    said = refused(project, text)
    assert [part for part in parts if part not in said] == [], said
    assert "next:" in said or "found:" in said


def test_a_syntax_error_in_an_imported_file_names_that_file(project):
    made = project(pipeline="from lib import features\ndef model(features): ...\n", lib="def features(rows)\n    pass\n")
    with pytest.raises(InvalidInputError, match=r"lib\.py, line 1"):
        made.graph()


def test_long_expressions_and_deep_nesting_do_no_harm(project):
    long_sum = " + ".join(["1"] * 1500)
    made = project(pipeline=f"X = {long_sum}\ndef model(rows, target):\n    return {long_sum}\n")
    assert made.look()["model"].key is not None
    with pytest.raises(InvalidInputError, match=r"pipeline\.py"):
        graph(project, f"X = {'(' * 5000}1{')' * 5000}\ndef model(rows): ...\n")


def test_circular_imports_of_a_name_end(project):
    made = project(pipeline="from one import model\n", one="from two import model\n", two="from one import model\n")
    with pytest.raises(InvalidInputError, match="circle"):
        made.graph()


def test_unknown_and_mistyped_parameters_are_refused(project):
    text = "def model(rows, target, *, depth: int = 3, rate: float = 0.1, loss: 'str | None' = None): ...\n"
    assert "did you mean depth?" in refused(project, text, UsageError, params={"dpeth": 3})
    assert "must be int" in refused(project, text, UsageError, params={"depth": "deep"})
    assert "must be int" in refused(project, text, UsageError, params={"depth": True})
    assert graph(project, text, params={"depth": 4, "rate": 1, "loss": None, "seed": 3}).names() == ("model",)


@pytest.mark.parametrize("path", ["../other.py", "pipeline.txt", "/etc/passwd", "my-pipeline.py", ".", "nowhere.py"])
def test_a_pipeline_must_be_a_file_of_the_project(project, path):
    made = project(pipeline="def model(rows): ...\n")
    with pytest.raises((UsageError, NotFoundError, VolantError)):
        build_graph(made.root, path, target="y")


def test_reading_a_graph_and_its_cache_imports_no_number_library():
    code = (
        "import sys, volant.pipelines.graph, volant.pipelines.cache;"
        "print([name for name in ('numpy', 'polars', 'sklearn', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
