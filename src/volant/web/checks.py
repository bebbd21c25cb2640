"""Gate reports as pages show them: each comparison on one axis, left is better."""

import math
from typing import TYPE_CHECKING, Any

from volant.config.metric_text import metric_label
from volant.config.model import GateKind
from volant.gates.model import CheckResult, GateReport, Verdict
from volant.kernel.clock import DAY_US
from volant.kernel.codec import plain
from volant.web.drawings import forest_reach
from volant.web.formats import interval, number, signed

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
TONES = {Verdict.PASS: "pass", Verdict.FAIL: "fail", Verdict.NOT_ENOUGH: "open"}
WEEK_US = 7 * DAY_US


def newest_reports(project: "Project", model: str) -> dict[str, GateReport]:
    """Package -> its newest report: one query for all versions."""
    found: dict[str, GateReport] = {}
    for report in project.gates.reports(model):
        found.setdefault(report.package, report)
    return found


def main_check(report: GateReport | None) -> CheckResult | None:
    """The comparison a reviewer looks at first: with the champion, else with a baseline."""
    return None if report is None else report.main


def difference(check: CheckResult | None) -> Json | None:
    """The unit of every page: candidate minus other, with its interval."""
    if check is None or check.difference is None:
        return None
    return {
        "metric": metric_label(check.check.metric or "") or check.title.partition(" ")[0],
        "other": check.other_name,
        "kind": check.check.kind.value,
        "difference": check.difference,
        "low": check.low,
        "high": check.high,
        "share": None if not check.other else check.difference / abs(check.other),
        "lower_is_better": check.lower_is_better,
        "verdict": check.verdict.value,
        "tone": TONES[check.verdict],
        "effect": effect(check),
    }


def effect(check: CheckResult) -> dict[str, float | None]:
    """Estimate, bounds and allowance as shares of the other's metric, negative is better; for drawing."""
    if check.check.kind in {GateKind.FAIRNESS, GateKind.SIZE}:  # further apart, or larger within the limit, is no worse
        return {"value": None, "low": None, "high": None, "allowed": None}
    scale = abs(check.other) if check.other else 1.0
    sign = 1.0 if check.lower_is_better else -1.0

    def share(amount: float | None, turn: float) -> float | None:
        if amount is None or not math.isfinite(amount) or not math.isfinite(amount / scale):
            return None
        return turn * amount / scale

    bounds = [share(check.low, sign), share(check.high, sign)]
    low, high = bounds if check.lower_is_better else reversed(bounds)
    return {"value": share(check.difference, sign), "low": low, "high": high, "allowed": share(check.allowed, 1.0)}


def report_view(report: GateReport) -> Json:
    """A report with its checks; slices of one check stand together under it."""
    checks = [check_view(check) for check in report.checks]
    effects = [line["effect"] for line in checks if line["effect"]["value"] is not None]
    view: Json = plain(report)
    names = ("id", "champion", "run_id", "dataset", "dataset_version", "holdout_rows", "excluded_rows", "baselines", "seed", "recorded_at")
    return {
        **{name: view[name] for name in names},
        "holdout_from_at": report.holdout_from_us,
        "holdout_to_at": report.holdout_to_us,
        "predictions": report.predictions,
        "verdict": report.verdict.value,
        "tone": TONES[report.verdict],
        "checks": checks,
        "reach": forest_reach(effects),
        "drawn": len(effects),
        "passed": sum(check.verdict is Verdict.PASS and not _skipped(check) for check in report.checks),
        "skipped": sum(_skipped(check) for check in report.checks),
    }


def check_view(check: CheckResult) -> Json:
    """One line of the gate table."""
    view: Json = plain(check)
    return {
        **{key: value for key, value in view.items() if key != "check"},
        "kind": check.check.kind.value,
        "metric": check.check.metric and metric_label(check.check.metric),
        "confidence": check.check.confidence,
        "tone": TONES[check.verdict],
        "unit": check.unit or ("us" if check.check.kind is GateKind.LATENCY else None),
        "effect": effect(check),
        "is_slice": check.slice_value is not None,
        "skipped": _skipped(check),
        "role": {"champion": "champion", "slices": "champion", "baseline": "baseline"}.get(check.check.kind.value, "neutral"),
    }


def _skipped(check: CheckResult) -> bool:
    """A comparison that had nothing to compare with, such as a champion where there is none yet."""
    kinds = {GateKind.CHAMPION, GateKind.SLICES, GateKind.CHURN, GateKind.LATENCY, GateKind.ROBUSTNESS}
    return check.check.kind in kinds and check.verdict is Verdict.PASS and check.candidate is None and not check.rows


def summary(report: GateReport) -> str:
    """The report in one sentence: the verdict, and the check that a reviewer asks about first."""
    if report.verdict is Verdict.PASS:
        check = main_check(report)
        return (
            f"The gate passed, {len(report.checks)} of {len(report.checks)} checks or undecided slices only."
            if check is None
            else (
                f"The gate passed: {check.title}, {number(check.candidate)} against {number(check.other)}, "
                f"difference {signed(check.difference)} {interval(check.low, check.high)}".rstrip()
                + "."
            )
        )
    if report.verdict is Verdict.FAIL:
        failed = [check for check in report.checks if check.verdict is Verdict.FAIL]
        first = failed[0].sentence if failed else ""
        return f"The gate failed in {len(failed)} of {len(report.checks)} checks. {first}".strip()
    undecided = [check for check in report.checks if check.waits]
    return f"There is not enough evidence yet. {undecided[0].sentence}".strip() if undecided else "There is not enough evidence yet."


def labels_wait(project: "Project", model: str, report: GateReport, now: int) -> Json | None:
    """How many labels an undecided gate still needs, and how long they take at the rate of the last seven days."""
    needed = [c.labels_needed for c in report.checks if c.verdict is Verdict.NOT_ENOUGH and c.labels_needed is not None]
    if report.verdict is not Verdict.NOT_ENOUGH or not needed:
        return None
    recent = project.labels.count(model, known_by=now, recorded_after=now - WEEK_US)
    return {"labels": max(needed), "per_day": recent / 7, "takes_us": round(max(needed) * WEEK_US / recent) if recent else None}
