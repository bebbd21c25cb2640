"""Realised performance: what the champion answered against what turned out to be true, window by window.

A window becomes evidence when it is full and its labels had time to arrive: the label delay has passed since its last
row, or as large a share of it is labelled as of the windows before that are complete. Before that, those labels that
come early would stand for all, and what is known early is seldom like the rest. Windows are computed anew from all
labels each time, so late and corrected labels revise them.
"""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import polars as pl

from volant.config.model import Amount, Task
from volant.evidence.labels import label_value
from volant.evidence.model import Label, Outcome
from volant.evidence.pairing import KNOWN_AT, LABEL, paired
from volant.evidence.tables import FEATURE_PREFIX
from volant.kernel.clock import iso
from volant.monitoring.bounds import in_metric
from volant.monitoring.estimate_model import LossEstimator
from volant.monitoring.estimating import estimate_of, expected_losses, with_gap
from volant.monitoring.model import FILLING, NEVER_LABELLED, SlicePerformance, WindowEvidence, WindowPerformance
from volant.monitoring.reference import reference_of
from volant.monitoring.slice_cutting import cut_by, sliced_by
from volant.monitoring.windows import UNIT, WINDOW, cut
from volant.stats.blocks import mean_of_dependent
from volant.stats.metrics import row_losses
from volant.stats.names import metric_named
from volant.stats.predicted import Predicted

__all__ = ["Question", "Watched", "live_windows", "reference_of", "watched", "watched_windows"]

CHAMPION_ARM = "champion"
_COMPARED = 5
_ID = "prediction_id"
_NEEDED = (_ID, "at", "event_time", "key", "outcome", "prediction", "scores")


@dataclass(frozen=True)
class Question:
    """What is asked of the log. ``classes`` are those of the model's scores; metrics over probabilities need them.

    ``known_by`` and ``label_delay_us`` (microseconds) say which windows' labels had time to arrive. ``ended``: another model
    answers now, so the last window will get no further rows.
    """

    metric: str
    task: Task
    size: Amount
    target_dtype: str | None = None
    classes: tuple[bool | int | float | str, ...] = ()
    group: str | None = None
    known_by: int | None = None
    label_delay_us: int = 0
    ended: bool = False
    slices: tuple[str, ...] = ()
    estimator: str | None = None  # object: LossEstimator of the champion


@dataclass(frozen=True)
class Watched:
    """What the log and the labels show of one epoch and arm."""

    windows: tuple[WindowPerformance, ...] = ()
    slices: tuple[SlicePerformance, ...] = ()


def live_windows(
    lines: pl.DataFrame,
    labels: Sequence[Label],
    *,
    metric: str,
    task: Task,
    target_dtype: str | None,
    epoch: int,
    window_rows: int | None = None,
    window_us: int | None = None,
    classes: Sequence[bool | int | float | str] = (),
    group: str | None = None,
    known_by: int | None = None,
    label_delay_us: int = 0,
) -> tuple[WindowEvidence, ...]:
    """Windows of the champion of ``epoch`` that decisions may rest on, oldest first.

    ``lines`` as ``evidence.predictions`` gives them, ``labels`` as ``LabelStore.current``. Without ``known_by`` only the
    share of labels says whether a window is complete.
    """
    question = Question(
        metric=metric,
        task=task,
        size=Amount(rows=window_rows, duration_us=window_us),
        target_dtype=target_dtype,
        classes=tuple(classes),
        group=group,
        known_by=known_by,
        label_delay_us=label_delay_us,
    )
    return tuple(window.evidence() for window in watched_windows(lines, labels, question, epoch=epoch) if window.ready)


def watched_windows(
    lines: pl.DataFrame, labels: Sequence[Label], question: Question, *, epoch: int, arm: str = CHAMPION_ARM
) -> tuple[WindowPerformance, ...]:
    """All windows of one epoch and arm, those that are still filling or waiting for labels included."""
    return watched(lines, labels, question, epoch=epoch, arm=arm).windows


