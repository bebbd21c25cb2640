"""What anyone could answer without a model, as it would have been known at the time of each row.

*Last known value*: the label of the latest row whose label was known when the row happened, within the row's group. With
a label delay of 48 rows that is the label 48 rows ago, never the previous one.
*Mean, median, majority class, class shares*: of the training labels.
"""

import numpy as np

from volant.config.model import Task
from volant.gates.holdout import LabelHistory
from volant.stats.names import metric_named
from volant.stats.predicted import Predicted, classes_of, labels_equal, positions_of, usable_target

LAST_KNOWN = "last known value"


def baselines(
    metric: str, task: Task, history: LabelHistory, training: np.ndarray, *, times: np.ndarray, groups: np.ndarray | None = None
) -> dict[str, Predicted]:
    """Answers for rows at ``times`` (n,) by name of the baseline; empty where there is no training label.

    ``training`` holds positions in ``history`` of the rows the candidate could learn from. Rows for which no last
    value is known get the constant baseline's answer.
    """
    history, training = _usable(history, training)
    if len(training) == 0:
        return {}
    if task is Task.REGRESSION:
        return _regression(metric, history, training, times, groups)
    return _classification(metric, history, training, times, groups)


def _usable(history: LabelHistory, training: np.ndarray) -> tuple[LabelHistory, np.ndarray]:
    usable = usable_target(history.target)
    place = np.cumsum(usable) - 1
    return history.take(usable), place[training[usable[training]]]


def _regression(
    metric: str, history: LabelHistory, training: np.ndarray, times: np.ndarray, groups: np.ndarray | None
) -> dict[str, Predicted]:
    learned = np.asarray(history.target[training], dtype=np.float64)
    use_median = metric_named(metric).row_loss in {"mae", "mape"}
    constant = float(np.median(learned) if use_median else learned.mean())
    last = last_known(history, times, groups)
    values = np.where(last >= 0, np.asarray(history.target, dtype=np.float64)[last], constant)
    return {LAST_KNOWN: Predicted(values), "median" if use_median else "mean": Predicted(np.full(len(times), constant))}


def _classification(
    metric: str, history: LabelHistory, training: np.ndarray, times: np.ndarray, groups: np.ndarray | None
) -> dict[str, Predicted]:
    learned = history.target[training]
    classes = classes_of(learned)
    names = np.array(classes, dtype=history.target.dtype if history.target.dtype.kind != "O" else object)
    shares = np.bincount(positions_of(learned, classes), minlength=len(classes)) / len(learned)
    majority = Predicted(np.repeat(names[[shares.argmax()]], len(times)), np.tile(shares, (len(times), 1)), classes)
    last = last_known(history, times, groups)
    values = np.where(last >= 0, history.target[last], majority.values)
    scores = _after(history, training, classes, shares)[positions_of(values, classes)]
    constant = "class shares" if metric_named(metric).needs_scores else "majority class"
    return {LAST_KNOWN: Predicted(values, scores, classes), constant: majority}


def _after(history: LabelHistory, training: np.ndarray, classes: tuple[bool | int | float | str, ...], shares: np.ndarray) -> np.ndarray:
    """P(label | last known label), counted over the training rows, one pseudo-row of class shares added.

    Shape (k + 1, k); the last row (index -1) is for a label that training never saw: the class shares.
    """
    query = history.take(training)
    last = last_known(query, query.event_times, query.groups)
    found = last >= 0
    counts = np.tile(shares, (len(classes) + 1, 1))
    pairs = (positions_of(query.target[last[found]], classes), positions_of(query.target[found], classes))
    np.add.at(counts, pairs, 1.0)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def last_known(history: LabelHistory, times: np.ndarray, groups: np.ndarray | None = None) -> np.ndarray:
    """Position in ``history`` of the latest row known at each time, -1 where there is none. Shape (n,), int64.

    Known means ``known_at <= time`` and happened strictly before ``time``; of several known rows the one that happened
    last counts, so a label that arrives late for an old row does not displace a newer one.
    """
    result = np.full(len(times), -1, dtype=np.int64)
    if history.groups is None or groups is None:
        everything = np.arange(len(history.target))
        return _latest(history, everything, times, result)
    ours, theirs = history.groups.astype(str), groups.astype(str)
    members = _members(ours)
    for name, rows in _members(theirs).items():
        if name in members:
            result[rows] = _latest(history, members[name], times[rows], result[rows])
    return result


def _members(names: np.ndarray) -> dict[str, np.ndarray]:
    order = np.argsort(names, kind="stable")
    distinct, starts = np.unique(names[order], return_index=True)
    return dict(zip(distinct.tolist(), np.split(order, starts[1:]), strict=True)) if len(order) else {}


def _latest(history: LabelHistory, members: np.ndarray, times: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    if len(members) == 0:
        return unknown
    happened = history.event_times[members]
    usable_from = np.maximum(history.known_at[members], happened + 1)
    order = np.lexsort((members, happened, usable_from))
    by_happening = np.argsort(np.lexsort((members, happened)), kind="stable")
    newest = np.maximum.accumulate(by_happening[order])
    members_by_happening = members[np.lexsort((members, happened))]
    place = np.searchsorted(usable_from[order], times, side="right") - 1
    return np.where(place >= 0, members_by_happening[newest[np.maximum(place, 0)]], unknown)


def agreement(history: LabelHistory) -> float | None:
    """Share of rows whose own label equals the last known one; None where no row has a last known label."""
    last = last_known(history, history.event_times, history.groups)
    found = last >= 0
    return float(labels_equal(history.target[found], history.target[last[found]]).mean()) if found.any() else None
