"""The same data and code give the same bytes anywhere, and what nothing changed for is not done again."""

import re
import shutil

import pytest
from journey_parts import edit, query, volant

from volant.wiring.project import open_project

PANDAS_PIPELINE = """import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge


def features(rows: pd.DataFrame) -> pd.DataFrame:
    hour = rows["hour"].dt.hour
    frame = rows[["temperature"]].copy()
    frame["temperature"] = frame["temperature"].fillna(0.0)
    frame["open"] = rows["open"].astype(float)
    for part in range(24):
        frame[f"hour_{part}"] = (hour == part).astype(float) * frame["open"]
    return frame


def model(features: pd.DataFrame, target: pd.Series) -> Ridge:
    return Ridge(alpha=1.0).fit(features, np.log1p(target))
"""

SKLEARN_PIPELINE = """import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def model(rows: pd.DataFrame, target: pd.Series, *, seed: int = 0) -> Pipeline:
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), ["temperature"]), ("kinds", OneHotEncoder(handle_unknown="ignore"), ["weather"])],
    )
    return Pipeline([("columns", columns), ("forest", RandomForestRegressor(20, random_state=seed))]).fit(rows, target)
"""


def packed(root):
    """Digest of the package, and the bytes of every object of the store that is no record of this machine's moment."""
    ((package,),) = query(root, "select package from model_version")
    objects = open_project(root, environment={}).objects
    manifest = objects.get(package)
    return package, manifest, b"".join(objects.get(digest) for digest in sorted(digests_in(manifest)) if objects.has(digest))


def digests_in(manifest):
    return set(re.findall(r"\b[0-9a-f]{64}\b", manifest.decode()))


@pytest.mark.slow
def test_two_empty_stores_give_the_same_model_bytes_in_any_folder_and_with_any_hash_seed(trained, template, tmp_path):
    other = tmp_path / "a folder far away" / "renamed"
    shutil.copytree(template, other)
    volant(other, "run", expect=None, environment={"PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo", "LC_ALL": "C", "OMP_NUM_THREADS": "2"})
    first, second = packed(trained), packed(other)
    assert first[0] == second[0]
    assert first[1:] == second[1:]
    assert len(first[2]) > 10_000


def test_a_second_run_is_answered_from_the_store_and_writes_nothing(plain_trained):
    before = query(plain_trained, "select count(*) from run") + query(plain_trained, "select count(*) from event")
    done = volant(plain_trained, "run").json
    assert done["cached"]
    assert done["version"] == 1
    assert all(step["cached"] for step in done["steps"])
    assert "Nothing changed" in done["sentence"]
    assert query(plain_trained, "select count(*) from run") + query(plain_trained, "select count(*) from event") == before


def test_a_constant_in_an_imported_helper_reruns_what_depends_on_it_and_nothing_else(plain_trained):
    edit(plain_trained / "pipeline.py", "def model(", "def untouched(rows: pl.DataFrame) -> int:\n    return rows.height\n\n\ndef model(")
    edit(plain_trained / "pipeline.py", "    slots = features", "    del untouched\n    slots = features")
    edit(plain_trained / "pipeline.py", "target: pl.Series, *,", "target: pl.Series, untouched: int, *,")
    volant(plain_trained, "run")
    (plain_trained / "opening.py").write_text("# only a comment\nSHIFT = 0\n")
    assert volant(plain_trained, "run").json["cached"]
    (plain_trained / "opening.py").write_text("SHIFT = 100\n")
    explained = volant(plain_trained, "run", "--explain").json["steps"]
    done = volant(plain_trained, "run", expect=None).json["steps"]
    assert {step["step"]: step["cached"] for step in done} == {step["step"]: step["cached"] for step in explained}
    ran = {step["step"] for step in done if not step["cached"]}
    assert {"features", "model"} <= ran
    why = next(step["detail"] for step in done if step["step"] == "features")
    assert "opening" in why, why


@pytest.mark.slow
@pytest.mark.parametrize("text", [PANDAS_PIPELINE, SKLEARN_PIPELINE], ids=["pandas", "scikit-learn"])
def test_existing_code_works_as_it_is(toy, text):
    edit(toy / "volant.yaml", "params: {learning_rate: 0.1}", "params: {}")
    (toy / "pipeline.py").write_text(text)
    found = volant(toy, "run", expect=None)
    assert found.code in {0, 3}, found.out
    assert found.json["version"] == 1
    volant(toy, "approve", "toy@1", "--override", "--reason", "only to see it answer")
    lines = (toy / "data" / "example.csv").read_text().splitlines()
    (toy / "few.csv").write_text("\n".join(line.rpartition(",")[0] for line in (lines[0], *lines[-5:])) + "\n")
    assert volant(toy, "predict", "@champion", "--data", "few.csv", "--output", "scored.csv").json["rows"] == 5
    header, *rows = (toy / "scored.csv").read_text().splitlines()
    assert header == "hour,temperature,weather,open,prediction"
    assert len({row.rpartition(",")[2] for row in rows}) > 1


@pytest.mark.parametrize("missing", ["featurs", "taget"])
def test_a_misspelt_parameter_is_an_error_before_anything_runs_and_names_the_nearest(plain, missing):
    right = {"featurs": "features", "taget": "target"}[missing]
    edit(plain / "pipeline.py", f"{right}: pl.", f"{missing}: pl.")
    done = volant(plain, "run", expect=2)
    assert missing in done.error["what"] + str(done.error["found"])
    assert right in done.out
    assert query(plain, "select count(*) from dataset_version") == [(0,)]
