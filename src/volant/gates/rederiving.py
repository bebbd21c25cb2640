"""A report's checks made once more from what it kept: the rows, the answers and the facts of then. No model is asked.

What was measured on a machine (times, memory) is taken as it was measured. Reports from before such evidence was kept cannot be
made again; so they are said to be, rather than compared.
"""

from volant.config.model import GateKind
from volant.gates.evidence import kept_facts, kept_rows
from volant.gates.model import CheckResult, GateReport
from volant.gates.rules import CANDIDATE, CHAMPION, evaluate
from volant.kernel.objects import ObjectStore


def checks_again(report: GateReport, objects: ObjectStore) -> tuple[CheckResult, ...] | None:
    """All checks but the one about the holdout's uses, in their order; None for a report that kept too little.

    ``NotFoundError`` where an object is gone.
    """
    if report.metric is None:
        return None
    holdout, predictions = kept_rows(objects, report)
    return evaluate(
        tuple(dict.fromkeys(check.check for check in report.checks if check.check.kind is not GateKind.HOLDOUT)),
        holdout,
        predictions,
        metric=report.metric,
        champion_name=CHAMPION if report.champion is None else f"champion v{report.champion}",
        facts=kept_facts(objects, report, predictions.get(CANDIDATE)),
        seed=report.seed,
        luck=report.luck,
    )