def watched(
    lines: pl.DataFrame,
    labels: Sequence[Label],
    question: Question,
    *,
    epoch: int,
    arm: str = CHAMPION_ARM,
    estimator: LossEstimator | None = None,
) -> Watched:
    """The same with the slices of the complete windows, and what ``estimator`` expects of each window without its labels."""
    named = (question.group, *sliced_by(question.slices, lines), *metric_named(question.metric).columns)
    wanted = {f"{FEATURE_PREFIX}{name}" for name in named} | (estimator.columns if estimator else set())
    features = wanted & set(lines.columns)
    own = lines.lazy().filter((pl.col("epoch") == epoch) & (pl.col("arm") == arm)).select(*_NEEDED, *sorted(features)).collect()
    if own.height == 0:
        return Watched()
    windows = cut(own, question.size)
    full = _last_is_full(windows, question)
    counted = with_labels(once_each(windows), labels, question.target_dtype)
    numbers = counted[WINDOW].unique().sort().to_list()
    parts = counted.partition_by(WINDOW, as_dict=True, maintain_order=True)
    measured = [_estimated(measure(parts[number,], question, number=number), parts[number,], question, estimator) for number in numbers]
    judged = _judged(measured, question, patience=_patience(counted, question), last_is_full=full)
    complete = counted.filter(pl.col(WINDOW).is_in([window.number for window in judged if window.ready]))
    return Watched(judged, tuple(_slices(complete, question)))


def _slices(lines: pl.DataFrame, question: Question) -> Iterator[SlicePerformance]:
    """By column in the order asked for, the largest slice first."""
    for column in question.slices if lines.height else ():
        for value, rows in cut_by(lines, column).items():
            found = measure(lines[rows], question, number=0)
            yield SlicePerformance(
                column=column, of=value, rows=found.rows, labelled=found.labelled, value=found.value, low=found.low, high=found.high
            )


def once_each(lines: pl.DataFrame) -> pl.DataFrame:
    """Answered rows, of those with one key only the first: traffic that is repeated is no new evidence."""
    answered = lines.filter(pl.col("outcome") == Outcome.OK.value)
    return answered.filter(pl.col("key").is_null() | pl.col("key").is_first_distinct())


def with_labels(lines: pl.DataFrame, labels: Sequence[Label], target_dtype: str | None) -> pl.DataFrame:
    """The lines in their order with ``_label`` and ``_known_at``, null where nothing is known."""
    usable = [label for label in labels if _fits(label, target_dtype)]
    found = paired(lines.select(_ID, "key"), usable).select(_ID, LABEL, KNOWN_AT)
    return lines.join(found, on=_ID, how="left", maintain_order="left")


def _fits(label: Label, target_dtype: str | None) -> bool:
    """Labels are brought to the target's type when they come in, but the target's type may have changed since."""
    try:
        return label_value(label.value, target_dtype) == label.value
    except ValueError:
        return False


def measure(lines: pl.DataFrame, question: Question, *, number: int) -> WindowPerformance:
    """One window's performance from its lines (as :func:`with_labels` gives them), not yet judged."""
    first, last = lines["at"].min(), lines["at"].max()
    assert isinstance(first, int)
    assert isinstance(last, int)
    unlabelled = WindowPerformance(number=number, from_us=first, to_us=last, rows=lines.height, labelled=0, **_happened(lines))
    known = lines.filter(pl.col(LABEL).is_not_null())
    if known.height == 0:
        return unlabelled
    target, predicted = values_of(known[LABEL], question.task), answers_of(known, question)
    losses = row_losses(metric_named(question.metric).row_loss, target, predicted)
    labelled_rows = int(losses.valid.sum())
    if labelled_rows == 0:
        return unlabelled
    groups = _groups(known, question.group)
    estimate = mean_of_dependent(
        losses.values[losses.valid], known[UNIT].to_numpy()[losses.valid], None if groups is None else groups[losses.valid]
    )
    value, low, high = in_metric(question.metric, target, predicted, estimate)
    return msgspec.structs.replace(
        unlabelled,
        labelled=labelled_rows,
        loss=estimate.mean,
        loss_variance=estimate.variance if estimate.known else None,
        df=estimate.df if estimate.known else None,
        value=value,
        low=low,
        high=high,
        label_delay_us=_median_delay(known),
    )


def _estimated(window: WindowPerformance, lines: pl.DataFrame, question: Question, estimator: LossEstimator | None) -> WindowPerformance:
    """The same with what was to be expected of its rows, and how far those with a label are from it."""
    if estimator is None:
        return window
    answers = answers_of(lines, question)
    inputs = {name: lines[name] for name in estimator.columns if name in lines.columns}
    expected, units = expected_losses(estimator, answers, question.task, inputs), lines[UNIT].to_numpy()
    found = estimate_of(estimator, question.metric, expected, units, inputs)
    if found is not None and window.labelled:
        losses = row_losses(estimator.loss, values_of(lines[LABEL], question.task), answers)
        groups, known = _groups(lines, question.group), losses.valid
        own = None if groups is None else groups[known]
        found = with_gap(found, estimator.noise, losses.values[known], expected[known], units=units[known], groups=own)
    return msgspec.structs.replace(window, estimate=found)


