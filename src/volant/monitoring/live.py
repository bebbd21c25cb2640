"""Keeping what is known of the champion's realised performance, revised as labels arrive."""

from dataclasses import dataclass

from volant.evidence.ports import LabelStore
from volant.evidence.predictions import Predictions
from volant.gates.model import GateReport
from volant.kernel.objects import ObjectStore
from volant.monitoring.model import LiveReport
from volant.monitoring.performance import Question, watched_windows
from volant.monitoring.ports import WindowStore
from volant.monitoring.reference import full_reference
from volant.stats.names import metric_named


@dataclass(frozen=True)
class Serving:
    """Whose answers are looked at: a champion in its epoch, with the gate report in which it was the candidate."""

    model: str
    epoch: int
    version: int | None
    report: GateReport | None


class Performance:
    """Computes and keeps the realised performance of champions."""

    def __init__(self, predictions: Predictions, labels: LabelStore, store: WindowStore, objects: ObjectStore) -> None:
        self._predictions = predictions
        self._labels = labels
        self._store = store
        self._objects = objects

    def revise(self, serving: Serving, question: Question, now: int) -> LiveReport:
        """The windows of this champion as known at ``now``. Computed anew, because any label may be new or corrected."""
        labels, lines = self._labels.revision(serving.model), self._store.covered(serving.model).revision
        windows = watched_windows(
            self._predictions.table(serving.model), self._labels.current(serving.model, now), question, epoch=serving.epoch
        )
        report = LiveReport(
            model=serving.model,
            epoch=serving.epoch,
            version=serving.version,
            metric=question.metric,
            lower_is_better=metric_named(question.metric).lower_is_better,
            recorded_at=now,
            labels=labels,
            lines=lines,
            reference=None if serving.report is None else full_reference(serving.report, self._objects, question.metric),
            windows=windows,
        )
        self._store.keep_live(report)
        return report
