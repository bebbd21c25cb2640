"""Checks that ask more than a comparison of metrics, each kind answered by its module."""

from collections.abc import Mapping

from volant.config.model import GateKind
from volant.gates.calibration import check_calibration
from volant.gates.churn import check_churn
from volant.gates.comparing import Question
from volant.gates.facts import Changing, Facts
from volant.gates.fairness import check_fairness
from volant.gates.model import CheckResult
from volant.gates.resources import check_latency, check_size
from volant.gates.robustness import check_robustness
from volant.stats.names import REGRESSION, metric_named
from volant.stats.predicted import Predicted

_OF_ANSWERS = {GateKind.FAIRNESS: check_fairness, GateKind.CALIBRATION: check_calibration}
FURTHER = frozenset({*_OF_ANSWERS, GateKind.CHURN, GateKind.ROBUSTNESS, GateKind.LATENCY, GateKind.SIZE})


def check_further(
    question: Question, predictions: Mapping[str, Predicted | None], champion: tuple[str, Predicted | None], facts: Facts
) -> list[CheckResult]:
    """The results of one line of a kind in ``FURTHER``."""
    check, candidate, (champion_name, _) = question.check, predictions["candidate"], champion
    assert candidate is not None
    if check.kind is GateKind.LATENCY:
        return check_latency(check, facts.measured, champion_name)
    if check.kind is GateKind.SIZE:
        return check_size(check, facts.measured, champion_name)
    if check.kind is GateKind.CHURN:
        return [check_churn(check, facts.changing or _labelled(question, predictions), champion_name)]
    if check.kind is GateKind.ROBUSTNESS:
        return check_robustness(question, candidate, facts.disturbed)
    return _OF_ANSWERS[check.kind](question, candidate)


def _labelled(question: Question, predictions: Mapping[str, Predicted | None]) -> Changing | None:
    """The held-out rows with a label, where nobody asked about those without."""
    mine, theirs, holdout = predictions["candidate"], predictions.get("champion"), question.holdout
    if mine is None or theirs is None:
        return None
    return Changing(mine, theirs, holdout.times, holdout.groups, metric_named(question.metric).tasks == REGRESSION)
