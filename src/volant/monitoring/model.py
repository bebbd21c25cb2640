"""Values of the monitoring package."""

from collections.abc import Iterable
from typing import Any

from volant.config.model import DriftConfig
from volant.kernel.codec import Value

FILLING = "is still filling"
NEVER_LABELLED = "no labels came in time"


class WindowEvidence(Value, frozen=True, kw_only=True):
    """The champion's realised loss over one window of predictions, as known now."""

    from_us: int
    to_us: int
    rows: int
    labelled: int
    loss: float | None
    loss_variance: float | None  # of the mean, dependence between neighbouring rows included
    df: int | None = None  # degrees of freedom of that variance; None: taken as known


class MovedColumn(Value, frozen=True, kw_only=True):
    """A column that moved away from what the champion learned (``answer``: it is about the champion's answers).

    ``since_us``: when the first window with it began; ``seen_us``: when the first window ended that is an alarm. ``effect`` with
    its 95 % interval is over all windows since.
    """

    name: str
    answer: bool
    since_us: int
    seen_us: int
    effect: float
    low: float
    high: float
    tolerance: float


class DriftBasis(Value, frozen=True, kw_only=True):
    """What a statement about drift rests on: windows ``first`` to ``last`` of a champion's epoch, and what counted as moved."""

    epoch: int
    version: int
    first: int
    last: int
    rules: DriftConfig = DriftConfig()


class Estimate(Value, frozen=True, kw_only=True):
    """A window's mean row loss as expected of its answers and inputs, without labels (``estimating.py``).

    ``loss_variance`` with ``df`` is of this mean; ``low_loss`` to ``high_loss`` is a 95 % interval for what labels will show,
    ``value`` with ``low`` and ``high`` the same as the metric, where that is a function of the mean loss. ``bias_variance``
    with ``bias_df``: what the holdout it was fitted on leaves open. ``outside``: the share of rows beyond what the champion
    saw; ``outside_column`` names the input where these are too many to believe it. ``gap``: realised less expected loss of the
    ``gap_rows`` rows that have a label.
    """

    rows: int
    loss: float
    loss_variance: float | None
    df: int | None
    low_loss: float
    high_loss: float
    value: float | None
    low: float | None
    high: float | None
    bias_variance: float
    bias_df: int
    outside: float = 0.0
    outside_column: str | None = None
    gap: float | None = None
    gap_rows: int = 0
    gap_variance: float | None = None
    gap_df: int | None = None


class EstimatedWindow(Value, frozen=True, kw_only=True):
    """A full window's estimate as the decision core takes it. ``labelled``: its labels are complete, so the gap is evidence."""

    from_us: int
    to_us: int
    labelled: bool
    estimate: Estimate


class WindowPerformance(Value, frozen=True, kw_only=True):
    """A window of predictions with what their labels say so far.

    ``rows`` are the answered rows that count: a key that is predicted again counts once. ``loss`` is the row loss that
    stands for the metric (lower is better), ``value`` the metric itself with bounds ``low`` and ``high``, each of which
    holds at 95 % by itself. ``waits`` says why the window is no evidence yet.
    """

    number: int
    from_us: int
    to_us: int
    rows: int
    labelled: int
    event_from_us: int | None = None
    event_to_us: int | None = None
    loss: float | None = None
    loss_variance: float | None = None
    df: int | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    label_delay_us: int | None = None  # the median time from answer to label
    waits: str | None = None
    estimate: Estimate | None = None

    @property
    def ready(self) -> bool:
        """Whether decisions may rest on it."""
        return self.waits is None

    @property
    def coverage(self) -> float:
        """The share of rows that have a label, 0 to 1."""
        return self.labelled / self.rows if self.rows else 0.0

    def estimated(self) -> EstimatedWindow | None:
        """Its estimate as the decision core takes it; None while it is still filling."""
        if self.estimate is None or self.waits == FILLING:
            return None
        return EstimatedWindow(from_us=self.from_us, to_us=self.to_us, labelled=self.ready, estimate=self.estimate)

    def evidence(self) -> WindowEvidence:
        """As the decision core takes it."""
        return WindowEvidence(
            from_us=self.from_us,
            to_us=self.to_us,
            rows=self.rows,
            labelled=self.labelled,
            loss=self.loss,
            loss_variance=self.loss_variance,
            df=self.df,
        )


class SlicePerformance(Value, frozen=True, kw_only=True):
    """The metric over those rows of all complete windows of which ``column`` has this value (as gates cut slices)."""

    column: str
    of: str
    rows: int
    labelled: int
    value: float | None = None
    low: float | None = None
    high: float | None = None


class Reference(Value, frozen=True, kw_only=True):
    """What the champion showed on its own holdout: row loss with its variance, and the metric with bounds."""

    rows: int
    loss: float
    loss_variance: float | None
    df: int | None
    value: float | None = None
    low: float | None = None
    high: float | None = None


class WindowBasis(Value, frozen=True, kw_only=True):
    """What live windows are computed from: enough to compute them once more from the log and the labels themselves.

    ``position``: lines of each source of the log (``Predictions.table``, upto); ``labels``: LabelStore.revision;
    ``question``: what was asked of them (``performance.Question``).
    """

    model: str
    epoch: int
    known_by: int
    labels: int
    position: dict[str, int]
    question: dict[str, Any]


class LiveReport(Value, frozen=True, kw_only=True):
    """The realised performance of one epoch's champion. ``labels``, ``labels_known`` and ``lines`` name what it
    was computed from.
    """

    model: str
    epoch: int
    version: int | None
    metric: str
    lower_is_better: bool
    recorded_at: int
    labels: int  # LabelStore.revision
    labels_known: int = 0  # LabelStore.known_until by then
    lines: int  # Covered.revision
    asked: str = ""  # digest of the settings it was computed under
    position: dict[str, int] = {}  # as in WindowBasis
    question: dict[str, Any] = {}
    reference: Reference | None
    windows: tuple[WindowPerformance, ...]
    slices: tuple[SlicePerformance, ...] = ()

    def basis(self) -> WindowBasis:
        """What its windows were computed from."""
        return WindowBasis(
            model=self.model,
            epoch=self.epoch,
            known_by=self.recorded_at,
            labels=self.labels,
            position=self.position,
            question=self.question,
        )

    def evidence(self) -> tuple[WindowEvidence, ...]:
        """The windows that decisions may rest on, oldest first."""
        return tuple(window.evidence() for window in self.windows if window.ready)

    def estimates(self) -> tuple[EstimatedWindow, ...]:
        """What was estimated of the full windows, oldest first."""
        return estimated_windows(self.windows)


def estimated_windows(windows: Iterable[WindowPerformance]) -> tuple[EstimatedWindow, ...]:
    """What was estimated of those that are full."""
    return tuple(found for window in windows if (found := window.estimated()) is not None)
