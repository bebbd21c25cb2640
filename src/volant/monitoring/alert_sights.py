"""What an alert shows, made from what the windows hold: the first window, the columns, the effect, before and now."""

from collections.abc import Sequence

from volant.config.metric_text import metric_label
from volant.monitoring.alert_model import Effect, Picture, Sight
from volant.monitoring.alert_rules import MOST_COLUMNS
from volant.monitoring.concerns import DRIFT, ERRORS, LABELS, LIVE_DATA, UNUSABLE
from volant.monitoring.drift_model import Aspect, Bar, ColumnDrift, DriftReport, Kind
from volant.monitoring.model import NEVER_LABELLED, LiveReport, WindowPerformance
from volant.monitoring.summary import WindowSummary, total

MOST_PICTURES = 3
_THERE, _MISSING = "there", "missing"


def drift_sight(report: DriftReport | None) -> Sight | None:
    """The columns that moved, the strongest first; the first window that any of them moved in."""
    moved = () if report is None else report.drifting
    if report is None or not moved:
        return None
    since = min((column.since_us for column in moved if column.since_us is not None), default=None)
    first = next((window for window in report.windows if since is not None and window.from_us >= since), None)
    strongest = moved[0]
    return Sight(
        from_us=since,
        to_us=strongest.seen_us if first is None else first.to_us,
        columns=tuple(column.name for column in moved[:MOST_COLUMNS]),
        effect=Effect(
            name=f"{strongest.name} moved by",
            value=strongest.effect,
            low=strongest.low,
            high=strongest.high,
            tolerance=strongest.tolerance,
        ),
        pictures=tuple(picture for column in moved[:MOST_PICTURES] if (picture := _picture(column)) is not None),
    )


def _picture(column: ColumnDrift) -> Picture | None:
    if column.aspect is Aspect.MISSING:
        there = Bar(text=_THERE, before=1 - column.missing_before, after=1 - column.missing_after)
        missing = Bar(text=_MISSING, before=column.missing_before, after=column.missing_after)
        return Picture(column=column.name, numbers=False, bars=(there, missing))
    return Picture(column=column.name, numbers=column.kind is Kind.NUMBER, bars=column.bars) if column.bars else None


def sight_of(cause: str, summaries: Sequence[WindowSummary], live: LiveReport | None, drift: DriftReport | None) -> Sight | None:
    """Of a cause that ``concerns.py`` found in these; ``summaries`` are the windows that it looked at, oldest first."""
    if cause == DRIFT:
        return drift_sight(drift)
    if cause == LABELS:
        return unlabelled_sight(live)
    newest = total(summaries)
    if newest is None:
        return None
    broken = max(newest.breaks.values(), default=0)
    shares = {
        ERRORS: ("share of rows on which the model raised", newest.errors, newest.rows),
        UNUSABLE: ("share of answers that cannot be used", newest.invalid, newest.rows - newest.errors),
        LIVE_DATA: ("share of rows that break a rule", broken, newest.checked),
    }
    return _share_sight(summaries, *shares[cause]) if cause in shares else None


def _share_sight(summaries: Sequence[WindowSummary], name: str, count: int, of: int) -> Sight | None:
    if of <= 0:
        return None
    low, high = share_interval(count, of)
    return Sight(from_us=summaries[0].from_us, to_us=summaries[0].to_us, effect=Effect(name=name, value=count / of, low=low, high=high))


def unlabelled_sight(live: LiveReport | None) -> Sight | None:
    """The first of the newest windows in a row whose labels are due and did not come."""
    first = None
    for window in reversed(() if live is None else live.windows):
        if window.waits == NEVER_LABELLED:
            first = window
        elif window.waits is None:
            break
    return None if first is None else Sight(from_us=first.from_us, to_us=first.to_us)


def share_interval(count: int, of: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927, JASA 22)."""
    share, spread = count / of, z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * (share * (1 - share) / of + spread / (4 * of)) ** 0.5
    return max(middle - half, 0.0), min(middle + half, 1.0)


def performance_sight(live: LiveReport | None) -> Sight | None:
    """The newest window with labels beside the reference; the first of the windows in a row that are worse than it."""
    ready = [] if live is None else [window for window in live.windows if window.ready and window.value is not None]
    if live is None or not ready:
        return None
    newest = ready[-1]
    before = None if live.reference is None else live.reference.value
    first = newest
    for window in reversed(ready):
        if before is None or not _worse(window, before, lower_is_better=live.lower_is_better):
            break
        first = window
    effect = None
    if newest.value is not None:
        effect = Effect(name=f"live {metric_label(live.metric)}", value=newest.value, low=newest.low, high=newest.high, before=before)
    return Sight(from_us=first.from_us, to_us=first.to_us, effect=effect)


def _worse(window: WindowPerformance, before: float, *, lower_is_better: bool) -> bool:
    return window.value is not None and (window.value > before) == lower_is_better and window.value != before
