"""Is the champion expected to have become worse, before labels say so, and may one believe it?

Both questions are put to the sequential test of ``performance.py``. *Worse*: expected losses of full windows against the
reference, without windows whose rows lie outside of what the champion saw. *Believable*: realised less expected losses of
the same rows against zero, in both directions, each at twice the limit. A change of what targets depend on shows there and
nowhere else, so an estimate that labels contradict is not listened to.

Standard library only: the control process decides with it.
"""

from collections.abc import Sequence

from volant.kernel.codec import Value
from volant.loop.performance import LIMIT, PerformanceSignal, performance_signal
from volant.monitoring.model import EstimatedWindow, WindowEvidence

VALIDITY_LIMIT = 2 * LIMIT


class Validity(Value, frozen=True, kw_only=True):
    """Whether labels contradict the estimates: ``gap`` is realised less expected loss over the ``windows`` that say so most."""

    contradicted: bool
    statistic: float
    windows: int
    gap: float | None


class EstimatedSignal(Value, frozen=True, kw_only=True):
    """``fired``: worse, and nothing contradicts it. ``outside``: windows left out, for rows beyond what the champion saw."""

    fired: bool
    worse: PerformanceSignal
    validity: Validity
    outside: int


def estimated_signal(
    windows: Sequence[EstimatedWindow], reference_loss: float | None, reference_variance: float | None, reference_df: int | None = None
) -> EstimatedSignal:
    """Run both tests over all full windows since the champion's release."""
    inside = [window for window in windows if window.estimate.outside_column is None]
    expected = [_expected(window) for window in inside]
    worse = performance_signal(expected, reference_loss, reference_variance, reference_df)
    validity = validity_of(windows)
    return EstimatedSignal(
        fired=worse.fired and not validity.contradicted, worse=worse, validity=validity, outside=len(windows) - len(inside)
    )


def validity_of(windows: Sequence[EstimatedWindow]) -> Validity:
    """What the labels that are complete say of the estimates."""
    known = [window for window in windows if window.labelled and window.estimate.gap is not None]
    if not known:
        return Validity(contradicted=False, statistic=0.0, windows=0, gap=None)
    bias = max(window.estimate.bias_variance for window in known)
    df = min(window.estimate.bias_df for window in known)
    tests = {sign: performance_signal([_gap(window, sign) for window in known], 0.0, bias, df) for sign in (1, -1)}
    sign, found = max(tests.items(), key=lambda pair: pair[1].statistic)
    return Validity(
        contradicted=found.statistic >= VALIDITY_LIMIT,
        statistic=found.statistic,
        windows=found.windows,
        gap=None if found.recent_loss is None else sign * found.recent_loss,
    )


def _expected(window: EstimatedWindow) -> WindowEvidence:
    found = window.estimate
    return _evidence(window, found.rows, found.loss, found.loss_variance, found.df)


def _gap(window: EstimatedWindow, sign: int) -> WindowEvidence:
    found = window.estimate
    return _evidence(window, found.gap_rows, sign * (found.gap or 0.0), found.gap_variance, found.gap_df)


def _evidence(window: EstimatedWindow, rows: int, loss: float, variance: float | None, df: int | None) -> WindowEvidence:
    return WindowEvidence(from_us=window.from_us, to_us=window.to_us, rows=rows, labelled=rows, loss=loss, loss_variance=variance, df=df)
