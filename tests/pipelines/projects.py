"""A project in a folder of its own, its stores in memory, and what became of each step of a run."""

import os
from pathlib import Path
from textwrap import dedent

import polars as pl

from volant.adapters.memory.database import MemoryDatabase
from volant.adapters.memory.results import MemorySteps
from volant.adapters.objects.memory import MemoryObjects
from volant.config.model import Task
from volant.kernel.ids import TimeOrderedIds
from volant.pipelines.cache import StepCache
from volant.pipelines.execution import execute, train
from volant.pipelines.graph import build_graph
from volant.pipelines.model import Training

DIGESTS = {"rows": "rows-1", "target": "target-1"}

ESTIMATOR = """
import numpy as np


class Mean:
    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, frame, target):
        self.value = float(target.mean()) + float(np.asarray(frame).sum()) + self.shift
        return self

    def predict(self, frame):
        return [self.value] * len(frame)
"""


class TickingClock:
    """A millisecond further at each look."""

    def __init__(self):
        self.present = 1_790_000_000_000_000

    def now(self):
        self.present += 1000
        return self.present


class Project:
    """``run`` executes and remembers; ``ran`` are the names of the steps that were run, in order."""

    def __init__(self, root: Path, **files: str):
        self.root = root
        self.clock = TickingClock()
        self.objects = MemoryObjects()
        self.steps = MemorySteps(MemoryDatabase(self.clock, TimeOrderedIds(self.clock)))
        self.cache = StepCache(self.steps, self.objects, self.clock)
        self.rows = pl.DataFrame({"at": [1, 2, 3, 4], "a": [1.0, 2.0, 4.0, 8.0], "b": [0, 1, 0, 1]})
        self.target = pl.Series("y", [1.0, 2.0, 3.0, 5.0])
        self.pipeline = "pipeline.py"
        self.params: dict[str, object] = {}
        self.hidden: tuple[str, ...] = ("at",)
        self.seed = 7
        self.digests = dict(DIGESTS)
        for name, text in files.items():
            folder, init, _ = name.partition("____init__")
            self.write(f"{folder.replace('__', '/')}{'/__init__' if init else ''}.py", text)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    def change(self, name: str, old: str, new: str) -> None:
        """Replace text in a file without its size or time telling: stale byte code must not be believed."""
        path = self.root / name
        before = path.stat()
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def graph(self):
        return build_graph(self.root, self.pipeline, target=self.target.name, params=self.params)

    def training(self):
        return Training(
            project="bikes", task=Task.REGRESSION, target=self.target.name, hidden=self.hidden, params=dict(self.params), seed=self.seed
        )

    def run(self, **options):
        return execute(self.graph(), self.training(), self.rows, self.target, self.digests, self.cache, clock=self.clock, **options)

    def train(self):
        return train(self.graph(), self.training(), self.rows, self.target)

    def ran(self, **options) -> list[str]:
        return [run.step for run in self.run(**options).runs if not run.cached]

    def look(self):
        return {state.step: state for state in self.cache.look(self.graph(), self.training(), self.digests)}

    def why(self, step: str):
        state, changes = self.cache.why(self.graph(), self.training(), self.digests, step)
        return state.reason, {change.component: (change.before, change.after) for change in changes}