def _happened(lines: pl.DataFrame) -> dict[str, Any]:
    """From when to when the rows happened, where that is known."""
    return {"event_from_us": lines["event_time"].min(), "event_to_us": lines["event_time"].max()}


def answers_of(lines: pl.DataFrame, question: Question) -> Predicted:
    """The lines' predictions and, where the metric may need them, scores."""
    values = values_of(lines["prediction"], question.task)
    columns = columns_of(lines, question.metric)
    if not question.classes:
        return Predicted(values, columns=columns)
    width = len(question.classes)
    rows = [row if row is not None and len(row) == width else [math.nan] * width for row in lines["scores"].to_list()]
    return Predicted(values, np.array(rows, dtype=np.float64).reshape(len(rows), width), question.classes, columns)


def columns_of(lines: pl.DataFrame, metric: str) -> dict[str, np.ndarray]:
    """What a business metric reads of the lines' inputs; missing in every line where the log holds no such column."""
    return {name: _cells(lines, name) for name in metric_named(metric).columns}


def _cells(lines: pl.DataFrame, name: str) -> np.ndarray:
    column = f"{FEATURE_PREFIX}{name}"
    return lines[column].to_numpy() if column in lines.columns else np.full(lines.height, np.nan)


def values_of(column: pl.Series, task: Task) -> np.ndarray:
    """A column of labels or answers as metrics take it."""
    if task is Task.REGRESSION:
        return column.cast(pl.Float64, strict=False).fill_null(math.nan).to_numpy()
    values = np.empty(len(column), dtype=object)
    values[:] = column.to_list()
    return values


def _groups(lines: pl.DataFrame, group: str | None) -> np.ndarray | None:
    name = f"f:{group}"
    return lines[name].cast(pl.String, strict=False).fill_null("").to_numpy() if group and name in lines.columns else None


def _median_delay(lines: pl.DataFrame) -> int | None:
    delay = (lines[KNOWN_AT] - lines["at"]).median()
    return None if delay is None else max(round(float(delay)), 0)  # type: ignore[arg-type]


def _last_is_full(own: pl.DataFrame, question: Question) -> bool:
    """Whether the last window of ``own`` (as :func:`cut` gives it) will get no further rows."""
    if question.ended:
        return True
    size = question.size
    last = own.filter(pl.col(WINDOW) == own[WINDOW].max())
    if size.rows is not None:
        return last.height >= size.rows
    assert size.duration_us is not None
    return question.known_by is not None and question.known_by // size.duration_us > last["at"][0] // size.duration_us


def _patience(counted: pl.DataFrame, question: Question) -> int:
    """How long labels may take: as declared, or as 95 % of those that came have taken, whichever is longer."""
    taken = (counted[KNOWN_AT] - counted["at"]).quantile(0.95)
    return max(question.label_delay_us, 0 if taken is None else round(taken))


def _judged(windows: list[WindowPerformance], question: Question, *, patience: int, last_is_full: bool) -> tuple[WindowPerformance, ...]:
    """The windows, oldest first, each with what it still waits for."""
    judged: list[WindowPerformance] = []
    shares: list[float] = []
    for window in windows:
        if window is windows[-1] and not last_is_full:
            waits: str | None = FILLING
        else:
            waits = _waits_for(window, shares[-_COMPARED:], question, patience)
        if waits is None:
            shares.append(window.coverage)
        judged.append(msgspec.structs.replace(window, waits=waits))
    return tuple(judged)


def _waits_for(window: WindowPerformance, earlier: list[float], question: Question, patience: int) -> str | None:
    due = window.to_us + patience
    over = question.known_by is not None and question.known_by >= due
    usual = statistics.median(earlier) if earlier else 1.0
    if window.labelled == 0:
        return NEVER_LABELLED if over else f"waits for labels, due by {iso(due)[:16]}Z"
    if over or window.coverage >= usual:
        return None
    return f"waits for labels: {window.coverage:.0%} of the usual {usual:.0%}, due by {iso(due)[:16]}Z"
