"""How much disturbed rows worsen a metric, against the same rows as they are."""

from collections.abc import Mapping

from volant.gates.comparing import Question, as_loss, compare
from volant.gates.disturbing import MISSING, NOISE, SWAPS, disturbances_of, name_of
from volant.gates.facts import Disturbed
from volant.gates.limits import at_most, conclusion
from volant.gates.model import CheckResult, Verdict
from volant.gates.wording import allowed_text, counted, invalid_text, measured, number, percent
from volant.stats.predicted import Predicted

UNDISTURBED = "the rows as they are"


def check_robustness(question: Question, candidate: Predicted, answers: Mapping[str, Disturbed]) -> list[CheckResult]:
    """One result per disturbance that the line asks for."""
    return [
        _result(question, candidate, kind, amount, answers.get(name_of(kind, amount))) for kind, amount in disturbances_of(question.check)
    ]


def _result(question: Question, candidate: Predicted, kind: str, amount: float, found: Disturbed | None) -> CheckResult:
    title = f"{question.label} with {_said(kind, amount)}"
    if found is None:
        return _statement(question, title, Verdict.NOT_ENOUGH, "the model was not asked about disturbed rows")
    if found.error:
        return _statement(question, title, Verdict.FAIL, f"the model does not answer such rows: {found.error}; {kind}: 0 leaves this out")
    if not found.columns or found.answers is None:
        return _statement(question, title, Verdict.PASS, "no column can be disturbed like this, so this check is skipped")
    return _compared(question, title, candidate, found.answers, len(found.columns))


def _compared(question: Question, title: str, candidate: Predicted, answers: Predicted, columns: int) -> CheckResult:
    comparison = compare(question, answers, candidate)
    if comparison.candidate_invalid:
        return _statement(question, title, Verdict.FAIL, invalid_text(comparison))
    if comparison.difference is None:
        return _statement(question, title, Verdict.NOT_ENOUGH, comparison.why or "no labelled rows")
    lower, difference = question.lower_is_better, comparison.difference
    margin = question.margin(comparison.other)
    verdict, needed = at_most(as_loss(difference, lower_is_better=lower), margin, question.check.confidence)
    body = f"{measured(question, comparison, UNDISTURBED)} ({counted(columns, 'column')} disturbed), {allowed_text(margin, lower=lower)}"
    return CheckResult(
        check=question.check,
        title=title,
        verdict=verdict,
        sentence=f"{title}: {body}: {conclusion(verdict, needed)}.",
        rows=comparison.rows,
        candidate=comparison.candidate,
        other=comparison.other,
        other_name=UNDISTURBED,
        difference=difference.value,
        low=difference.low,
        high=difference.high,
        allowed=margin,
        lower_is_better=lower,
        labels_needed=needed,
    )


def _said(kind: str, amount: float) -> str:
    return {
        NOISE: f"noise of {number(amount)} sd",
        MISSING: f"{percent(amount)} of cells missing",
        SWAPS: f"{percent(amount)} of categories swapped",
    }[kind]


def _statement(question: Question, title: str, verdict: Verdict, body: str) -> CheckResult:
    return CheckResult(
        check=question.check,
        title=title,
        verdict=verdict,
        sentence=f"{title}: {body}.",
        rows=0,
        lower_is_better=question.lower_is_better,
    )
