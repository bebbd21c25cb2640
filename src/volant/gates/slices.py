"""The slices check: is some part of the rows worse than the champion there by more than the margin?"""

from dataclasses import dataclass, replace

from volant.config.model import GateConfig
from volant.gates.comparing import Comparison, Question, as_loss, compare
from volant.gates.conditions import sliced_name
from volant.gates.model import CheckResult, Verdict
from volant.gates.slicing import slices_of
from volant.gates.wording import allowed_text, counted, invalid_text, labels_text, measured
from volant.stats.discoveries import benjamini_hochberg
from volant.stats.holm import holm
from volant.stats.paired import Finding, Interval, judge, labels_to_decide, worse_p_value
from volant.stats.predicted import Predicted


@dataclass(frozen=True)
class _Slice:
    column: str
    value: str
    rows: int
    found: Comparison
    loss: Interval | None
    margin: float


def check_slices(question: Question, candidate: Predicted, champion: Predicted, champion_name: str) -> list[CheckResult]:
    """One result per slice, in the order of the columns and by size within each."""
    have = question.holdout.slices
    missing = [_no_column(question, column) for column in question.check.slices if column not in have]
    parts = [p for column in question.check.slices if column in have for p in _parts(question, column, candidate, champion)]
    adjusted = holm([1.0 if part.loss is None else worse_p_value(part.loss, part.margin) for part in parts])
    improved = benjamini_hochberg([_better_p_value(part) for part in parts], dependent=True)
    named = zip(parts, adjusted, improved, strict=True)
    return missing + [_result(question, part, p_value, q_value, champion_name) for part, p_value, q_value in named]


def _better_p_value(part: _Slice) -> float:
    """One-sided p of "the candidate is no better in this slice"."""
    return 1.0 if part.loss is None else worse_p_value(replace(part.loss, value=-part.loss.value), 0.0)


def _no_column(question: Question, column: str) -> CheckResult:
    title = f"{question.label} by {column}"
    columns = ", ".join(question.holdout.slices) or "none to slice by"
    sentence = f"{title}: the data have no column {column!r}; they have {columns}."
    return CheckResult(check=question.check, title=title, verdict=Verdict.FAIL, sentence=sentence, rows=0, slice_column=column)


def _parts(question: Question, column: str, candidate: Predicted, champion: Predicted) -> list[_Slice]:
    parts = []
    for value, rows in slices_of(question.holdout.slices[column]).items() if len(question.holdout) else ():
        found = compare(question.on(rows), candidate.take(rows), champion.take(rows))
        loss = None if found.difference is None else as_loss(found.difference, lower_is_better=question.lower_is_better)
        parts.append(_Slice(column, value, len(rows), found, loss, question.margin(found.other)))
    return parts


def _verdict(check: GateConfig, part: _Slice, p_value: float) -> Verdict:
    if part.found.candidate_invalid or p_value < 1 - check.confidence:
        return Verdict.FAIL
    if part.loss is None or part.loss.high is None or part.loss.high > part.margin:
        return Verdict.NOT_ENOUGH
    return Verdict.PASS


def _conclusion(part: _Slice, verdict: Verdict, p_value: float, improved: str, needed: int | None) -> str:
    if verdict is Verdict.FAIL:
        return f"worse than allowed (p {p_value:.2g} after Holm's correction)"
    if verdict is Verdict.PASS:
        return f"within what is allowed even at the bound{improved}"
    if part.loss is not None and judge(part.loss, part.margin) is Finding.WORSE:
        return "worse, but not by more than allowed once all slices are counted; this does not stop the candidate"
    return f"too few labels in this slice to say, which does not stop the candidate; {labels_text(needed)}"


def _result(question: Question, part: _Slice, p_value: float, q_value: float, champion_name: str) -> CheckResult:
    check, found, difference = question.check, part.found, part.found.difference
    verdict = _verdict(check, part, p_value)
    needed = None
    if verdict is Verdict.NOT_ENOUGH and part.loss is not None:
        needed = labels_to_decide(part.loss, part.margin, check.confidence)
    name = sliced_name(part.column, part.value)
    if found.candidate_invalid:
        body = invalid_text(found)
    elif difference is None:
        body = f"{found.why or 'no usable rows'} ({counted(part.rows, 'row')})"
    else:
        body = f"{measured(question, found, champion_name)}, {allowed_text(part.margin, lower=question.lower_is_better)}: "
        improved = f", and better there (q {q_value:.2g} over all slices)" if q_value < 1 - check.confidence else ""
        body += _conclusion(part, verdict, p_value, improved, needed)
    return CheckResult(
        check=check,
        title=f"{question.label} where {name} vs {champion_name}",
        verdict=verdict,
        sentence=f"{name}: {body}.",
        rows=found.rows,
        candidate=found.candidate,
        other=found.other,
        other_name=champion_name,
        difference=None if difference is None else difference.value,
        low=None if difference is None else difference.low,
        high=None if difference is None else difference.high,
        allowed=part.margin,
        lower_is_better=question.lower_is_better,
        slice_column=part.column,
        slice_value=part.value,
        labels_needed=needed,
    )
