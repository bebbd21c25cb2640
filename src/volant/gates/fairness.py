"""Do all groups fare alike? A metric or a rate of each group against all other rows, with Holm's correction over the groups.

Every value of a column is a group. With two groups there is one comparison, of the smaller with the larger. A group breaks a limit
when that is sure at Holm's level over all groups of the line, keeps it when the bounds lie within, and is otherwise "not enough
evidence": the candidate waits for that where the group's own figures break the limit, and not because a group is small.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from volant.config.model import Rate
from volant.gates.comparing import Question
from volant.gates.model import CheckResult, Verdict
from volant.gates.slicing import OTHERS, slices_of
from volant.gates.wording import counted, labels_text, number, percent
from volant.stats.contrasts import Contrast, Influence, TwoGroups, influence_of, of_mean
from volant.stats.holm import holm
from volant.stats.metrics import invalid_rows, row_losses
from volant.stats.names import metric_named
from volant.stats.paired import Interval
from volant.stats.predicted import Predicted, usable_target
from volant.stats.sizes import rows_needed

FEWEST_ROWS = 20
_MOST_GROUPS = 1000
_ALL_OTHERS = "all others"


@dataclass(frozen=True)
class _Group:
    column: str
    value: str
    other: str
    rows: int  # of the group that count
    compared: TwoGroups | None
    why: str = ""


def check_fairness(question: Question, candidate: Predicted) -> list[CheckResult]:
    """One result per group, in the order of the columns and by size within each."""
    check, holdout = question.check, question.holdout
    unusable = _unusable(question, candidate)
    if unusable:
        body = f"the candidate gave {counted(unusable, 'answer')} that cannot be used"
        return [_statement(question, f"{_what(question)} by {', '.join(check.columns)}", Verdict.FAIL, body)]
    asked = _asked(question, candidate)
    if isinstance(asked, str):
        return [_statement(question, f"{_what(question)} by {', '.join(check.columns)}", Verdict.FAIL, asked)]
    results, groups = [], []
    for column in check.columns:
        if column not in holdout.slices:
            results.append(_no_column(question, column))
        elif _is_many(holdout.slices[column]):
            results.append(_too_many(question, column))
        else:
            groups += list(_groups(asked, column))
    if not results and not groups:
        return [_statement(question, f"{_what(question)} by {', '.join(check.columns)}", Verdict.NOT_ENOUGH, "no labelled rows")]
    adjusted = holm([_p_value(question, group) for group in groups])
    return results + [_result(question, group, p_value) for group, p_value in zip(groups, adjusted, strict=True)]


@dataclass(frozen=True)
class _Asked:
    """What is compared: a row's own numbers (n,), or None for a metric; and which rows count."""

    question: Question
    candidate: Predicted
    rows: np.ndarray | None
    counts: np.ndarray


def _what(question: Question) -> str:
    rate = question.check.rate
    if rate is None:
        return question.label
    return {Rate.SELECTION: "selection rate", Rate.TPR: "true positive rate", Rate.FPR: "false positive rate"}[rate]


def _unusable(question: Question, candidate: Predicted) -> int:
    labelled = usable_target(question.holdout.target)
    bad = invalid_rows(question.metric, candidate) if question.check.rate is None else ~usable_target(candidate.values)
    return int((labelled & bad).sum())


def _asked(question: Question, candidate: Predicted) -> _Asked | str:
    check, target = question.check, question.holdout.target
    labelled = usable_target(target)
    if check.rate is None:
        additive = metric_named(question.metric).additive
        return _Asked(question, candidate, None, labelled & row_losses(question.metric, target, candidate).valid if additive else labelled)
    labels = {label_text(value): value for value in (*target[labelled].tolist(), *candidate.values.tolist(), *candidate.classes)}
    positive = check.positive if check.positive is not None else _second(candidate, labels)
    if positive is None or positive not in labels:
        known = ", ".join(sorted(labels)[:10])
        return f"there is no label {positive!r}; these rows have {known}" if positive else "which label is the positive one is not said"
    selected = np.array([label_text(value) == positive for value in candidate.values.tolist()], dtype=np.float64)
    is_positive = np.array([label_text(value) == positive for value in target.tolist()], dtype=bool)
    counts = {Rate.SELECTION: labelled, Rate.TPR: labelled & is_positive, Rate.FPR: labelled & ~is_positive}[check.rate]
    return _Asked(question, candidate, selected, counts)


