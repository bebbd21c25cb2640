"""The data of a cycle: the source's present bytes, and what was served and labelled since, frozen as one version."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from volant.config.model import ProjectConfig, TrainFrom
from volant.data.model import DatasetVersion
from volant.data.service import Datasets
from volant.evidence.ports import LabelStore
from volant.evidence.predictions import Predictions
from volant.kernel.clock import Clock

if TYPE_CHECKING:
    from volant.data.report import ValidationReport

Progress = Callable[[str, float | None], None]


class Frozen:
    """A dataset version with the source version it is based on and the contract's report on the source."""

    def __init__(self, version: DatasetVersion, source: DatasetVersion, report: "ValidationReport | None") -> None:
        self.version = version
        self.source = source
        self.report = report


def freeze(
    datasets: Datasets,
    predictions: Predictions,
    labels: LabelStore,
    clock: Clock,
    *,
    config: ProjectConfig,
    root: Path,
    progress: Progress,
) -> Frozen:
    """Freeze what there is to learn from now.

    Raises as ``Datasets.ingest`` for a source that cannot be used and ``CheckFailedError`` for one that breaks its
    contract; the version and its report are kept as evidence.
    """
    from volant.data.report import stop_if_blocked

    progress("reading the data", None)
    source = datasets.ingest(config, root)
    report = datasets.report(source, config, root)
    if report is not None:
        stop_if_blocked(report)
    joined = _with_log(datasets, predictions, labels, clock, config=config, source=source, progress=progress)
    return Frozen(joined or source, source, report)


def _with_log(
    datasets: Datasets,
    predictions: Predictions,
    labels: LabelStore,
    clock: Clock,
    *,
    config: ProjectConfig,
    source: DatasetVersion,
    progress: Progress,
) -> DatasetVersion | None:
    """The source joined with logged rows whose labels are known; None if there are none, or they are not wanted."""
    now = clock.now()
    if config.train.from_ is not TrainFrom.LOG or labels.count(config.project, known_by=now) == 0:
        return None
    from volant.data.from_log import training_frame

    progress("joining the log with its labels", None)
    lines = predictions.table(config.project)
    base = datasets.frame(source)
    made = training_frame(base, source, lines, labels.current(config.project, now), config, now)
    if made is None:
        return None
    frame, notes = made
    return datasets.add_frame(frame, dataset=config.project, base=source, label_cutoff_at=now, notes=notes)
