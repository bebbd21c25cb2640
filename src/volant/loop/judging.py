"""The test of a candidate as the cycle runs it: both packages answer, nobody's training rows are used, latency is measured."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from volant.config.metric_text import metric_name, own_metrics
from volant.config.model import ProjectConfig
from volant.data.split import Split
from volant.gates.model import GateReport
from volant.gates.ports import GateStore
from volant.gates.service import Contestant, judge
from volant.kernel.clock import Clock
from volant.kernel.ids import Ids
from volant.kernel.objects import ObjectStore
from volant.loop.measuring import Apart, Asking
from volant.loop.table import Table
from volant.models.model import Signature
from volant.models.ports import Answer
from volant.models.runner import load_runner
from volant.registry.model import ModelVersion
from volant.stats.metrics import score
from volant.stats.names import METRICS, metric_named
from volant.stats.predicted import Predicted

if TYPE_CHECKING:
    import polars as pl

Score = Callable[[str, np.ndarray], Predicted]
"""A package and positions of rows in the table to answers, from a process of its own."""


class Judging:
    """Gates a packaged candidate on one table. ``score`` and ``apart`` ask the champion, whose code must not meet the candidate's; without
    ``apart`` it is not measured.
    """

    def __init__(
        self,
        table: Table,
        split: Split,
        *,
        config: ProjectConfig,
        objects: ObjectStore,
        scratch: Path,
        score: Score,
        apart: Apart | None = None,
    ) -> None:
        self._table = table
        self._split = split
        self._config = config
        self._objects = objects
        self._scratch = scratch
        self._score = score
        self._apart = apart

    def judge(
        self, package: str, champion: ModelVersion | None, *, version: int | None, run_id: str, gates: GateStore, clock: Clock, ids: Ids
    ) -> tuple[GateReport, dict[str, float]]:
        """The stored report, and the candidate's metrics over the rows it was judged on."""
        runner = load_runner(self._objects, package, self._scratch)
        answers: list[tuple[np.ndarray, Predicted]] = []

        def predict(rows: "pl.DataFrame") -> Predicted:
            return predicted_of(runner.predict(rows), runner.signature)

        def candidate(positions: np.ndarray) -> Predicted:
            answers.append((positions, predict(self._table.frame[positions])))
            return answers[-1][1]

        packages = (package, None if champion is None else champion.package)
        asking = Asking(self._config, self._table, self._objects, runner, predict, packages, self._apart)
        report = judge(
            self._config,
            self._table.gate_data(self._config, self._split),
            Contestant(package, candidate, version=version, trained_on=self._table.fingerprints[self._split.train]),
            None if champion is None else self._champion(champion),
            run_id=run_id,
            gates=gates,
            objects=self._objects,
            clock=clock,
            ids=ids,
            asked=asking.about,
        )
        return report, self._metrics(answers)

    def _champion(self, champion: ModelVersion) -> Contestant:
        return Contestant(
            champion.package,
            lambda positions: self._score(champion.package, positions),
            version=champion.number,
            trained_on=seen_rows(self._objects, champion),
        )

    def _metrics(self, answers: list[tuple[np.ndarray, Predicted]]) -> dict[str, float]:
        """Every metric of the task that these answers allow."""
        if not answers:
            return {}
        positions, predicted = answers[0]
        columns = {name: values[positions] for name, values in self._table.measured(self._config).items()}
        own = {metric_name(text): metric_named(text) for text in own_metrics(self._config)}
        found = {}
        for name, metric in {**METRICS, **own}.items():
            if self._config.task in metric.tasks and not (metric.needs_scores and predicted.scores is None):
                value = score(metric.name, self._table.target[positions], predicted.beside(columns)).value
                if value is not None:
                    found[name] = float(value)
        return found


def predicted_of(answer: Answer, signature: Signature) -> Predicted:
    """A model's answer as the statistics take it."""
    return Predicted(answer.values, answer.scores, signature.classes if answer.scores is not None else ())


def seen_rows(objects: ObjectStore, version: ModelVersion) -> np.ndarray | None:
    """Fingerprints (uint64) of the rows a version learned from; None if that was not recorded."""
    if version.trained_rows_digest is None:
        return None
    return np.frombuffer(objects.get(version.trained_rows_digest), dtype="<u8")
