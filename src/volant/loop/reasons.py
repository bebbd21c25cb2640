"""A gate's verdict in one clause, as decisions give it. Standard library only."""

from volant.config.model import GateKind
from volant.gates.model import CheckResult, GateReport, Verdict

_SHOWN = 2


def reason_of(report: GateReport) -> str | None:
    """For a pass the comparison with the champion, else the checks that did not pass. None where nothing was compared."""
    if report.verdict is Verdict.PASS:
        compared = [check for check in report.checks if check.check.kind is GateKind.CHAMPION and check.slice_column is None]
        found = [clause for check in compared if (clause := _compared(check)) is not None]
        return found[0] if found else None
    telling = [check for check in report.checks if check.verdict is report.verdict]
    clauses = [check.sentence.rstrip(".") for check in telling[:_SHOWN]]
    more = [f"and {len(telling) - _SHOWN} more"] if len(telling) > _SHOWN else []
    return "; ".join([*clauses, *more]) or None


def _compared(check: CheckResult) -> str | None:
    if check.candidate is None or check.other is None or check.low is None or check.high is None:
        return None
    metric = check.title.split(" ", 1)[0]
    other = f"{_figure(check.other)} of {check.other_name or 'the champion'}"
    bounds = f"[{_figure(check.low)}, {_figure(check.high)}]"
    return f"{metric} {_figure(check.candidate)} against {other} on {check.rows:,} paired rows, interval {bounds}"


def _figure(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
