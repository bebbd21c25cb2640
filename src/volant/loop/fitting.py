"""From a table to a package: the pipeline's steps, the proof that its features are row-local, the packed model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from volant.config.model import ProjectConfig
from volant.data.split import Split
from volant.kernel.clock import Clock
from volant.kernel.digests import digest_value
from volant.kernel.objects import ObjectStore
from volant.loop.table import Table
from volant.loop.weighing import takes_weights, weights_of
from volant.models.fitted import FittedModel
from volant.models.locality import prove_row_local
from volant.models.packaging import pack
from volant.models.signature import infer_signature
from volant.pipelines.cache import StepCache
from volant.pipelines.execution import Executed, execute
from volant.pipelines.graph import build_graph
from volant.pipelines.identity import hidden_columns
from volant.pipelines.inputs import code_digest, input_digests, training_of
from volant.pipelines.model import FEATURES, MODEL, PACKAGE, Graph, Identity, Output, Scalar, StepResult, StepRun
from volant.pipelines.ports import StepStore

if TYPE_CHECKING:
    import polars as pl

    from volant.models.model import Signature

Progress = Callable[[str, float | None], None]
SAMPLE_ROWS = 256


@dataclass(frozen=True)
class Fitted:
    """A package and how it came about. ``package`` is None when the run stopped before the model; ``code`` names the code."""

    code: str
    steps: tuple[StepRun, ...]
    package: str | None
    metrics: dict[str, float]
    params: dict[str, Scalar]


class Fitting:
    """Runs a project's pipeline on tables, with what is cached taken from the store."""

    def __init__(self, steps: StepStore, objects: ObjectStore, clock: Clock, *, config: ProjectConfig, root: Path) -> None:
        self._steps = steps
        self._objects = objects
        self._clock = clock
        self._config = config
        self._root = root
        self._cache = StepCache(steps, objects, clock)

    def graph(self, params: Mapping[str, Scalar]) -> Graph:
        """The pipeline as its source says; definition errors are raised here, before anything runs."""
        train = self._config.train
        graph = build_graph(self._root, train.pipeline, target=self._config.target, params={**train.params, **params})
        takes_weights(graph, train.window)
        return graph

    def fit(
        self,
        table: Table,
        split: Split,
        *,
        params: Mapping[str, Scalar],
        only: Sequence[str],
        from_step: str | None,
        progress: Progress,
        on_step: Callable[[StepRun], None],
        on_print: Callable[[str, str], None],
    ) -> Fitted:
        """Run what is not cached, prove that features are row-local, and pack."""
        graph = self.graph(params)
        training = training_of(self._config, params)
        rows, target = table.inputs(self._config, split.train), table.labels(self._config, split.train)
        executed = execute(
            graph,
            training,
            rows,
            target,
            input_digests(self._config, table.version.digest),
            self._cache,
            clock=self._clock,
            weights=weights_of(table.times.event_us[split.train], self._config.train.window),
            only=tuple(only),
            from_step=from_step,
            progress=progress,
            on_step=on_step,
            on_print=on_print,
        )
        package = None
        if MODEL in {run.step for run in executed.runs}:
            progress("packing the model", None)
            package = self._package(graph, executed, rows, target)
        return Fitted(code_digest(graph), executed.runs, package, _own_metrics(executed), dict(training.params))

    def _package(self, graph: Graph, executed: Executed, rows: "pl.DataFrame", target: "pl.Series") -> str:
        """The packed model; packed before from the same steps, it is in the store already."""
        key = _package_key(graph, executed)
        known = None if key is None else self._steps.get(key)
        if known is not None and self._objects.has(known.output.digest):
            return known.output.digest
        started = self._clock.now()
        hidden = hidden_columns(graph, training_of(self._config, {}), graph.step(MODEL))
        seen = rows.drop(name for name in hidden if name in rows.columns)
        signature = infer_signature(seen, target, self._config.task, self._config.target)
        sample = seen[spread(seen.height, SAMPLE_ROWS)]
        package = self._proven(executed, signature, sample)
        if key is not None:
            identity = Identity(code="", modules={}, distributions={}, params={}, inputs={}, python="")
            output = Output(digest=package, codec="package")
            took = self._clock.now() - started
            self._steps.put(
                StepResult(key=key, step=PACKAGE, output=output, identity=identity, recorded_at=self._clock.now(), duration_us=took)
            )
        return package

    def _proven(self, executed: Executed, signature: "Signature", sample: "pl.DataFrame") -> str:
        trained = executed.trained()
        model = FittedModel.of(trained, signature)
        prove_row_local(model, sample)
        return pack(self._objects, trained, project=self._config.project, signature=signature, sample=sample)


def spread(count: int, wanted: int) -> np.ndarray:
    """``wanted`` positions spread evenly over ``count`` rows, ascending, ends included; all of them if there are fewer."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).round().astype(np.int64))


def _package_key(graph: Graph, executed: Executed) -> str | None:
    """Identity of the package: those of all steps and of their results; None if one has none.

    A key alone does not name a result: what a step was seen reading is checked beside it.
    """
    keys = {run.step: (run.key, run.output.digest) if run.key and run.output else None for run in executed.runs}
    wanted = [keys.get(name) for name in graph.names() if name in keys]
    if None in wanted or MODEL not in keys:
        return None
    return digest_value({"package": 1, "steps": {name: keys[name] for name in graph.names() if name in keys}, "features": FEATURES in keys})


def _own_metrics(executed: Executed) -> dict[str, float]:
    """What the pipeline's ``metrics`` step returned, if there is one."""
    if "metrics" not in {run.step for run in executed.runs}:
        return {}
    return {str(name): float(value) for name, value in dict(executed.value("metrics")).items()}