def _second(candidate: Predicted, labels: dict[str, object]) -> str | None:
    if len(candidate.classes) == 2:
        return label_text(candidate.classes[1])
    return sorted(labels)[1] if len(labels) == 2 else None


def label_text(value: object) -> str:
    """A label as settings write it: ``true``, ``1``, ``yes``."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _is_many(values: np.ndarray) -> bool:
    """Whether a column names rows rather than groups of them; numbers are cut at their quartiles and are never too many."""
    if values.dtype.kind in "iufb":
        return False
    return len(set(values.tolist())) > _MOST_GROUPS


def _groups(asked: _Asked, column: str) -> Iterator[_Group]:
    question = asked.question
    found = slices_of(question.holdout.slices[column]) if len(question.holdout) else {}
    names = list(found)
    if len(names) == 2:
        yield _group(asked, column, names[1], names[0], found[names[1]])
        return
    for name in names:
        if name == OTHERS:
            continue
        yield _group(asked, column, name, _ALL_OTHERS, found[name])


def _group(asked: _Asked, column: str, name: str, other: str, rows: np.ndarray) -> _Group:
    question = asked.question
    inside = np.zeros(len(question.holdout), dtype=bool)
    inside[rows] = True
    kept = np.flatnonzero(asked.counts)
    mine, theirs = np.flatnonzero(asked.counts & inside), np.flatnonzero(asked.counts & ~inside)
    if len(mine) < FEWEST_ROWS or len(theirs) < FEWEST_ROWS:
        few, whose = (len(mine), "in this group") if len(mine) <= len(theirs) else (len(theirs), "beside this group")
        return _Group(column, name, other, len(mine), None, f"{counted(few, 'row')} {whose} count, and less than {FEWEST_ROWS} say nothing")
    first, second = (_influence(asked, part) for part in (mine, theirs))
    if first is None or second is None:
        return _Group(column, name, other, len(mine), None, f"{_what(question)} is not defined on them")
    holdout = question.holdout
    groups = None if holdout.groups is None else holdout.groups[kept]
    return _Group(column, name, other, len(mine), TwoGroups(inside[kept], first, second, holdout.times[kept], groups))


def _influence(asked: _Asked, rows: np.ndarray) -> Influence | None:
    if asked.rows is not None:
        return of_mean(asked.rows[rows], share=True)
    return influence_of(asked.question.metric, asked.question.holdout.target[rows], asked.candidate.take(rows))


def _p_value(question: Question, group: _Group) -> float:
    check, compared = question.check, group.compared
    if compared is None:
        return 1.0
    found = []
    if check.max_difference is not None:
        found.append(compared.difference_p_value(check.max_difference))
    if check.min_ratio is not None and _has_ratio(compared):
        found.append(compared.ratio_p_value(check.min_ratio))
    return min(1.0, min(found, default=1.0) * len(found))


def _has_ratio(compared: TwoGroups) -> bool:
    return compared.first.value >= 0 and compared.second.value >= 0


def _verdict(question: Question, group: _Group, p_value: float) -> Verdict:
    check, compared = question.check, group.compared
    if compared is None:
        return Verdict.NOT_ENOUGH
    if p_value < 1 - check.confidence:
        return Verdict.FAIL
    kept = all(_upper(side, check.confidence) <= limit for side, limit in _sides(question, compared))
    return Verdict.PASS if kept else Verdict.NOT_ENOUGH


def _sides(question: Question, compared: TwoGroups) -> Iterator[tuple[Contrast, float]]:
    """Contrasts that keep the limits where each is at most its number."""
    check = question.check
    if check.max_difference is not None:
        yield compared.difference(), check.max_difference
        yield compared.contrast(-1.0, 1.0), check.max_difference
    if check.min_ratio is not None and _has_ratio(compared):
        yield compared.shortfall(check.min_ratio), 0.0
        yield compared.excess(check.min_ratio), 0.0


def _upper(side: Contrast, confidence: float) -> float:
    found = side.within(confidence)
    return np.inf if found is None or found.high is None else found.high


def _needed(question: Question, group: _Group) -> int | None:
    """Further labels, of all groups in their present shares, after which the undecided limits will probably be decided."""
    if group.compared is None:
        return max(FEWEST_ROWS - group.rows, 1)
    rows, confidence = len(group.compared.inside), question.check.confidence
    wanted = []
    for side, limit in _sides(question, group.compared):
        if _upper(side, confidence) > limit:
            wanted.append(rows_needed(side.error**2 * rows, abs(side.value - limit), confidence))
    known = [count for count in wanted if count is not None]
    return max(max(known) - rows, 1) if known and len(known) == len(wanted) else None


def _breaks(question: Question, group: _Group) -> bool:
    """Whether the group's figures, taken as they are, break a limit."""
    return group.compared is not None and any(side.value > limit for side, limit in _sides(question, group.compared))


