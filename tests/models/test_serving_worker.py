"""The real worker process answers over HTTP as the training did."""

import json
import os
import signal
import subprocess
import sys
import urllib.request

import polars as pl
import pytest
from model_parts import model, table, trained
from sklearn.ensemble import HistGradientBoostingClassifier

from volant.adapters.objects.local import LocalObjects
from volant.config.model import Task
from volant.kernel.codec import canonical
from volant.models.frames import to_columns
from volant.models.packaging import pack
from volant.serving.spec import WorkerSpec

SOURCE = """import polars as pl


def features(rows, means):
    return rows.select(
        (pl.col("temp") - means["temp"]).alias("warmth"),
        pl.col("count").cast(pl.Float64),
        pl.col("at").dt.hour().cast(pl.Float64).alias("hour"),
        (pl.col("kind") == "a").cast(pl.Float64).alias("is_a"),
    )
"""


def start(folder, package):
    spec = WorkerSpec(
        worker="w1", package=package, objects=str(folder / "objects"), log=str(folder / "log"), scratch=str(folder / "scratch"),
        model="p", version=1, epoch=1,
    )  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "volant.wiring.serving_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=folder,
    )
    process.stdin.write(canonical(spec) + b"\n")
    process.stdin.flush()
    return process, json.loads(process.stdout.readline())


@pytest.fixture
def packed(tmp_path):
    rows, y = table(300, holes=True)
    y = pl.Series("y", ["high" if value > 25 else "low" for value in y.to_list()])
    space = {}
    exec(compile(SOURCE, str(tmp_path / "pipeline.py"), "exec"), space)
    made = space["features"](rows, {"temp": 20.0})
    estimator = HistGradientBoostingClassifier(max_iter=10).fit(made, y)
    parts = trained(
        estimator, made.columns, function=space["features"], state={"means": {"temp": 20.0}}, code={"pipeline.py": SOURCE.encode()}
    )
    fitted = model(parts, rows, y, Task.BINARY)
    objects = LocalObjects(tmp_path / "objects")
    return rows, fitted, pack(objects, parts, project="p", signature=fitted.signature, sample=rows)


def test_the_worker_process_answers_as_the_training_did(packed, tmp_path):
    rows, fitted, package = packed
    process, ready = start(tmp_path, package)
    try:
        assert "port" in ready, ready
        columns = to_columns(rows.head(40), fitted.signature.inputs)
        records = [{name: values[row] for name, values in columns.items()} for row in range(40)]
        expected = fitted.predict(rows.head(40))
        for row, record in enumerate(records[:8]):
            answer = ask(ready["port"], {"dataframe_records": [record]})
            assert answer["predictions"][0] == expected.values.tolist()[row]
        assert ask(ready["port"], {"dataframe_records": records})["predictions"] == expected.values.tolist()
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=120)
    assert process.returncode == 0


def ask(port, body):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations", data=json.dumps(body).encode(), headers={"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


def test_a_damaged_package_is_refused_in_one_line(packed, tmp_path):
    _, _, package = packed
    process, said = start(tmp_path, package[:-4] + "0000")
    process.communicate(timeout=120)
    assert said["error"]["code"] == "not_found"
    assert process.returncode == 1
