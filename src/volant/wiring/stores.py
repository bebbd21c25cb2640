"""The stores of a project, as adapters give them: files of one machine, or memory."""

from pathlib import Path
from typing import NamedTuple

from volant.access.ports import TokenStore
from volant.data.ports import DatasetStore
from volant.evidence.ports import LabelStore, SegmentStore
from volant.gates.ports import GateStore
from volant.jobs.ports import LeaseStore
from volant.kernel.clock import Clock
from volant.kernel.events import EventStore
from volant.kernel.ids import Ids
from volant.kernel.objects import ObjectStore
from volant.kernel.transactions import Transactions
from volant.lineage.ports import LineageStore
from volant.loop.ports import ReplayStore
from volant.monitoring.alert_ports import AlertStore
from volant.monitoring.inspection_ports import InspectionStore
from volant.monitoring.ports import WindowStore
from volant.pipelines.ports import StepStore
from volant.registry.ports import ModelStore
from volant.tracking.ports import RunStore

DATABASE_FILE = "volant.db"
OBJECTS_FOLDER = "objects"


class Stores(NamedTuple):
    """One of each port."""

    tx: Transactions
    events: EventStore
    objects: ObjectStore
    datasets: DatasetStore
    runs: RunStore
    steps: StepStore
    gates: GateStore
    models: ModelStore
    labels: LabelStore
    segments: SegmentStore
    tokens: TokenStore
    leases: LeaseStore
    lineage: LineageStore
    replays: ReplayStore
    alerts: AlertStore
    windows: WindowStore
    inspections: InspectionStore


def sqlite_stores(folder: Path, clock: Clock, ids: Ids, *, lease_clock: Clock | None = None) -> Stores:
    """SQLite and object files below ``folder``, which is made if it is not there. Leases go by ``clock`` if by no other."""
    from volant.adapters.db.sqlite import access, alerts, evidence, inspections, results, runs, versions, windows
    from volant.adapters.db.sqlite.database import SqliteDatabase
    from volant.adapters.db.sqlite.events import SqliteEvents
    from volant.adapters.objects.local import LocalObjects

    database = SqliteDatabase(folder / DATABASE_FILE, clock, ids)
    return Stores(
        tx=database,
        events=SqliteEvents(database),
        objects=LocalObjects(folder / OBJECTS_FOLDER),
        datasets=versions.SqliteDatasets(database),
        runs=runs.SqliteRuns(database),
        steps=results.SqliteSteps(database),
        gates=versions.SqliteGates(database),
        models=versions.SqliteModels(database),
        labels=evidence.SqliteLabels(database),
        segments=evidence.SqliteSegments(database),
        tokens=access.SqliteTokens(database),
        leases=access.SqliteLeases(database, lease_clock or clock),
        lineage=results.SqliteLineage(database),
        replays=results.SqliteReplays(database),
        alerts=alerts.SqliteAlerts(database),
        windows=windows.SqliteWindows(database),
        inspections=inspections.SqliteInspections(database),
    )


def memory_stores(clock: Clock, ids: Ids) -> Stores:
    """Everything in memory, gone with the process."""
    from volant.adapters.memory import access, alerts, evidence, inspections, results, runs, versions, windows
    from volant.adapters.memory.database import MemoryDatabase
    from volant.adapters.memory.events import MemoryEvents
    from volant.adapters.objects.memory import MemoryObjects

    database = MemoryDatabase(clock, ids)
    return Stores(
        tx=database,
        events=MemoryEvents(database),
        objects=MemoryObjects(),
        datasets=versions.MemoryDatasets(database),
        runs=runs.MemoryRuns(database),
        steps=results.MemorySteps(database),
        gates=versions.MemoryGates(database),
        models=versions.MemoryModels(database),
        labels=evidence.MemoryLabels(database),
        segments=evidence.MemorySegments(database),
        tokens=access.MemoryTokens(database),
        leases=access.MemoryLeases(database),
        lineage=results.MemoryLineage(database),
        replays=results.MemoryReplays(database),
        alerts=alerts.MemoryAlerts(database),
        windows=windows.MemoryWindows(database),
        inspections=inspections.MemoryInspections(database),
    )
