"""What a version's own rows looked like: the inputs that it learned from, and the answers that its gate kept."""

import io
from typing import TYPE_CHECKING

from volant.gates.rules import CANDIDATE
from volant.monitoring.drift_model import PREDICTION, SCORE, DriftReference
from volant.registry.model import ModelVersion
from volant.wiring.project import Project
from volant.wiring.verbs.opened import datasets_of

if TYPE_CHECKING:
    import polars as pl


def reference_of_version(project: Project, number: int) -> DriftReference:
    """Made from the frozen data version and the gate's report; errors of the store where they are gone."""
    from volant.monitoring.drift_reference import reference_of

    version = project.registry.version(project.name, number)
    return reference_of({**learned_inputs(project, version), **_answers(project, version)}, model=project.name, version=number)


def learned_inputs(project: Project, version: ModelVersion) -> "dict[str, pl.Series]":
    """Raw columns of the rows it learned from, in order of time; not the time itself, nor keys that name a row."""
    import numpy as np

    from volant.loop.table import table_of
    from volant.models.runner import read_manifest
    from volant.monitoring.drift_reference import compared

    dataset = project.datasets.get(version.dataset, version.dataset_version)
    table = table_of(datasets_of(project).frame(dataset), dataset, project.config)
    frame = table.frame
    if version.trained_rows_digest is not None:
        learned = np.frombuffer(project.objects.get(version.trained_rows_digest), dtype="<u8")
        frame = frame[np.flatnonzero(np.isin(table.fingerprints, learned))]
    names = [field.name for field in read_manifest(project.objects, version.package).signature.inputs]
    return compared(frame.select(name for name in names if name in frame.columns), project.config.data)


def _answers(project: Project, version: ModelVersion) -> "dict[str, pl.Series]":
    """What it answered on its own holdout, in order of time; and the probability of the second of two classes."""
    import polars as pl

    report = project.registry.report(version)
    if report is None:
        return {}
    table = pl.read_parquet(io.BytesIO(project.objects.get(report.predictions)))
    if CANDIDATE not in table.columns:
        return {}
    table = table.sort("time")
    scores = [name for name in table.columns if name.startswith(f"{CANDIDATE}.p(")]
    found = {PREDICTION: table[CANDIDATE]}
    return {**found, SCORE: table[scores[1]]} if len(scores) == 2 else found
