"""Runs a project's pipeline in a process of its own: ``run_in_store.py PROJECT STORE`` writes what became of each step."""

import json
import sys
import time
from pathlib import Path

from volant.adapters.db.sqlite.database import SqliteDatabase
from volant.adapters.db.sqlite.results import SqliteSteps
from volant.adapters.objects.local import LocalObjects
from volant.config.model import Task
from volant.kernel.clock import SystemClock
from volant.kernel.ids import TimeOrderedIds
from volant.pipelines.cache import StepCache
from volant.pipelines.graph import build_graph
from volant.pipelines.model import Training


def main() -> None:
    root, store = Path(sys.argv[1]), Path(sys.argv[2])
    store.mkdir(exist_ok=True)
    clock = SystemClock()
    database = SqliteDatabase(store / "volant.db", clock, TimeOrderedIds(clock))
    cache = StepCache(SqliteSteps(database), LocalObjects(store / "objects"), clock)
    graph = build_graph(root, "pipeline.py", target="y")
    training = Training(project="bikes", task=Task.REGRESSION, target="y")
    digests = {"rows": "rows-1", "target": "target-1"}
    begun = time.perf_counter()
    states = cache.look(graph, training, digests)
    took = time.perf_counter() - begun
    heavy = sorted({"numpy", "polars", "sklearn", "pandas"} & set(sys.modules))
    if all(state.cached for state in states):
        sys.stdout.write(json.dumps({"ran": [], "look_s": took, "heavy": heavy}))
        return
    import polars as pl

    from volant.pipelines.execution import execute

    rows = pl.DataFrame({"a": [float(n * n % 17) for n in range(200)], "b": [["x", "y", "z"][n % 3] for n in range(200)]})
    target = pl.Series("y", [float(n % 7) for n in range(200)])
    executed = execute(graph, training, rows, target, digests, cache, clock=clock)
    digests_out = {run.step: run.output.digest for run in executed.runs}
    sys.stdout.write(json.dumps({"ran": [run.step for run in executed.runs if not run.cached], "outputs": digests_out, "heavy": heavy}))


main()
