"""What a champion's performance is estimated with while labels are out: fitted once, on the rows that its gate judged it on."""

import io
from typing import TYPE_CHECKING

import numpy as np

from volant.kernel.codec import canonical
from volant.kernel.errors import VolantError
from volant.monitoring.drift_model import DriftReference
from volant.registry.model import ModelVersion
from volant.wiring.project import Project
from volant.wiring.verbs.opened import datasets_of

if TYPE_CHECKING:
    import polars as pl

    from volant.gates.model import GateReport
    from volant.loop.table import Table
    from volant.monitoring.estimator_fitting import HeldOut


def estimator_for(project: Project, version: ModelVersion, epoch: int, reference: DriftReference | None) -> str | None:
    """The object's digest: as this epoch's report names it, or fitted now. None where its rows are gone or too few."""
    known = project.windows.live(project.name, epoch)
    if known is not None and known.version == version.number and known.metric == project.config.metric and "estimator" in known.question:
        digest = known.question["estimator"]
        if digest is None or project.objects.has(digest):
            return None if digest is None else str(digest)
    try:
        return _fitted(project, version, reference)
    except VolantError:
        return None


def _fitted(project: Project, version: ModelVersion, reference: DriftReference | None) -> str | None:
    from volant.monitoring.estimator_fitting import fitted

    report = project.registry.report(version)
    if report is None:
        return None
    table, rows = learned_from(project, version)
    held, places = held_out(project, version, report, table)
    seen = _inputs(project, version, table, np.union1d(rows, places))
    skipped = set() if reference is None else {name for name, column in reference.columns.items() if column.left_out is not None}
    found = fitted(project.config.metric, project.config.task, held, {name: seen[name] for name in seen if name not in skipped})
    return None if found is None else project.objects.put(canonical(found))


def learned_from(project: Project, version: ModelVersion) -> "tuple[Table, np.ndarray]":
    """The data version, and positions of the rows that it learned from."""
    from volant.loop.table import table_of

    dataset = project.datasets.get(version.dataset, version.dataset_version)
    table = table_of(datasets_of(project).frame(dataset), dataset, project.config)
    if version.trained_rows_digest is None:
        return table, np.arange(len(table.names))
    learned = np.frombuffer(project.objects.get(version.trained_rows_digest), dtype="<u8")
    return table, np.flatnonzero(np.isin(table.fingerprints, learned))


def held_out(project: Project, version: ModelVersion, report: "GateReport", table: "Table") -> "tuple[HeldOut, np.ndarray]":
    """What its gate kept, with the inputs of the same rows where all of them are in the data version; and their positions."""
    import polars as pl

    from volant.monitoring.estimator_fitting import HeldOut
    from volant.monitoring.reference import answers_in, target_in

    kept = pl.read_parquet(io.BytesIO(project.objects.get(report.predictions)))
    place = {name: number for number, name in enumerate(table.names.tolist())}
    places = np.array([place.get(name, -1) for name in kept["row"].to_list()], dtype=np.int64)
    known = bool(len(places)) and bool((places >= 0).all())
    inputs = _inputs(project, version, table, places) if known else {}
    groups = table.groups(project.config)
    metric = project.config.metric
    return HeldOut(
        target=target_in(kept, metric),
        predicted=answers_in(kept, metric),
        times=kept["time"].to_numpy(),
        inputs=inputs,
        groups=groups[places] if known and groups is not None else None,
    ), places[places >= 0]


def _inputs(project: Project, version: ModelVersion, table: "Table", rows: np.ndarray) -> "dict[str, pl.Series]":
    """The raw inputs of these rows, named as in the log; not the time itself, nor keys that name a row."""
    from volant.models.runner import read_manifest
    from volant.monitoring.drift_reference import compared

    names = [field.name for field in read_manifest(project.objects, version.package).signature.inputs]
    return compared(table.frame.select(name for name in names if name in table.frame.columns)[rows], project.config.data)
