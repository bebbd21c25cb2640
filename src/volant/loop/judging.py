"""The test of a candidate as the cycle runs it: both packages answer, nobody's training rows are used, latency is measured."""

from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np

from volant.config.metric_text import metric_name, own_metrics
from volant.config.model import GateKind, ProjectConfig
from volant.data.split import Split
from volant.gates.model import GateReport
from volant.gates.ports import GateStore
from volant.gates.service import Contestant, judge
from volant.kernel.clock import Clock
from volant.kernel.ids import Ids
from volant.kernel.objects import ObjectStore
from volant.loop.table import Table
from volant.models.model import Signature
from volant.models.ports import Answer
from volant.models.runner import LoadedModel, load_runner
from volant.registry.model import ModelVersion
from volant.stats.metrics import score
from volant.stats.names import METRICS, metric_named
from volant.stats.predicted import Predicted

Score = Callable[[str, np.ndarray], Predicted]
"""A package and positions of rows in the table to answers, from a process of its own."""

LATENCY_ROWS = 200
WARM_UP_ROWS = 20
ROUNDS = 3


class Judging:
    """Gates a packaged candidate on one table. ``score`` asks the champion, whose code must not meet the candidate's."""

    def __init__(self, table: Table, split: Split, *, config: ProjectConfig, objects: ObjectStore, scratch: Path, score: Score) -> None:
        self._table = table
        self._split = split
        self._config = config
        self._objects = objects
        self._scratch = scratch
        self._score = score

    def judge(
        self, package: str, champion: ModelVersion | None, *, version: int | None, run_id: str, gates: GateStore, clock: Clock, ids: Ids
    ) -> tuple[GateReport, dict[str, float]]:
        """The stored report, and the candidate's metrics over the rows it was judged on."""
        runner = load_runner(self._objects, package, self._scratch)
        answers: list[tuple[np.ndarray, Predicted]] = []

        def candidate(positions: np.ndarray) -> Predicted:
            rows = self._table.frame[positions]
            answers.append((positions, predicted_of(runner.predict(rows), runner.signature)))
            return answers[-1][1]

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
            latency_p99_us=self._latency(runner),
        )
        return report, self._metrics(answers)

    def _champion(self, champion: ModelVersion) -> Contestant:
        return Contestant(
            champion.package,
            lambda positions: self._score(champion.package, positions),
            version=champion.number,
            trained_on=seen_rows(self._objects, champion),
        )

    def _latency(self, runner: LoadedModel) -> int | None:
        """99th percentile of one-row predictions in microseconds, if a gate asks for it."""
        if not any(gate.kind is GateKind.LATENCY for gate in self._config.gates):
            return None
        rows = self._table.frame[self._split.holdout[: WARM_UP_ROWS + LATENCY_ROWS]]
        took = one_row_latencies(runner, rows.to_dict(as_series=False), rows.height)
        return None if len(took) == 0 else int(np.quantile(took, 0.99, method="higher"))

    def _metrics(self, answers: list[tuple[np.ndarray, Predicted]]) -> dict[str, float]:
        """Every metric of the task that these answers allow."""
        if not answers:
            return {}
        positions, predicted = answers[-1]
        columns = {name: values[positions] for name, values in self._table.measured(self._config).items()}
        own = {metric_name(text): metric_named(text) for text in own_metrics(self._config)}
        found = {}
        for name, metric in {**METRICS, **own}.items():
            if self._config.task in metric.tasks and not (metric.needs_scores and predicted.scores is None):
                value = score(metric.name, self._table.target[positions], predicted.beside(columns)).value
                if value is not None:
                    found[name] = float(value)
        return found


def one_row_latencies(runner: LoadedModel, columns: Mapping[str, list[Any]], count: int) -> np.ndarray:
    """Microseconds of single-row predictions, the first few rows left out. Shape (k,).

    Each row is asked ``ROUNDS`` times and its shortest time counts: the gate is about the model, not about what else the
    machine was doing.
    """
    inputs = [(field.name, columns[field.name]) for field in runner.signature.inputs]
    rows = [{name: [plain_value(values[row])] for name, values in inputs} for row in range(count)]
    took = np.array([[_timed(runner, row) for row in rows] for _ in range(ROUNDS)], dtype=np.int64).reshape(ROUNDS, count)
    return np.asarray(took[:, min(WARM_UP_ROWS, count // 2) :].min(axis=0))


def _timed(runner: LoadedModel, row: dict[str, list[Any]]) -> int:
    began = perf_counter_ns()
    runner.predict_columns(row, 1)
    return (perf_counter_ns() - began) // 1000


def plain_value(value: Any) -> Any:
    """A cell as a request carries it: dates and times as ISO text."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def predicted_of(answer: Answer, signature: Signature) -> Predicted:
    """A model's answer as the statistics take it."""
    return Predicted(answer.values, answer.scores, signature.classes if answer.scores is not None else ())


def seen_rows(objects: ObjectStore, version: ModelVersion) -> np.ndarray | None:
    """Fingerprints (uint64) of the rows a version learned from; None if that was not recorded."""
    if version.trained_rows_digest is None:
        return None
    return np.frombuffer(objects.get(version.trained_rows_digest), dtype="<u8")