def _limits(question: Question) -> str:
    check = question.check
    said = [] if check.max_difference is None else [f"{number(check.max_difference)} apart"]
    said += [] if check.min_ratio is None else [f"a ratio of {percent(check.min_ratio)}"]
    return f"{' and '.join(said)} allowed"


def _result(question: Question, group: _Group, p_value: float) -> CheckResult:
    check, compared = question.check, group.compared
    verdict, name = _verdict(question, group, p_value), f"{group.column} = {group.value}"
    needed = _needed(question, group) if verdict is Verdict.NOT_ENOUGH else None
    waits = verdict is Verdict.NOT_ENOUGH and _breaks(question, group)
    difference = ratio = None
    if compared is None:
        body = f"{group.why}; {labels_text(needed)}"
    else:
        difference, ratio = compared.difference().within(check.confidence), compared.ratio(check.confidence)
        body = f"{_measured(question, group, difference, ratio)}, {_limits(question)}: {_conclusion(verdict, p_value, needed, waits=waits)}"
    return CheckResult(
        check=check,
        title=f"{_what(question)} where {name} vs {group.other}",
        verdict=verdict,
        sentence=f"{name}: {body}.",
        rows=group.rows,
        candidate=None if compared is None else compared.first.value,
        other=None if compared is None else compared.second.value,
        other_name=group.other,
        difference=None if compared is None else compared.difference().value,
        low=None if difference is None else difference.low,
        high=None if difference is None else difference.high,
        allowed=check.max_difference,
        lower_is_better=question.lower_is_better if check.rate is None else check.rate is Rate.FPR,
        slice_column=group.column,
        slice_value=group.value,
        labels_needed=needed,
        stops=waits or verdict is not Verdict.NOT_ENOUGH,
        ratio=None if ratio is None else ratio.value,
        ratio_low=None if ratio is None else ratio.low,
        ratio_high=None if ratio is None else ratio.high,
    )


def _measured(question: Question, group: _Group, difference: Interval | None, ratio: Interval | None) -> str:
    compared = group.compared
    assert compared is not None
    body = f"{_what(question)} {number(compared.first.value)} on {counted(group.rows, 'row')} against {number(compared.second.value)}"
    body += f" of {group.other} on {counted(len(compared.inside) - group.rows, 'row')}"
    body += f": difference {number(compared.difference().value)}{_span(difference)}"
    return body if ratio is None else f"{body}, ratio {number(ratio.value)}{_span(ratio)}"


def _span(found: Interval | None) -> str:
    if found is None or found.low is None:
        return ", with nothing to judge its uncertainty by"
    return f" [{number(found.low)}, {number(found.high)}]"


def _conclusion(verdict: Verdict, p_value: float, needed: int | None, *, waits: bool) -> str:
    if verdict is Verdict.FAIL:
        return f"further apart than allowed (p {p_value:.2g} after Holm's correction)"
    if verdict is Verdict.PASS:
        return "alike within what is allowed even at the bound"
    stops = "" if waits else ", which does not stop the candidate"
    return f"too few labels in this group to say{stops}; {labels_text(needed)}"


def _no_column(question: Question, column: str) -> CheckResult:
    columns = ", ".join(question.holdout.slices) or "none to group by"
    body = f"the data have no column {column!r}; they have {columns}"
    return _statement(question, f"{_what(question)} by {column}", Verdict.FAIL, body)


def _too_many(question: Question, column: str) -> CheckResult:
    count = len(set(question.holdout.slices[column].tolist()))
    body = f"column {column!r} has {count:,} values, which are names of rows rather than groups; name a column of at most {_MOST_GROUPS:,}"
    return _statement(question, f"{_what(question)} by {column}", Verdict.FAIL, body)


def _statement(question: Question, title: str, verdict: Verdict, body: str) -> CheckResult:
    return CheckResult(check=question.check, title=title, verdict=verdict, sentence=f"{title}: {body}.", rows=0)
