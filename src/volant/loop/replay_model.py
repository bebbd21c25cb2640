"""Values of a replay. Light: the server and the command line decode them."""

from volant.config.metric_text import metric_label
from volant.config.model import RetrainConfig, WindowConfig
from volant.kernel.clock import iso
from volant.kernel.codec import Value
from volant.loop.model import Decision

CONFIDENCE = 0.95


class ReplayWindow(Value, frozen=True, kw_only=True):
    """One stretch of history in which every policy answered all rows."""

    from_us: int
    to_us: int  # event time of the last row
    rows: int


class PolicyResult(Value, frozen=True, kw_only=True):
    """What one policy would have done and how well its answers would have been.

    ``low``/``high`` bound the metric, ``difference_low``/``difference_high`` the paired difference to ``never`` (candidate
    minus never, in the metric's direction), each bound by itself at ``CONFIDENCE``, dependence over time included.
    """

    name: str
    retention: str | None
    metric: float | None
    low: float | None
    high: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    retrains: int
    promotions: int
    refusals: int
    undecided: int  # candidates replaced, or left, before there was enough evidence
    failures: int
    window_metrics: tuple[float | None, ...]
    retrain_windows: tuple[int, ...]  # numbers of the windows at whose start a training began
    promotion_windows: tuple[int, ...]
    decisions: tuple[Decision, ...]
    efficient: bool = False  # no other policy is as good with fewer retrains


class BoundPoint(Value, frozen=True, kw_only=True):
    """The best that so many retrains could have reached by one who knew all labels before. ``loss``: summed over rows."""

    retrains: int
    metric: float
    loss: float


class Recommendation(Value, frozen=True, kw_only=True):
    """The policy chosen on the first windows, and its difference to never on the later ones, which had no say in the choice.

    ``difference`` is of the metric (negative is better for losses), each bound by itself at ``CONFIDENCE``; ``retrains``: in the
    later windows. ``retrain`` and ``window``: as ``volant policy accept`` writes them.
    """

    policy: str
    chosen_windows: int
    checked_windows: int
    difference: float | None
    low: float | None
    high: float | None
    retrains: int
    cost: float  # of a retrain, in row loss times rows
    retrain: RetrainConfig
    window: WindowConfig


class ReplayResult(Value, frozen=True, kw_only=True):
    """A replay of several policies over one history."""

    project: str
    metric: str
    lower_is_better: bool
    rows: int
    warm_up_rows: int
    warm_up_share: float
    evaluated_rows: int
    windows: tuple[ReplayWindow, ...]
    planned_windows: int
    policies: tuple[PolicyResult, ...]
    baselines: dict[str, float]  # over the same evaluated rows, at the label delay
    trainings: int  # distinct ones that were run
    shared_trainings: int  # asked for again and not run again
    training_us: tuple[int, ...]  # measured duration of each distinct training
    train_duration_us: int  # declared: how long the old model goes on answering
    label_delay_us: int
    seed: int
    row_us: int | None = None  # set where there is no time column: event times are row numbers times this
    partial: str | None  # what was left out and why, when the time budget ended it
    notes: tuple[str, ...]
    recommended: Recommendation | None = None
    bound: tuple[BoundPoint, ...] = ()  # by retrains; only where it was asked for

    @property
    def label(self) -> str:
        """The metric as people read it."""
        return metric_label(self.metric)


def place_in_history(event_us: int, row_us: int | None) -> str:
    """An event time for people: an instant, or the row's number where the data have no time."""
    return iso(event_us) if row_us is None else f"row {event_us // row_us + 1:,}"
