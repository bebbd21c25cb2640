"""How many labels the next decision will need, read off the last one. Light: no arrays.

The variance of a difference is taken from the bounds of the last report, so the dependence of rows is inside it. With few
independent stretches of time those bounds are Student's, and what is planned from them is rather too many labels than too few.
"""

import math
from collections.abc import Iterator, Sequence
from enum import StrEnum

from volant.gates.model import CheckResult, GateReport
from volant.kernel.clock import DAY_US
from volant.kernel.codec import Value
from volant.stats.sizes import rows_needed, z_of

SHARES = (0.01, 0.02, 0.05, 0.10)
FAR_US = 365 * DAY_US  # what takes longer is out of reach
SOON_DAYS = 90
_MANY_TIMES = 100  # as many rows as there are, where no rate of labels is known
_EVEN = 0.5


class Reach(StrEnum):
    """Whether a gain can be shown."""

    NOW = "now"
    LATER = "later"
    OUT = "out of reach"


class PlannedGain(Value, frozen=True, kw_only=True):
    """What one true gain takes. ``gain`` is in the metric's unit, ``share`` of the other model's metric."""

    share: float
    gain: float
    labels: int | None  # held-out rows with a label, in all; None: more than a thousand million
    further: int | None  # of these, not in the holdout yet
    takes_us: int | None  # until they are there; None where no rate is known
    reach: Reach = Reach.LATER


class PlannedCheck(Value, frozen=True, kw_only=True):
    """One comparison of the report, and what the next one of its kind will take."""

    title: str
    metric: str
    rows: int
    other: float
    margin: float
    confidence: float
    smallest_gain: float  # that the present rows would probably (80 %) show
    gains: tuple[PlannedGain, ...]
    ways: tuple[str, ...] = ()  # what would bring the largest of the gains out of reach into it


class GatePlan(Value, frozen=True, kw_only=True):
    """What the gates of a project need at the variance and the margins of one report."""

    model: str
    version: int | None
    report: str
    recorded_at: int
    holdout_rows: int
    labels_per_day: float | None
    checks: tuple[PlannedCheck, ...]


def plan_from(report: GateReport, labels_per_day: float | None) -> GatePlan:
    """A plan for the checks that compared something; the others need no labels, or had none to learn from."""
    return GatePlan(
        model=report.model,
        version=report.version,
        report=report.id,
        recorded_at=report.recorded_at,
        holdout_rows=report.holdout_rows,
        labels_per_day=labels_per_day,
        checks=tuple(_planned(report, labels_per_day)),
    )


def _planned(report: GateReport, labels_per_day: float | None) -> Iterator[PlannedCheck]:
    for check in report.checks:
        variance = row_variance(check)
        if variance is None or not check.other or not check.check.compares:
            continue
        margin, confidence = check.allowed or 0.0, check.check.confidence
        gains = [_gain(check, variance, share, labels_per_day) for share in SHARES]
        yield PlannedCheck(
            title=check.title,
            metric=check.check.metric or check.title.partition(" ")[0],
            rows=check.rows,
            other=check.other,
            margin=margin,
            confidence=confidence,
            smallest_gain=smallest_gain(variance, check.rows, margin, confidence),
            gains=tuple(gains),
            ways=_ways(check, variance, gains, labels_per_day),
        )


def row_variance(check: CheckResult) -> float | None:
    """Variance of the check's difference times its rows; None where it has no bounds."""
    if check.low is None or check.high is None or check.difference is None or check.rows == 0:
        return None
    spread = (check.high - check.low) / 2 / z_of(check.check.confidence)
    return spread**2 * check.rows


def labels_for(variance: float, gain: float, margin: float, confidence: float) -> int | None:
    """Rows at which a true ``gain`` > 0 probably (80 %) passes: its bound within the margin, and its estimate better.

    Both are events of the same estimate, so the larger number does.
    """
    ways = (rows_needed(variance, gain + margin, confidence), rows_needed(variance, gain, _EVEN))
    return None if None in ways else max((way for way in ways if way is not None), default=None)


def smallest_gain(variance: float, rows: int, margin: float, confidence: float) -> float:
    """The gain whose :func:`labels_for` is ``rows``."""
    spread, power = math.sqrt(variance / rows), z_of(0.8)
    return max(spread * power, spread * (z_of(confidence) + power) - margin)


def _gain(check: CheckResult, variance: float, share: float, labels_per_day: float | None) -> PlannedGain:
    gain = share * abs(check.other or 0.0)
    labels = labels_for(variance, gain, check.allowed or 0.0, check.check.confidence)
    further = None if labels is None else max(labels - check.rows, 0)
    takes = None
    if further == 0:
        takes = 0
    elif further is not None and labels_per_day:
        takes = round(further / labels_per_day * DAY_US)
    return PlannedGain(share=share, gain=gain, labels=labels, further=further, takes_us=takes, reach=_reach(check.rows, labels, takes))


def _reach(rows: int, labels: int | None, takes_us: int | None) -> Reach:
    if labels is not None and labels <= rows:
        return Reach.NOW
    if labels is None or (labels > _MANY_TIMES * rows if takes_us is None else takes_us > FAR_US):
        return Reach.OUT
    return Reach.LATER


def _ways(check: CheckResult, variance: float, gains: Sequence[PlannedGain], labels_per_day: float | None) -> tuple[str, ...]:
    """A wider margin, more labels, a steadier metric: what each would have to be. Empty where nothing is out of reach."""
    out = [gain for gain in gains if gain.reach is Reach.OUT]
    if not out:
        return ()
    nearest = max(out, key=lambda gain: gain.share)
    ways = [f"a gain of {nearest.share:.0%} is out of reach with {check.rows:,} rows{_pace(labels_per_day)}"]
    rows = check.rows + (labels_per_day * SOON_DAYS if labels_per_day else 0)
    margin = margin_for(variance, round(rows), nearest.gain, check.check.confidence)
    if margin is not None and check.other:
        when = f"in {SOON_DAYS} days" if labels_per_day else "now"
        ways.append(f"a margin of {math.ceil(1000 * margin / abs(check.other)) / 10:g}% would show it {when}")
    if nearest.further is not None:
        ways.append(f"about {_two_digits(nearest.further / SOON_DAYS):,} labels a day would show it in {SOON_DAYS} days")
    ways.append("a metric that varies less from row to row takes fewer labels, in proportion to its variance")
    return tuple(ways)


def _pace(labels_per_day: float | None) -> str:
    return "" if labels_per_day is None else f" and {labels_per_day:,.3g} labels a day"


def _two_digits(value: float) -> int:
    return int(float(f"{max(value, 1.0):.2g}"))


def margin_for(variance: float, rows: int, gain: float, confidence: float) -> float | None:
    """The margin at which ``rows`` probably (80 %) show a true ``gain``; None where no margin does, because the estimate must be better."""
    spread, power = math.sqrt(variance / rows), z_of(0.8)
    return None if gain < spread * power else max(spread * (z_of(confidence) + power) - gain, 0.0)
