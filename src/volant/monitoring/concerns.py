"""What a person should hear about from the windows alone: errors, unusable answers, rows that break the contract, labels
that stopped, columns that moved.

A share is a concern when it is surely over what is tolerated: by an exact binomial test over the two newest windows. So a
single bad row in little traffic says nothing, and several together do at once.

Standard library only.
"""

import math
from collections.abc import Sequence

from volant.kernel.clock import iso
from volant.kernel.codec import Value
from volant.monitoring.alert_model import Severity
from volant.monitoring.drift_model import Aspect, ColumnDrift, DriftReport
from volant.monitoring.drift_severity import advice, severity_of
from volant.monitoring.model import NEVER_LABELLED, LiveReport
from volant.monitoring.summary import WindowSummary, total

ERRORS, UNUSABLE, LIVE_DATA, LABELS, DRIFT = "errors", "unusable answers", "live data", "labels", "drift"
CAUSES = (ERRORS, UNUSABLE, LIVE_DATA, LABELS, DRIFT)
TOLERATED = 0.005
TOLERATED_BREAKS = 0.02
FEWEST_ROWS = 50  # before a cause counts as gone
_CHANCE = 0.001
_NEWEST = 2


class Concern(Value, frozen=True, kw_only=True):
    """A cause that holds, as an alert says it."""

    cause: str
    severity: Severity
    sentence: str
    facts: dict[str, str | int | float | None]


def concerns(
    summaries: Sequence[WindowSummary], live: LiveReport | None, label_delay_us: int = 0, drift: DriftReport | None = None
) -> tuple[Concern, ...]:
    """Everything that holds now; a cause of ``CAUSES`` that is not among them is gone. ``summaries`` come oldest first.

    Labels can only be missed where they came before, and where it is known how long they take: from ``label_delay_us`` as
    declared, or from windows that have some.
    """
    newest = total(summaries[-_NEWEST:])
    found = [] if newest is None else [_errors(newest), _unusable(newest), _live_data(newest)]
    return tuple(concern for concern in (*found, _labels(live, label_delay_us), _drift(drift, live)) if concern is not None)


def unseen(summaries: Sequence[WindowSummary], live: LiveReport | None, drift: DriftReport | None = None) -> frozenset[str]:
    """Causes about which too little was seen to say that they are gone: a new champion's first rows prove nothing."""
    newest = total(summaries[-_NEWEST:])
    found = set()
    if newest is None or newest.rows < FEWEST_ROWS:
        found |= {ERRORS, UNUSABLE, LIVE_DATA}
    if live is None or not any(window.waits in {None, NEVER_LABELLED} for window in live.windows):
        found.add(LABELS)
    if drift is None or drift.basis() is None:
        found.add(DRIFT)
    return frozenset(found)


def surely_over(count: int, of: int, tolerated: float) -> bool:
    """Whether so many would be seen by chance less than once in a thousand if the true share were ``tolerated``."""
    if count <= tolerated * of:
        return False
    fewer = (_chance(seen, of, tolerated) for seen in range(count))
    return 1.0 - math.fsum(fewer) < _CHANCE


def _chance(seen: int, of: int, share: float) -> float:
    """P(X = seen) of a binomial distribution."""
    ways = math.lgamma(of + 1) - math.lgamma(seen + 1) - math.lgamma(of - seen + 1)
    return math.exp(ways + seen * math.log(share) + (of - seen) * math.log1p(-share))


def _errors(newest: WindowSummary) -> Concern | None:
    if not surely_over(newest.errors, newest.rows, TOLERATED):
        return None
    sentence = f"The model raised on {newest.errors:,} of the newest {newest.rows:,} rows ({newest.errors / newest.rows:.1%})."
    return Concern(cause=ERRORS, severity=Severity.CRITICAL, sentence=sentence, facts={"errors": newest.errors, "rows": newest.rows})


def _unusable(newest: WindowSummary) -> Concern | None:
    answered = newest.rows - newest.errors
    if not surely_over(newest.invalid, answered, TOLERATED):
        return None
    sentence = f"{newest.invalid:,} of the newest {answered:,} answers cannot be used: they are null or not finite."
    return Concern(cause=UNUSABLE, severity=Severity.CRITICAL, sentence=sentence, facts={"unusable": newest.invalid, "answers": answered})


def _live_data(newest: WindowSummary) -> Concern | None:
    broken = {rule: rows for rule, rows in newest.breaks.items() if surely_over(rows, newest.checked, TOLERATED_BREAKS)}
    if not broken:
        return None
    worst = sorted(broken, key=lambda rule: (-broken[rule], rule))
    shown = "; ".join(f"{rule} ({broken[rule] / newest.checked:.0%} of rows)" for rule in worst[:3])
    more = f" and {len(worst) - 3} more" if len(worst) > 3 else ""
    sentence = f"Live rows break the contract: {shown}{more}."
    return Concern(cause=LIVE_DATA, severity=Severity.CRITICAL, sentence=sentence, facts={"rules": len(worst), "rows": newest.checked})


def _labels(live: LiveReport | None, label_delay_us: int) -> Concern | None:
    if live is None or not live.labels or not (label_delay_us or any(window.labelled for window in live.windows)):
        return None
    due = [window for window in live.windows if window.waits in {None, NEVER_LABELLED}]
    unlabelled = []
    for window in reversed(due):
        if window.waits is None:
            break
        unlabelled.append(window)
    if not unlabelled:
        return None
    rows = sum(window.rows for window in unlabelled)
    sentence = f"No labels came in time for the newest {rows:,} answers whose labels are due: how right the model is cannot be seen."
    return Concern(cause=LABELS, severity=Severity.WARNING, sentence=sentence, facts={"answers": rows, "windows": len(unlabelled)})


def _drift(report: DriftReport | None, live: LiveReport | None) -> Concern | None:
    """A ticket, or a note where nothing hangs on it; never a page: inputs that move need not make answers worse."""
    moved = () if report is None else report.drifting
    if report is None or not moved:
        return None
    more = f"; so have {_named([column.name for column in moved[1:]])}" if len(moved) > 1 else ""
    since = min(column.since_us or 0 for column in moved)
    sentence = f"Live rows have moved away from what the model learned: {moved_text(moved[0])}{more}. {advice(report, live)}"
    return Concern(
        cause=DRIFT,
        severity=severity_of(moved, live),
        sentence=sentence,
        facts={
            "columns": ", ".join(column.name for column in moved[:20]),
            "since": iso(since),
            "effect": moved[0].effect,
            "low": moved[0].low,
            "high": moved[0].high,
            "tolerance": moved[0].tolerance,
            "importance": moved[0].importance,
            "rows": moved[0].rows,
        },
    )


def moved_text(column: ColumnDrift) -> str:
    """``temp by 0.42 [0.35, 0.49], tolerance 0.03, since 2024-05-01 10:00Z``; for missing values their shares."""
    what = column.name
    if column.aspect is Aspect.MISSING:
        what = f"{column.name} is missing in {column.missing_after:.2%} of rows, before in {column.missing_before:.2%},"
    since = "" if column.since_us is None else f", since {iso(column.since_us)[:16].replace('T', ' ')}Z"
    return f"{what} by {column.effect:.3g} [{column.low:.3g}, {column.high:.3g}], tolerance {column.tolerance:.3g}{since}"


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
