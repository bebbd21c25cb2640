"""Two fresh processes, one store or two."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from projects import ESTIMATOR

SCRIPT = Path(__file__).with_name("run_in_store.py")


def run(root, store, **environment):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(root), str(store)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": "0", **environment},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_two_runs_into_two_empty_stores_give_the_same_bits(project, tmp_path):
    made = project(
        pipeline="""
        import random

        import numpy as np
        import pandas as pd
        import polars as pl
        from estimator import Mean
        from sklearn.compose import ColumnTransformer
        from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import OneHotEncoder
        from volant import step

        def words(rows):
            return {word: len(word) for word in rows["b"]}, frozenset(rows["b"]), random.random(), np.random.rand()

        def table(rows: pd.DataFrame) -> pd.DataFrame:
            return rows.groupby("b").agg({"a": "mean"})

        def features(rows, words):
            return rows.group_by("b").agg(pl.col("a").mean()).sort("b").join(rows, on="b", how="right").select("a", "b")

        def model(features, target, *, seed=0):
            columns = ColumnTransformer([("b", OneHotEncoder(), ["b"])], remainder="passthrough")
            trees = RandomForestRegressor(n_estimators=5, n_jobs=2, random_state=seed)
            return Pipeline([("columns", columns), ("trees", trees)]).fit(features, target)

        @step
        def boosted(rows, target):
            return HistGradientBoostingRegressor(max_iter=5).fit(rows.select("a"), target)

        @step
        def own(rows, target, table):
            return Mean().fit(rows.select("a"), target)
        """,
        estimator=ESTIMATOR,
    )
    first = run(made.root, tmp_path / "one")
    second = run(made.root, tmp_path / "two", OMP_NUM_THREADS="1", PYTHONHASHSEED="12")
    assert first["outputs"] == second["outputs"]
    assert len(first["ran"]) == 6
    assert first["heavy"] == []


def test_changes_between_processes_are_seen_and_nothing_else(project, tmp_path):
    made = project(
        pipeline="from shape import features\nfrom fit import model\n",
        shape="from lib.scaling import FACTOR\n\ndef features(rows):\n    return rows.select(rows['a'] * FACTOR)\n",
        fit="""
        import os
        from estimator import Mean

        def model(features, target):
            os.getenv("SWITCH")
            return Mean().fit(features, target)
        """,
        lib__scaling="FACTOR = 2  # twice\n",
        estimator=ESTIMATOR,
    )
    store = tmp_path / "store"
    assert run(made.root, store)["ran"] == ["features", "model"]
    made.change("lib/scaling.py", "# twice", "# doubled")
    assert run(made.root, store)["ran"] == []
    made.change("lib/scaling.py", "FACTOR = 2", "FACTOR = 3")
    assert run(made.root, store)["ran"] == ["features", "model"]
    assert run(made.root, store, SWITCH="on")["ran"] == ["model"]
    assert not list(made.root.rglob("__pycache__"))


def test_a_hundred_cached_steps_are_looked_up_fast_and_without_number_libraries(project, tmp_path):
    links = "".join(f"def s{n}(s{n - 1}):\n    return s{n - 1} + {n}\n\n" for n in range(1, 98))
    features = "def features(rows):\n    return rows.select('a')\n\n"
    model = "def model(features, target, s97):\n    return Mean(s97).fit(features, target)\n"
    made = project(pipeline=f"from estimator import Mean\n\ndef s0(rows):\n    return 0\n\n{links}{features}{model}", estimator=ESTIMATOR)
    store = tmp_path / "store"
    assert len(run(made.root, store)["ran"]) == 100
    looked = [run(made.root, store) for _ in range(2)]
    assert [(found["ran"], found["heavy"]) for found in looked] == [([], [])] * 2
    assert min(found["look_s"] for found in looked) < 0.25  # about 0.02 s on an idle machine
