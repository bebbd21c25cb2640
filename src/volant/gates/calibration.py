"""Whether a model's chances are what happens, as checks: the calibration error, and the slope of the reliability line."""

import numpy as np

from volant.gates.comparing import Question
from volant.gates.limits import at_most, bounds_text, conclusion
from volant.gates.model import CheckResult, Verdict
from volant.gates.wording import counted, number, percent
from volant.stats.calibration import FEWEST_ROWS, Calibration, ReliabilityLine, calibration_of, reliability_line
from volant.stats.paired import Interval
from volant.stats.predicted import Predicted, labels_equal, positions_of, usable_target


def check_calibration(question: Question, candidate: Predicted) -> list[CheckResult]:
    """The error, and the slope where the line has a limit for it.

    Of two classes the chance of the second is judged, of more that of the one that was answered (top-label calibration: Gupta &
    Ramdas 2022, ICLR).
    """
    title = "calibration"
    if candidate.scores is None:
        return [_statement(question, title, Verdict.FAIL, "the model gives no probabilities; an estimator with predict_proba does")]
    chances, happened, invalid = _events(question, candidate)
    if invalid:
        body = f"the candidate gave {counted(invalid, 'answer')} that cannot be used (missing, not finite, or no probability)"
        return [_statement(question, title, Verdict.FAIL, body)]
    usable = usable_target(question.holdout.target)
    chances, happened = chances[usable], happened[usable]
    if len(chances) < FEWEST_ROWS:
        body = f"{counted(len(chances), 'row')} with a label, and less than {FEWEST_ROWS} say nothing"
        return [_statement(question, title, Verdict.NOT_ENOUGH, body, len(chances), needed=FEWEST_ROWS - len(chances))]
    if happened.all() or not happened.any():
        body = f"the same happened on all {counted(len(chances), 'row')}, so nothing says how often the other does"
        return [_statement(question, title, Verdict.NOT_ENOUGH, body, len(chances))]
    return _judged(question.on(usable), chances, happened)


def _events(question: Question, candidate: Predicted) -> tuple[np.ndarray, np.ndarray, int]:
    """Chances (n,), whether the event happened (n,), and how many answers have no usable chance."""
    scores = np.asarray(candidate.scores, dtype=np.float64)
    bad = ~(np.isfinite(scores) & (scores >= 0) & (scores <= 1 + 1e-6)).all(axis=1) if len(scores) else np.zeros(0, dtype=bool)
    target = question.holdout.target
    if len(candidate.classes) == 2:
        return np.clip(scores[:, 1], 0, 1), positions_of(target, candidate.classes) == 1, int(bad.sum())
    place = np.where(bad, 0, np.nan_to_num(scores).argmax(axis=1)) if len(scores) else np.zeros(0, dtype=np.int64)
    answered = np.array(candidate.classes, dtype=object)[place]
    return np.clip(scores[np.arange(len(scores)), place], 0, 1), labels_equal(target, answered), int(bad.sum())


def _judged(question: Question, chances: np.ndarray, happened: np.ndarray) -> list[CheckResult]:
    check, holdout = question.check, question.holdout
    found = calibration_of(chances, happened, check.confidence, holdout.times, holdout.groups)
    line = reliability_line(chances, happened, check.confidence, holdout.times, holdout.groups)
    results = [_of_error(question, found, line)]
    return results if check.slope is None else [*results, _of_slope(question, line, check.slope)]


def _of_error(question: Question, found: Calibration, line: ReliabilityLine | None) -> CheckResult:
    check = question.check
    limit = check.most_error or 0.0
    verdict, needed = at_most(found.error, limit, check.confidence)
    body = f"error {percent(found.error.value)} over {found.bins} bins of {counted(found.rows, 'row')}"
    body += f", {bounds_text(found.error, check.confidence, scale=100)}, {percent(limit)} allowed"
    body += f"; mean gap {percent(found.plain)}, p {found.p_value:.2g} for chances that are exactly right{_line_text(line)}"
    return CheckResult(
        check=check,
        title="calibration",
        verdict=verdict,
        sentence=f"calibration: {body}: {conclusion(verdict, needed)}.",
        rows=found.rows,
        candidate=found.error.value,
        low=found.error.low,
        high=found.error.high,
        allowed=limit,
        labels_needed=needed,
    )


def _line_text(line: ReliabilityLine | None) -> str:
    if line is None:
        return ""
    slope, intercept = line.slope, line.intercept
    return f"; reliability slope {_span(slope)}, intercept {_span(intercept)}"


def _span(found: Interval) -> str:
    return f"{number(found.value)} [{number(found.low)}, {number(found.high)}]"


def _of_slope(question: Question, line: ReliabilityLine | None, limit: float) -> CheckResult:
    title = "reliability slope"
    if line is None or line.slope.low is None or line.slope.high is None:
        return _statement(question, title, Verdict.NOT_ENOUGH, "the chances give no line", len(question.holdout))
    slope, confidence = line.slope, question.check.confidence
    verdict, needed = _around_one(slope, limit, confidence)
    meaning = "" if verdict is Verdict.PASS else "; below 1 the chances are too sure, above 1 too careful"
    body = f"{number(slope.value)}, {bounds_text(slope, confidence)}, from {number(1 - limit)} to {number(1 + limit)} allowed{meaning}"
    return CheckResult(
        check=question.check,
        title=title,
        verdict=verdict,
        sentence=f"{title}: {body}: {conclusion(verdict, needed)}.",
        rows=slope.rows,
        candidate=slope.value,
        low=slope.low,
        high=slope.high,
        allowed=limit,
        labels_needed=needed,
    )


def _around_one(slope: Interval, limit: float, confidence: float) -> tuple[Verdict, int | None]:
    """Both sides: 1 + limit from above, 1 - limit from below."""
    assert slope.low is not None
    assert slope.high is not None
    above, more = at_most(slope, 1 + limit, confidence)
    mirrored = Interval(-slope.value, -slope.high, -slope.low, slope.variance, slope.df, slope.rows)
    below, further = at_most(mirrored, -(1 - limit), confidence)
    if Verdict.FAIL in {above, below}:
        return Verdict.FAIL, None
    if above is below is Verdict.PASS:
        return Verdict.PASS, None
    return Verdict.NOT_ENOUGH, max((labels for labels in (more, further) if labels is not None), default=None)


def _statement(question: Question, title: str, verdict: Verdict, body: str, rows: int = 0, *, needed: int | None = None) -> CheckResult:
    sentence = f"{title}: {body}."
    return CheckResult(check=question.check, title=title, verdict=verdict, sentence=sentence, rows=rows, labels_needed=needed)
