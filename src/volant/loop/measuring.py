"""What gates ask of a loaded model beside answers to the held-out rows: disturbed rows, times and bytes.

Beside the champion both are measured in processes of their own that do nothing else, a round of one, a round of the other, so that
what else the machine does falls on both. Of every row the shortest round counts.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import numpy as np

from volant.config.model import GateKind, ProjectConfig
from volant.gates.disturbing import disturbances, disturbed, name_of
from volant.gates.facts import Disturbed, Facts
from volant.gates.model import DisturbedNote, Measured, Slower
from volant.kernel.errors import InvalidInputError, UserCodeError
from volant.kernel.objects import ObjectStore
from volant.loop.table import Table
from volant.models.runner import LoadedModel, read_manifest
from volant.stats.predicted import Predicted
from volant.stats.quantile_ratio import quantile_ratio

if TYPE_CHECKING:
    import polars as pl

LATENCY_ROWS = 200
WARM_UP_ROWS = 20
ROUNDS = 3

Round = Callable[[], np.ndarray]
"""One-row predictions of some rows, once each: nanoseconds, shape (n,)."""


@dataclass(frozen=True)
class Apart:
    """Measures of a package in a process of its own.

    ``times``: a package and positions of a table's rows to one :data:`Round`; ``memory``: a package and positions to the resident
    bytes of a fresh process that loaded it and answered those rows.
    """

    times: Callable[[str, np.ndarray], np.ndarray]
    memory: Callable[[str, np.ndarray], int]


class Asking:
    """Asks a loaded candidate, and the champion beside it, what the project's gates want to know."""

    def __init__(  # noqa: PLR0917 - what it asks about
        self,
        config: ProjectConfig,
        table: Table,
        objects: ObjectStore,
        runner: LoadedModel,
        predict: "Callable[[pl.DataFrame], Predicted]",
        packages: tuple[str, str | None],
        apart: Apart | None,
    ) -> None:
        self._config = config
        self._table = table
        self._objects = objects
        self._runner = runner
        self._predict = predict
        self._package, self._champion = packages
        self._apart = apart

    def about(self, positions: np.ndarray) -> Facts:
        """Everything about the held-out rows at these positions."""
        found = self._disturbed(positions) if len(positions) else {}
        notes = tuple(DisturbedNote(name=name, columns=one.columns, error=one.error) for name, one in found.items())
        measured = Measured(**self._times(positions), **self._sizes(positions), disturbed=notes)
        return Facts(disturbed=found, measured=None if measured == Measured() else measured)

    def _disturbed(self, positions: np.ndarray) -> dict[str, Disturbed]:
        return {name_of(kind, amount): self._ask(positions, kind, amount) for kind, amount in disturbances(self._config.gates)}

    def _ask(self, positions: np.ndarray, kind: str, amount: float) -> Disturbed:
        """Times and keys are left as they are: they place a row, and say nothing a sensor could get wrong."""
        data, config = self._config.data, self._config
        inputs = [field.name for field in self._runner.signature.inputs if field.name not in {data.time, *data.key}]
        rows, columns = disturbed(self._table.frame[positions], inputs, kind, amount, config.train.seed)
        if not columns:
            return Disturbed(None)
        try:
            answers = self._predict(rows)
        except (InvalidInputError, UserCodeError) as error:
            return Disturbed(None, columns, str(error).replace("\n", "; "))
        return Disturbed(answers.beside(self._measured(positions)), columns)

    def _measured(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        return {name: values[positions] for name, values in self._table.measured(self._config).items()}

    def _times(self, positions: np.ndarray) -> dict[str, Any]:
        lines = [gate for gate in self._config.gates if gate.kind is GateKind.LATENCY]
        rows = positions[: WARM_UP_ROWS + LATENCY_ROWS]
        if not lines or len(rows) == 0:
            return {}
        columns = self._table.frame[rows].to_dict(as_series=False)
        package, champion, apart = self._package, self._champion, self._apart
        rounds: list[Round] = [one_row_round(self._runner, columns, len(rows))]
        if champion is not None and apart is not None and any(gate.slower is not None for gate in lines):
            rounds = [lambda: apart.times(package, rows), lambda: apart.times(champion, rows)]
        return _figures(in_turn(rounds, len(rows)), self._config.train.seed)

    def _sizes(self, positions: np.ndarray) -> dict[str, Any]:
        lines = [gate for gate in self._config.gates if gate.kind is GateKind.SIZE]
        found: dict[str, Any] = {}
        if any(gate.package_bytes is not None for gate in lines):
            found["package_bytes"] = package_bytes(self._objects, self._package)
            found["champion_package_bytes"] = None if self._champion is None else package_bytes(self._objects, self._champion)
        if self._apart is not None and any(gate.memory_bytes is not None for gate in lines) and len(positions):
            rows = positions[:WARM_UP_ROWS]
            found["memory_bytes"] = self._apart.memory(self._package, rows)
            found["champion_memory_bytes"] = None if self._champion is None else self._apart.memory(self._champion, rows)
        return found


def in_turn(rounds: Iterable[Round], count: int) -> list[np.ndarray]:
    """Each model's shortest time per row in microseconds, the rows of the warm-up left out. Who begins changes with each round."""
    models = tuple(rounds)
    best = [np.full(count, np.iinfo(np.int64).max) for _ in models]
    for number in range(ROUNDS):
        order = range(len(models)) if number % 2 == 0 else reversed(range(len(models)))
        for place in order:
            best[place] = np.minimum(best[place], models[place]())
    return [part[min(WARM_UP_ROWS, count // 2) :] / 1000 for part in best]


def _figures(took: list[np.ndarray], seed: int) -> dict[str, Any]:
    mine, *others = took
    found: dict[str, Any] = {"latency_rows": len(mine)}
    for part, level in (("p95", 0.95), ("p99", 0.99)):
        found[f"{part}_us"] = int(np.quantile(mine, level, method="higher"))
        for theirs in others:
            found[f"champion_{part}_us"] = int(np.quantile(theirs, level, method="higher"))
            ratio, low, high = quantile_ratio(mine, theirs, level, seed)
            found[f"slower_{part}"] = Slower(ratio=ratio, low=low, high=high)
    return found


def one_row_round(runner: LoadedModel, columns: Mapping[str, list[Any]], count: int) -> Round:
    """Asks ``runner`` each of ``count`` rows once, as a request carries them."""
    inputs = [(field.name, columns[field.name]) for field in runner.signature.inputs]
    rows = [{name: [plain_value(values[row])] for name, values in inputs} for row in range(count)]
    return lambda: np.array([_timed(runner, row) for row in rows], dtype=np.int64).reshape(count)


def _timed(runner: LoadedModel, row: dict[str, list[Any]]) -> int:
    began = perf_counter_ns()
    runner.predict_columns(row, 1)
    return perf_counter_ns() - began


def plain_value(value: Any) -> Any:
    """A cell as a request carries it: dates and times as ISO text."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def package_bytes(objects: ObjectStore, package: str) -> int:
    """Of all files of a package together."""
    return sum(len(objects.get(name)) for name in set(read_manifest(objects, package).files.values()))
