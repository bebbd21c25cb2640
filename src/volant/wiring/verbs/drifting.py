"""What a version's own rows looked like: the inputs that it learned from, and the answers that its gate kept."""

import io
from typing import TYPE_CHECKING

from volant.gates.rules import CANDIDATE
from volant.kernel.errors import VolantError
from volant.monitoring.drift_model import PREDICTION, SCORE, DriftReference
from volant.registry.model import ModelVersion
from volant.wiring.project import Project
from volant.wiring.verbs.opened import datasets_of

if TYPE_CHECKING:
    import polars as pl


def reference_of_version(project: Project, number: int) -> DriftReference:
    """Made from the frozen data version and the gate's report; errors of the store where they are gone."""
    from volant.monitoring.drift_reference import compared, reference_of

    version = project.registry.version(project.name, number)
    learned = _learned(project, version)
    inputs = compared(learned, project.config.data)
    importance = _importance(project, version, learned, list(inputs))
    return reference_of({**inputs, **_answers(project, version)}, model=project.name, version=number, importance=importance)


def learned_inputs(project: Project, version: ModelVersion) -> "dict[str, pl.Series]":
    """Raw columns of the rows it learned from, in order of time; not the time itself, nor keys that name a row."""
    from volant.monitoring.drift_reference import compared

    return compared(_learned(project, version), project.config.data)


def _importance(project: Project, version: ModelVersion, learned: "pl.DataFrame", names: list[str]) -> dict[str, float]:
    """Of inputs named as in the log. Empty where the model cannot be asked any more: what moved then counts as important."""
    from volant.evidence.tables import FEATURE_PREFIX
    from volant.models.runner import load_runner
    from volant.monitoring.importance import importances

    try:
        runner = load_runner(project.objects, version.package, project.scratch_folder)
        found = importances(runner.predict, learned, [name.removeprefix(FEATURE_PREFIX) for name in names])
    except VolantError:
        return {}
    return {FEATURE_PREFIX + name: share for name, share in found.items()}


def _learned(project: Project, version: ModelVersion) -> "pl.DataFrame":
    """Raw inputs of the rows it learned from, in order of time."""
    import numpy as np

    from volant.loop.table import table_of
    from volant.models.runner import read_manifest

    dataset = project.datasets.get(version.dataset, version.dataset_version)
    table = table_of(datasets_of(project).frame(dataset), dataset, project.config)
    frame = table.frame
    if version.trained_rows_digest is not None:
        learned = np.frombuffer(project.objects.get(version.trained_rows_digest), dtype="<u8")
        frame = frame[np.flatnonzero(np.isin(table.fingerprints, learned))]
    names = [field.name for field in read_manifest(project.objects, version.package).signature.inputs]
    return frame.select(name for name in names if name in frame.columns)


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
