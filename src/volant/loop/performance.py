"""Has the champion become worse? A sequential test that may be looked at after every window.

Each window gives ``z = (loss - bound) / sd``: ``bound`` is the upper 90 % bound of the reference loss (Student's t with the
reference's degrees of freedom), so that a small reference is not mistaken for a change, and ``sd`` is the window's own,
dependence between rows included. With a window's degrees of freedom, ``z`` is Student's t brought to the normal scale
(Wallace 1959, Ann. Math. Stat. 30).
The statistic is the Shiryaev-Roberts sum ``M = (M + 1) exp(c z - c^2 / 2)``, averaged over three sizes ``c`` of change: a
sum of e-values, so that without a change an alarm comes on average no sooner than after ``LIMIT`` windows (Shin, Ramdas
& Rinaldo 2024, "E-detectors", New England J. Stat. Data Sci. 2), however often one looks.

Standard library only: the control process decides with it.
"""

import math
from collections.abc import Sequence

from volant.kernel.codec import Value
from volant.loop.student import t_point
from volant.monitoring.model import WindowEvidence

LIMIT = 100.0
SIZES = (0.5, 1.0, 2.0)
FEWEST_LABELS = 20
_REFERENCE_SHARE = 0.9
_LARGEST_Z = 8.0
_LARGEST_SUM = 1e300


class PerformanceSignal(Value, frozen=True, kw_only=True):
    """What the windows say together; ``since_us``: when the ones began that say it most."""

    fired: bool
    statistic: float
    windows: int
    labelled: int
    recent_loss: float | None
    bound: float | None
    since_us: int | None = None


def performance_signal(
    windows: Sequence[WindowEvidence], reference_loss: float | None, reference_variance: float | None, reference_df: int | None = None
) -> PerformanceSignal:
    """Run the test over all windows since the champion's release, oldest first."""
    usable = [w for w in sorted(windows, key=lambda w: w.from_us) if w.labelled >= FEWEST_LABELS and w.loss is not None]
    if reference_loss is None or not usable:
        return PerformanceSignal(fired=False, statistic=0.0, windows=len(usable), labelled=0, recent_loss=None, bound=None)
    bound = reference_bound(reference_loss, reference_variance, reference_df)
    sums = [0.0] * len(SIZES)
    best_start = len(usable) - 1
    for number, window in enumerate(usable):
        z = _z(window, bound)
        if max(sums) < 1.0:
            best_start = number
        sums = [min((total + 1) * math.exp(size * z - size * size / 2), _LARGEST_SUM) for total, size in zip(sums, SIZES, strict=True)]
    statistic = sum(sums) / len(sums)
    recent = usable[best_start:]
    labelled = sum(window.labelled for window in recent)
    loss = sum((window.loss or 0.0) * window.labelled for window in recent) / labelled
    return PerformanceSignal(
        fired=statistic >= LIMIT,
        statistic=statistic,
        windows=len(recent),
        labelled=labelled,
        recent_loss=loss,
        bound=bound,
        since_us=recent[0].from_us,
    )


def reference_bound(loss: float, variance: float | None, df: int | None) -> float:
    """The upper 90 % bound of a reference loss: a variance from few observations may be far too small."""
    return loss + t_point(_REFERENCE_SHARE, df) * math.sqrt(max(variance or 0.0, 0.0))


def _z(window: WindowEvidence, bound: float) -> float:
    """How many standard deviations the window is over the bound, on the normal scale, within +-8."""
    variance = window.loss_variance
    if window.loss is None or variance is None or not math.isfinite(variance) or (variance <= 0 and window.df is None):
        return 0.0
    gap = window.loss - bound
    if variance <= 0:
        return math.copysign(_LARGEST_Z, gap) if gap else 0.0
    value = gap / math.sqrt(variance)
    if window.df is not None:
        df = max(window.df, 1)
        size = math.sqrt(df * math.log1p(value * value / df)) * (8 * df + 1) / (8 * df + 3)
        value = math.copysign(size, value)
    return max(-_LARGEST_Z, min(_LARGEST_Z, value))
