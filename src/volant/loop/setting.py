"""What a cycle and a look of the automation work with: the stores, and the project they belong to."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from volant.config.model import ProjectConfig
from volant.data.service import Datasets
from volant.data.split import Split
from volant.deployments.service import Rollouts
from volant.evidence.ports import LabelStore
from volant.evidence.predictions import Predictions
from volant.gates.ports import GateStore
from volant.kernel.clock import Clock
from volant.kernel.events import EventStore
from volant.kernel.ids import Ids
from volant.kernel.objects import ObjectStore
from volant.kernel.transactions import Transactions
from volant.lineage.ports import LineageStore
from volant.loop.judging import Judging, Score
from volant.loop.measuring import Apart
from volant.loop.table import Table
from volant.monitoring.ports import WindowStore
from volant.pipelines.ports import StepStore
from volant.registry.service import Registry
from volant.tracking.ports import RunStore

Progress = Callable[[str, float | None], None]


@dataclass(frozen=True)
class Ports:
    """What is needed stored, and the services over it."""

    tx: Transactions
    events: EventStore
    objects: ObjectStore
    datasets: Datasets
    runs: RunStore
    steps: StepStore
    gates: GateStore
    labels: LabelStore
    predictions: Predictions
    lineage: LineageStore
    registry: Registry
    rollouts: Rollouts
    windows: WindowStore
    clock: Clock
    ids: Ids


@dataclass(frozen=True)
class Setting:
    """A project. ``policy`` is the text of its ``volant.yaml``, kept with each version and each decision.

    ``champion_score`` answers for the champion in a process of its own, and ``apart`` measures it there: its code must not meet
    the candidate's.
    ``unchanged`` says whether a run now would come to what a remembered one came to.
    """

    config: ProjectConfig
    root: Path
    scratch: Path
    policy: str
    champion_score: Callable[[Table], Score]
    apart: Callable[[Table], Apart]
    unchanged: Callable[[], bool] = lambda: False

    def judging(self, table: Table, split: Split, objects: ObjectStore) -> Judging:
        """The test of a candidate on these rows."""
        return Judging(
            table,
            split,
            config=self.config,
            objects=objects,
            scratch=self.scratch,
            score=self.champion_score(table),
            apart=self.apart(table),
        )
