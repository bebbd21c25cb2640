"""A gate's verdict in one clause, as decisions give it. Standard library only."""

from volant.config.model import GateKind
from volant.gates.model import CheckResult, GateReport, Verdict

_SHOWN = 2
_FURTHER = frozenset({GateKind.FAIRNESS, GateKind.CALIBRATION, GateKind.CHURN, GateKind.ROBUSTNESS, GateKind.SIZE})


def reason_of(report: GateReport) -> str | None:
    """For a pass what was compared and kept, else the checks that did not pass. None where nothing was compared."""
    if report.verdict is Verdict.PASS:
        compared = [check for check in report.checks if check.check.kind is GateKind.CHAMPION and check.slice_column is None]
        found = [clause for check in compared if (clause := _compared(check)) is not None]
        return "; ".join([*found[:1], *_kept(report)]) or None
    telling = [check for check in report.checks if check.verdict is report.verdict]
    clauses = [check.sentence.rstrip(".") for check in telling[:_SHOWN]]
    more = [f"and {len(telling) - _SHOWN} more"] if len(telling) > _SHOWN else []
    return "; ".join([*clauses, *more]) or None


def _kept(report: GateReport) -> list[str]:
    """What passed beside the comparison of metrics: one figure for each line that asked, the one nearest to its limit."""
    clauses = []
    for line in dict.fromkeys(check.check for check in report.checks if check.check.kind in _FURTHER):
        checks = [check for check in report.checks if check.check == line]
        told = [check for check in checks if check.verdict is Verdict.PASS and check.candidate is not None]
        if told:
            nearest = max(told, key=_used)
            more = "" if len(checks) == 1 else f" (the nearest of {len(checks)})"
            clauses.append(f"{nearest.title}: {_told(nearest)}{more}")
    return clauses


def _used(check: CheckResult) -> float:
    """Which share of what is allowed a check uses up."""
    measured = check.candidate if check.difference is None or check.unit == "bytes" else check.difference
    return abs(measured or 0.0) / check.allowed if check.allowed else 0.0


def _told(check: CheckResult) -> str:
    if check.unit == "us":
        return f"{(check.candidate or 0.0) / 1000:.3g} ms"
    if check.unit == "bytes":
        return f"{(check.candidate or 0.0) / 1e6:.3g} MB"
    value = check.difference if check.difference is not None else check.candidate
    bounds = "" if check.low is None or check.high is None else f" [{_figure(check.low)}, {_figure(check.high)}]"
    allowed = "" if check.allowed is None else f", {_figure(check.allowed)} allowed"
    return f"{'difference ' if check.difference is not None else ''}{_figure(value or 0.0)}{bounds}{allowed}"


def _compared(check: CheckResult) -> str | None:
    if check.candidate is None or check.other is None or check.low is None or check.high is None:
        return None
    metric = check.title.split(" ", 1)[0]
    other = f"{_figure(check.other)} of {check.other_name or 'the champion'}"
    bounds = f"[{_figure(check.low)}, {_figure(check.high)}]"
    return f"{metric} {_figure(check.candidate)} against {other} on {check.rows:,} paired rows, interval {bounds}"


def _figure(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
