"""How much a drift matters: what the champion makes of the columns that moved, and the loss that is expected of it.

Drift alone never pages anybody. It opens a ticket that asks for a challenger where the champion looks at what moved, or where its
answers have moved; it is no more than a note where the champion hardly looks at it. What is expected of the loss is said beside.
Standard library only.
"""

from collections.abc import Sequence

from volant.config.metric_text import metric_label
from volant.monitoring.alert_model import Severity
from volant.monitoring.drift_model import ColumnDrift, DriftReport
from volant.monitoring.model import Estimate, LiveReport, Reference

LEAST = 0.02
"""Of the spread of the answers: the champion does not look at a column on which less hangs."""
_ASKS = "A challenger may do better: volant retrain."
_NOTE = "The champion's answers hardly hang on it, so nothing need be done."


def matters(column: ColumnDrift) -> bool:
    """Whether the champion's answers hang on it; where that is not known, they may."""
    return column.importance is None or column.importance >= LEAST


def severity_of(moved: Sequence[ColumnDrift], live: LiveReport | None) -> Severity:
    """Of columns that moved: a ticket where answers hang on one, or where more loss than on the held-out rows is expected."""
    return Severity.WARNING if any(matters(column) for column in moved) or expects_worse(live) else Severity.INFO


def advice(report: DriftReport, live: LiveReport | None) -> str:
    """What follows: a challenger, or nothing; and what the loss is expected to be, where it can be estimated."""
    asked = _ASKS if severity_of(report.drifting, live) is Severity.WARNING else _NOTE
    return f"{expected_text(live)} {asked}".strip()


def expects_worse(live: LiveReport | None) -> bool:
    """Whether the newest estimate's whole interval lies above the loss on the held-out rows."""
    newest = _newest(live)
    return live is not None and live.reference is not None and newest is not None and newest.low_loss > live.reference.loss


def expected_text(live: LiveReport | None) -> str:
    """The newest estimate of the metric without labels beside the reference; empty where there is none to believe."""
    newest = _newest(live)
    if live is None or live.reference is None or newest is None or newest.value is None:
        return ""
    span = "" if newest.low is None or newest.high is None else f" [{newest.low:.3g}, {newest.high:.3g}]"
    return f"Without labels, {metric_label(live.metric)} is expected to be {newest.value:.3g}{span}{_against(live.reference)}."


def _newest(live: LiveReport | None) -> Estimate | None:
    """The newest full window's, unless its rows lie outside of what the champion saw."""
    windows = () if live is None else live.estimates()
    return windows[-1].estimate if windows and windows[-1].estimate.outside_column is None else None


def _against(reference: Reference) -> str:
    return "" if reference.value is None else f"; on the held-out rows it was {reference.value:.3g}"
