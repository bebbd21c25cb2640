"""What a champion's luck on rows that chose it puts against the next candidate on the same rows.

A version that was let out because it did better on some rows did so partly by luck on them. The next candidate has no such luck:
on these rows it looks worse than it is, and the more candidates the same rows have judged, the more of them are turned down wrongly.

How lucky a version was is estimated from all comparisons that reports keep, of the versions let out and of those turned down alike:
if true gains spread with variance ``t2`` around ``m`` and a comparison has variance ``s2``, a difference ``d`` holds on average
``(d - m) s2 / (t2 + s2)`` of luck (empirical Bayes: Efron & Morris 1973, J. Am. Stat. Assoc. 68), whatever was decided by it
(Efron 2011, J. Am. Stat. Assoc. 106: such a mean is immune to selection). Of that luck the next version keeps ``1 + slope``, where
``slope`` is that of the row-by-row difference on the champion's own loss. Simulated in ``benchmarks/gate_simulation.py``.

Light: no arrays but the times of the rows.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, variance
from typing import TYPE_CHECKING

from volant.config.model import GateKind
from volant.gates.model import CheckResult, GateReport, Luck
from volant.gates.planning import row_variance
from volant.stats.paired import Interval

if TYPE_CHECKING:
    from volant.gates.holdout import Holdout

FEWEST = 5  # comparisons before anything is said about how gains spread


@dataclass(frozen=True)
class Past:
    """One comparison of the past. ``difference``: of losses, candidate minus champion; ``share``: of the present rows that it saw."""

    difference: float
    variance: float
    slope: float
    share: float


def luck_of(comparisons: Sequence[Past], chain: Sequence[Past]) -> Luck | None:
    """Of the champion that came about by ``chain`` (oldest first), given all ``comparisons``. None where too few are known."""
    if len(comparisons) < FEWEST:
        return None
    centre = fmean(past.difference for past in comparisons)
    spread = max(variance([past.difference for past in comparisons]) - fmean(past.variance for past in comparisons), 0.0)
    value = doubt = 0.0
    kept = 1.0
    for past in reversed(chain):
        total = spread + past.variance
        part = past.variance / total if total > 0 else 0.0
        value -= (past.difference - centre) * part * past.share * kept
        doubt += spread * part * (past.share * kept) ** 2
        kept *= 1 + past.slope
    return Luck(value=value, variance=doubt)


def champions_luck(metric: str, champion: str | None, earlier: Sequence[GateReport], holdout: "Holdout", dataset: str) -> Luck | None:
    """Of the package ``champion`` on these rows, from the reports of the model in any order."""
    if champion is None or len(holdout) == 0:
        return None
    found: dict[str, tuple[GateReport, Past]] = {}
    for report in sorted(earlier, key=lambda one: (one.recorded_at, one.id)):
        past = _past(metric, report, holdout) if report.dataset == dataset else None
        if past is not None:
            found[report.package] = (report, past)
    return luck_of([past for _, past in found.values()], _chain(champion, found))


def _chain(champion: str, found: dict[str, tuple[GateReport, Past]]) -> list[Past]:
    """The comparisons by which each champion followed the one before it, oldest first."""
    chain: list[Past] = []
    package: str | None = champion
    met: set[str] = set()
    while package is not None and package in found and package not in met:
        met.add(package)
        report, past = found[package]
        chain.append(past)
        package = report.champion_package
    return chain[::-1]


def _past(metric: str, report: GateReport, holdout: "Holdout") -> Past | None:
    start, end = report.holdout_from_us, report.holdout_to_us
    check = next((one for one in report.checks if _tells(one, metric)), None)
    if check is None or start is None or end is None:
        return None
    spread = row_variance(check)
    if spread is None or check.difference is None or check.slope is None:
        return None
    inside = (holdout.times >= start) & (holdout.times <= end)
    difference = check.difference if check.lower_is_better else -check.difference
    return Past(difference, spread / check.rows, check.slope, float(inside.mean()))


def _tells(check: CheckResult, metric: str) -> bool:
    return check.check.kind is GateKind.CHAMPION and check.slope is not None and (check.check.metric or metric) == metric


def made_up(loss: Interval, luck: Luck | None, slope: float | None) -> Interval:
    """The difference of losses without what the champion's luck puts against the candidate. Its bounds hold the doubt about that."""
    if luck is None or slope is None or loss.low is None or loss.high is None or loss.variance <= 0:
        return loss
    value = loss.value + slope * luck.value
    spread = loss.variance + slope**2 * luck.variance
    half = (loss.high - loss.low) / 2 * math.sqrt(spread / loss.variance)
    return replace(loss, value=value, low=value - half, high=value + half, variance=spread)
