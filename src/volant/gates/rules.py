"""Gate checks as pure decisions over stored predictions.

A comparison gives a difference with two bounds, each of which holds at the check's confidence by itself (together they
are a 90 % interval at 95 %). With losses (negative is better) and a margin m >= 0:

- pass: the upper bound is at most m, and the estimate is below 0;
- fail: the lower bound is above 0 (worse for sure), or the upper bound is at most m but the estimate is not below 0
  (as good, so nothing speaks for a change);
- not enough evidence: everything else, with the labels that would probably decide it.

A slice fails when it is worse than its margin at Holm's level over all slices of the check, passes when its upper bound is
within the margin, and is otherwise "not enough evidence", which stops nobody. A floor passes or fails with the whole
interval of the metric. An answer of the candidate that cannot be used fails every check of a metric.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from volant.config.model import GateConfig, GateKind
from volant.gates.comparing import Comparison, Question, alone, as_loss, compare
from volant.gates.facts import Facts
from volant.gates.holdout import Holdout
from volant.gates.kinds import FURTHER, check_further
from volant.gates.luck import made_up
from volant.gates.model import CheckResult, Luck, Verdict
from volant.gates.slices import check_slices
from volant.gates.wording import (
    allowed_text,
    concluded,
    counted,
    invalid_text,
    labels_text,
    left_out_text,
    made_up_text,
    measured,
    number,
    percent,
)
from volant.kernel.errors import InvalidInputError
from volant.stats.metrics import score
from volant.stats.paired import Finding, judge, labels_to_decide
from volant.stats.predicted import Predicted
from volant.stats.sizes import rows_needed

CANDIDATE = "candidate"
CHAMPION = "champion"

VERDICTS = {
    Finding.BETTER: Verdict.PASS,
    Finding.NO_BETTER: Verdict.FAIL,
    Finding.WORSE: Verdict.FAIL,
    Finding.UNDECIDED: Verdict.NOT_ENOUGH,
}


def evaluate(
    gates: tuple[GateConfig, ...],
    holdout: Holdout,
    predictions: Mapping[str, Predicted | None],
    *,
    metric: str,
    champion_name: str = CHAMPION,
    facts: Facts | None = None,
    seed: int = 0,
    luck: Luck | None = None,
) -> tuple[CheckResult, ...]:
    """Every check in the order of ``gates``; a slices check gives one result per slice.

    ``predictions``: ``candidate``, ``champion`` (or None, or absent), and any further name is a baseline; each has one
    answer per holdout row. ``metric`` is used where a check names none. ``facts``: what else was asked of the models.
    ``luck``: the champion's in ``metric`` on these rows. Never raises for what the data hold.
    """
    champion = (champion_name, predictions.get(CHAMPION))
    results: list[CheckResult] = []
    for check in gates:
        if check.kind is GateKind.HOLDOUT:
            continue  # asked of the reports that came before, not of these answers: gates/spending.py
        question = Question(check, check.metric or metric, holdout, seed)
        carried = luck if question.metric == metric else None
        try:
            if check.kind in FURTHER:
                results += check_further(question, predictions, champion, facts or Facts())
            else:
                results += _of_metric(question, predictions, champion, carried)
        except InvalidInputError as error:
            title = f"{question.label}: {check.kind.value}"
            results.append(_statement(question, title, Verdict.FAIL, f"{title}: " + str(error).replace("\n", "; ")))
    return tuple(results)


def overall(checks: tuple[CheckResult, ...]) -> Verdict:
    """One failure fails; missing evidence leaves it open, where a check waits for it."""
    if any(check.verdict is Verdict.FAIL for check in checks):
        return Verdict.FAIL
    return Verdict.NOT_ENOUGH if any(check.waits for check in checks) else Verdict.PASS


def _of_metric(
    question: Question, predictions: Mapping[str, Predicted | None], champion: tuple[str, Predicted | None], luck: Luck | None
) -> list[CheckResult]:
    check, candidate, (champion_name, reigning) = question.check, predictions[CANDIDATE], champion
    assert candidate is not None
    if check.kind is GateKind.FLOOR:
        return [_floor(question, candidate)]
    if check.kind is GateKind.BASELINE:
        others = {name: p for name, p in predictions.items() if name not in {CANDIDATE, CHAMPION} and p is not None}
        return [_baseline(question, candidate, others)]
    if reigning is None:
        by = f" by {', '.join(check.slices)}" if check.kind is GateKind.SLICES else ""
        sentence = f"{question.label}{by}: there is no champion yet to compare with, so this check is skipped."
        return [_statement(question, f"{question.label}{by} vs champion", Verdict.PASS, sentence)]
    if check.kind is GateKind.SLICES:
        return check_slices(question, candidate, reigning, champion_name)
    return [_against(question, candidate, reigning, champion_name, luck)]


def _statement(question: Question, title: str, verdict: Verdict, sentence: str, rows: int = 0) -> CheckResult:
    return CheckResult(
        check=question.check, title=title, verdict=verdict, sentence=sentence, rows=rows, lower_is_better=question.lower_is_better
    )


def _against(question: Question, candidate: Predicted, other: Predicted, other_name: str, luck: Luck | None = None) -> CheckResult:
    found = compare(question, candidate, other)
    title = f"{question.label} vs {other_name}"
    if found.candidate_invalid:
        return _statement(question, title, Verdict.FAIL, f"{title}: {invalid_text(found)}.", found.rows)
    if found.difference is None or found.other is None:
        return _statement(question, title, Verdict.NOT_ENOUGH, f"{title}: {found.why or 'no labelled rows'}.", found.rows)
    lower, confidence = question.lower_is_better, question.check.confidence
    margin = question.margin(found.other)
    loss = made_up(as_loss(found.difference, lower_is_better=lower), luck, found.slope)
    difference = as_loss(loss, lower_is_better=lower)
    shift = None if luck is None else difference.value - found.difference.value
    found = replace(found, difference=difference)
    finding = judge(loss, margin)
    needed = labels_to_decide(loss, margin, confidence) if finding is Finding.UNDECIDED else None
    left_out = f" ({counted(found.other_invalid, 'row')} without a usable answer of {other_name} left out)" if found.other_invalid else ""
    said = f"{measured(question, found, other_name)}{left_out}{made_up_text(shift)}"
    sentence = f"{said}, {allowed_text(margin, lower=lower)}: {concluded(finding, needed)}."
    return CheckResult(
        check=question.check,
        title=title,
        verdict=VERDICTS[finding],
        sentence=sentence,
        rows=found.rows,
        candidate=found.candidate,
        other=found.other,
        other_name=other_name,
        difference=difference.value,
        low=difference.low,
        high=difference.high,
        allowed=margin,
        lower_is_better=lower,
        labels_needed=needed,
        slope=found.slope,
        made_up=shift,
    )


def _baseline(question: Question, candidate: Predicted, others: dict[str, Predicted]) -> CheckResult:
    """Against the baseline that does best on these very rows, the hardest of them to beat."""
    metric, holdout = question.metric, question.holdout
    values = {name: score(metric, holdout.target, predicted).value for name, predicted in others.items()}
    known = {name: value for name, value in values.items() if value is not None}
    if not known:
        why = f"{question.label} vs baseline: no baseline can be computed on {counted(len(holdout), 'labelled row')}."
        return _statement(question, f"{question.label} vs baseline", Verdict.NOT_ENOUGH, why, len(holdout))
    sign = 1 if question.lower_is_better else -1
    best = min(known, key=lambda name: (sign * known[name], name))
    return _against(question, candidate, others[best], best)


def _floor(question: Question, candidate: Predicted) -> CheckResult:
    check, found = question.check, alone(question, candidate)
    limits = [f"at least {number(check.minimum)}"] if check.minimum is not None else []
    limits += [f"at most {number(check.maximum)}"] if check.maximum is not None else []
    title = f"{question.label} {' and '.join(limits)}"
    if found.candidate_invalid:
        return _statement(question, title, Verdict.FAIL, f"{title}: {invalid_text(found)}.", found.rows)
    if found.difference is None:
        return _statement(question, title, Verdict.NOT_ENOUGH, f"{title}: {found.why or 'no labelled rows'}.", found.rows)
    verdict, needed = _within(check, found)
    value = found.difference
    bounds = f"bounds at {percent(check.confidence)} {number(value.low)} and {number(value.high)}"
    end = {Verdict.PASS: "kept", Verdict.FAIL: "missed", Verdict.NOT_ENOUGH: f"too few labels to say; {labels_text(needed)}"}[verdict]
    on = f"on {counted(found.rows, 'row')}{left_out_text(found)}"
    sentence = f"{question.label} {number(value.value)} {on}, {bounds}, must be {' and '.join(limits)}: {end}."
    return CheckResult(
        check=check,
        title=title,
        verdict=verdict,
        sentence=sentence,
        rows=found.rows,
        candidate=value.value,
        low=value.low,
        high=value.high,
        lower_is_better=question.lower_is_better,
        labels_needed=needed,
    )


def _within(check: GateConfig, found: Comparison) -> tuple[Verdict, int | None]:
    """Whether the whole interval keeps the limits, breaks one, or straddles one (then: labels still needed)."""
    value = found.difference
    assert value is not None
    if value.low is None or value.high is None:
        return Verdict.NOT_ENOUGH, None
    minimum = -np.inf if check.minimum is None else check.minimum
    maximum = np.inf if check.maximum is None else check.maximum
    if value.high < minimum or value.low > maximum:
        return Verdict.FAIL, None
    if minimum <= value.low and value.high <= maximum:
        return Verdict.PASS, None
    crossed = [limit for limit in (minimum, maximum) if value.low < limit < value.high]
    distances = [abs(value.value - limit) for limit in crossed]
    total = rows_needed(value.variance * value.rows, min(distances, default=0.0), check.confidence)
    return Verdict.NOT_ENOUGH, None if total is None else max(total - value.rows, 1)
