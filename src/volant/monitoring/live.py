"""Keeping what is known of the champion's realised performance, revised as labels arrive."""

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from volant.evidence.model import Label
from volant.evidence.ports import LabelStore
from volant.evidence.predictions import Predictions
from volant.gates.model import GateReport
from volant.kernel.codec import canonical, decode, plain
from volant.kernel.digests import digest_value
from volant.kernel.objects import ObjectStore
from volant.monitoring.estimate_model import LossEstimator
from volant.monitoring.model import FILLING, NEVER_LABELLED, LiveReport, WindowBasis
from volant.monitoring.performance import CHAMPION_ARM, Question, Watched, watched
from volant.monitoring.ports import WindowStore
from volant.monitoring.reference import full_reference
from volant.stats.names import metric_named

if TYPE_CHECKING:
    import polars as pl

ONE_BY_ONE = 3  # a label that is looked up by its subject costs as much as so many that are read in a row


@dataclass(frozen=True)
class Serving:
    """Whose answers are looked at: a champion in its epoch, with the gate report in which it was the candidate."""

    model: str
    epoch: int
    version: int | None
    report: GateReport | None


def is_settled(report: LiveReport) -> bool:
    """Whether no window of it waits for anything; a corrected label may still revise it."""
    return all(window.waits in {None, NEVER_LABELLED} for window in report.windows)


@dataclass(frozen=True)
class Basis:
    """What a report is computed from. Labels may be recorded before they count as known, so both are part of it."""

    labels: int
    labels_known: int  # LabelStore.known_until
    lines: int


class Performance:
    """Computes and keeps the realised performance of champions."""

    def __init__(self, predictions: Predictions, labels: LabelStore, store: WindowStore, objects: ObjectStore) -> None:
        self._predictions = predictions
        self._labels = labels
        self._store = store
        self._objects = objects

    def revise(self, serving: Serving, question: Question, now: int) -> LiveReport:
        """The windows of this champion as known at ``now``: computed anew where a label or a line of the log is new, because
        any label may correct an old one.
        """
        covered = self._store.covered(serving.model)
        basis = Basis(
            labels=self._labels.revision(serving.model),
            labels_known=self._labels.known_until(serving.model, now) or 0,
            lines=covered.revision,
        )
        known = self._store.live(serving.model, serving.epoch)
        if known is not None and _still_holds(known, serving, question, basis):
            return known
        extents = self._store.extents(serving.model, serving.epoch, CHAMPION_ARM)
        started = min((extent.from_us for extent in extents), default=now)
        position = self._predictions.position_since(serving.model, covered.lines, started)
        lines = self._predictions.table(serving.model, since=started, upto=position)
        labels = _labels_of(self._labels, serving, lines, now, basis.labels)
        found = watched(lines, labels, question, epoch=serving.epoch, estimator=estimator_of(question, self._objects))
        report = LiveReport(
            model=serving.model,
            epoch=serving.epoch,
            version=serving.version,
            metric=question.metric,
            lower_is_better=metric_named(question.metric).lower_is_better,
            recorded_at=now,
            **asdict(basis),
            asked=_asked(question),
            position=position,
            question=decode(canonical(vars(question)), dict[str, Any]),
            reference=None if serving.report is None else full_reference(serving.report, self._objects, question.metric),
            windows=found.windows,
            slices=found.slices,
        )
        self._store.keep_live(report)
        return report


def _labels_of(labels: LabelStore, serving: Serving, lines: "pl.DataFrame", now: int, revision: int) -> tuple[Label, ...]:
    """At least the labels of the epoch's lines. One by one where they are few, so that a long history costs nothing."""
    own, model = lines.filter(lines["epoch"] == serving.epoch), serving.model
    if 2 * ONE_BY_ONE * own.height > revision:
        return labels.current(model, now, revision=revision)
    return labels.current_of(model, own["prediction_id"].to_list(), own["key"].drop_nulls().to_list(), now, revision=revision)


def estimator_of(question: Question, objects: ObjectStore | None) -> LossEstimator | None:
    """What the question's estimates come from; None where it asks for none."""
    if question.estimator is None or objects is None:
        return None
    return decode(objects.get(question.estimator), LossEstimator)


def recomputed(predictions: Predictions, labels: LabelStore, basis: WindowBasis, objects: ObjectStore | None = None) -> Watched:
    """The windows once more, from the log and the labels themselves: as they were then, whatever came since.

    With estimates where ``objects`` are given, from what they were made with.
    """
    question = msgspec.convert(basis.question, Question)
    return watched(
        predictions.table(basis.model, upto=basis.position),
        labels.current(basis.model, basis.known_by, revision=basis.labels),
        question,
        epoch=basis.epoch,
        estimator=estimator_of(question, objects),
    )


def computed_at(predictions: Predictions, labels: LabelStore, basis: WindowBasis, now: int, objects: ObjectStore | None = None) -> Watched:
    """What the same question would have shown at the instant ``now``: predictions made and labels recorded and known by then."""
    question = replace(msgspec.convert(basis.question, Question), known_by=now)
    return watched(
        predictions.table(basis.model, until=now + 1),
        labels.current(basis.model, now, revision=labels.revision(basis.model, recorded_by=now)),
        question,
        epoch=basis.epoch,
        estimator=estimator_of(question, objects),
    )


def _still_holds(known: LiveReport, serving: Serving, question: Question, basis: Basis) -> bool:
    """Whether nothing was added since, and no window waits for an instant to pass or for its last row."""
    same = Basis(known.labels, known.labels_known, known.lines) == basis
    same = same and (known.version, known.asked) == (serving.version, _asked(question))
    return same and all(window.waits in {None, FILLING, NEVER_LABELLED} for window in known.windows)


def _asked(question: Question) -> str:
    """Names the settings of a question, whenever it is asked."""
    settings = {name: plain(value) for name, value in vars(question).items() if name != "known_by"}
    return digest_value(settings)
