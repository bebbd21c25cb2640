"""What ``volant.yaml`` says, parsed. The loader (``load.py``) is strict; everything behind it trusts these values."""

from enum import StrEnum

from volant.kernel.clock import DAY_US
from volant.kernel.codec import Value


class Task(StrEnum):
    """What kind of thing is predicted."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    MULTILABEL = "multilabel"
    REGRESSION = "regression"


class Keep(StrEnum):
    """Which rows a training window keeps."""

    ALL = "all"
    LAST = "last"
    WEIGHTED = "weighted"  # all, older ones counting less
    SINCE_CHANGE = "since_change"  # those since the last change that a trigger saw


class Autonomy(StrEnum):
    """Who lets a gated model out."""

    PROPOSE = "propose"
    AUTOPILOT = "autopilot"


class TrainFrom(StrEnum):
    """Where the next training rows come from."""

    LOG = "log"
    SOURCE = "source"


class Amount(Value, frozen=True, kw_only=True):
    """A number of rows or a stretch of time; exactly one is set."""

    rows: int | None = None
    duration_us: int | None = None


class Margin(Value, frozen=True, kw_only=True):
    """How much worse still counts as not worse: a share of the other model's metric, or an absolute number."""

    value: float
    relative: bool


class DataConfig(Value, frozen=True, kw_only=True):
    """The ``data`` section."""

    source: str
    key: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    tick_us: int | None = None
    drop: tuple[str, ...] = ()
    label_delay_us: int = 0
    contract: str | None = None


class WindowConfig(Value, frozen=True, kw_only=True):
    """``train.window``: ``{keep: all}``, ``{keep: last, size: 90d}``, ``{keep: weighted, half_life: 90d}`` or
    ``{keep: since_change, size: 2000 rows}``, whose ``size`` is kept at least.

    ``since_us`` is no setting: when the world changed, as the loop decided it.
    """

    keep: Keep = Keep.ALL
    size: Amount | None = None
    half_life: Amount | None = None
    since_us: int | None = None


class TrainConfig(Value, frozen=True, kw_only=True):
    """The ``train`` section. ``params`` override keyword defaults of steps; ``seed`` is such a parameter too."""

    pipeline: str = "pipeline.py"
    from_: TrainFrom = TrainFrom.LOG
    window: WindowConfig = WindowConfig()
    holdout: Amount = Amount(rows=1000)
    params: dict[str, bool | int | float | str | None] = {}
    seed: int = 7


class GateKind(StrEnum):
    """What one line under ``gates`` asks."""

    BASELINE = "baseline"  # better than the best of the baselines, as known at the label delay
    CHAMPION = "champion"  # not worse than the champion by more than the margin, and point estimate better
    SLICES = "slices"  # no slice significantly worse than the champion beyond the margin (Holm)
    FLOOR = "floor"  # metric on its own within a bound
    LATENCY = "latency"  # p99 and p95 of one-row predictions, by themselves and beside the champion's
    HOLDOUT = "holdout"  # how many candidates its rows may judge, and how old they may be
    FAIRNESS = "fairness"  # a metric or a rate of each group against the others, difference and ratio (Holm)
    CALIBRATION = "calibration"  # whether what is given a chance of 30 % happens in 30 % of cases
    CHURN = "churn"  # how many answers differ from the champion's; needs no labels
    ROBUSTNESS = "robustness"  # how much noise, missing cells and swapped categories worsen the metric
    SIZE = "size"  # bytes of the package, and of the memory of a process that serves it


class Rate(StrEnum):
    """A share that fairness compares beside metrics."""

    SELECTION = "selection"  # of rows that are given the positive label
    TPR = "tpr"  # of positive rows that are given it
    FPR = "fpr"  # of other rows that are given it


class Goal(StrEnum):
    """Which way a business metric is better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


class Aggregate(StrEnum):
    """What of a business metric is shown of a window; decisions take the mean in any case, which does not hang on the window's size."""

    MEAN = "mean"
    SUM = "sum"  # beside the mean


class BusinessMetric(Value, frozen=True, kw_only=True):
    """One entry of ``metrics``: the mean of ``expression`` over rows, in ``unit``."""

    name: str
    expression: str
    goal: Goal
    unit: str | None = None
    aggregate: Aggregate = Aggregate.MEAN


class GateConfig(Value, frozen=True, kw_only=True):
    """One line under ``gates``. ``minimum``/``maximum`` belong to FLOOR, ``latency_us``, ``latency_p95_us`` and ``slower`` to
    LATENCY, ``uses`` and ``expires_us`` to HOLDOUT; ``columns``, ``rate``, ``positive``, ``max_difference`` and ``min_ratio`` to
    FAIRNESS; ``most_error`` and ``slope`` to CALIBRATION; ``most_churn`` to CHURN; ``noise``, ``missing`` and ``swaps`` to
    ROBUSTNESS, whose limit is ``margin``; ``package_bytes`` and ``memory_bytes`` to SIZE.
    """

    kind: GateKind
    metric: str | None = None
    margin: Margin = Margin(value=0.0, relative=False)
    confidence: float = 0.95
    slices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    latency_us: int | None = None
    uses: int | None = None
    expires_us: int | None = None
    latency_p95_us: int | None = None
    slower: float | None = None  # share by which p95 and p99 may be longer than the champion's
    columns: tuple[str, ...] = ()
    rate: Rate | None = None
    positive: str | None = None
    max_difference: float | None = None
    min_ratio: float | None = None
    most_error: float | None = None
    slope: float | None = None
    most_churn: Margin | None = None  # relative: a share of answers, or of the spread of the champion's numbers
    noise: float | None = None  # in spreads of a column
    missing: float | None = None  # share of cells
    swaps: float | None = None  # share of cells
    package_bytes: int | None = None
    memory_bytes: int | None = None

    @property
    def compares(self) -> bool:
        """Whether it compares a metric with the champion's or a baseline's, so that a gain takes so many labels to show."""
        return self.kind in {GateKind.BASELINE, GateKind.CHAMPION, GateKind.SLICES}

    @property
    def measures(self) -> bool:
        """Whether it asks the model itself for more than answers to the held-out rows."""
        return self.kind in {GateKind.LATENCY, GateKind.ROBUSTNESS, GateKind.SIZE}

    @property
    def has_metric(self) -> bool:
        """Whether it is about a metric; the project's where it names none."""
        return self.rate is None and self.kind not in _WITHOUT_METRIC

    @property
    def spends_labels(self) -> bool:
        """Whether it learns something from the labels of the held-out rows."""
        return self.kind not in {GateKind.LATENCY, GateKind.HOLDOUT, GateKind.CHURN, GateKind.SIZE}


_WITHOUT_METRIC = frozenset({GateKind.LATENCY, GateKind.HOLDOUT, GateKind.CALIBRATION, GateKind.CHURN, GateKind.SIZE})


class TriggerKind(StrEnum):
    """What may ask for a retrain."""

    CLOCK = "clock"
    NEW_LABELS = "new_labels"
    PERFORMANCE = "performance"
    DATA = "data"  # the source holds other bytes
    ESTIMATED = "estimated_performance"
    COST = "cost"  # staying costs more by now than a retrain does
    FORECAST = "forecast"  # the champion is going to be worse by the time a retrain could be felt
    DRIFT = "drift"  # live rows or answers have moved away from what the champion learned


OF_LOSSES = (TriggerKind.PERFORMANCE, TriggerKind.COST, TriggerKind.FORECAST)  # they listen to the champion's realised losses


class DriftOf(StrEnum):
    """Whose drift a trigger listens to."""

    ANY = "any"
    INPUTS = "inputs"
    PREDICTION = "prediction"


class TriggerConfig(Value, frozen=True, kw_only=True):
    """One line under ``retrain.when``."""

    kind: TriggerKind
    every_us: int | None = None
    labels: int | None = None
    drift: DriftOf | None = None


class GuardConfig(Value, frozen=True, kw_only=True):
    """``retrain.guard``: what must hold before any trigger is heard."""

    cooldown_us: int = 0
    min_new_labels: int = 0


class CostConfig(Value, frozen=True, kw_only=True):
    """``retrain.cost``, all in one unit of one's own: what a training costs, what a label costs, and what one unit of the metric's
    row loss costs on one row. With ``loss`` at 1 the unit is the metric's row loss itself.
    """

    retrain: float = 0.0
    label: float = 0.0
    loss: float = 1.0

    def of_a_retrain(self, labels: int) -> float:
        """In row loss times rows, with so many labels that came in for it."""
        return (self.retrain + self.label * labels) / self.loss


class RetrainConfig(Value, frozen=True, kw_only=True):
    """The ``retrain`` section."""

    when: tuple[TriggerConfig, ...] = ()
    guard: GuardConfig = GuardConfig()
    cost: CostConfig = CostConfig()


class StepKind(StrEnum):
    """What one line under ``release.steps`` does with traffic."""

    SHADOW = "shadow"  # the new version scores what the champion answers, and nobody sees it
    CANARY = "canary"  # it answers a share of the requests
    FULL = "full"  # it becomes the champion


class StepConfig(Value, frozen=True, kw_only=True):
    """One line under ``release.steps``. ``rows`` counts all traffic of a canary, and the rows that a shadow scored."""

    kind: StepKind
    rows: int = 0
    share: float = 0.0


class ReleaseConfig(Value, frozen=True, kw_only=True):
    """The ``release`` section. Without steps a version that is let out becomes the champion at once."""

    autonomy: Autonomy = Autonomy.PROPOSE
    steps: tuple[StepConfig, ...] = ()
    time_limit_us: int = 7 * DAY_US


class AlertTarget(Value, frozen=True, kw_only=True):
    """One line under ``watch.alerts``: ``log``, ``KIND:env:NAME`` for a webhook, slack, mail or alertmanager, or ``mail:ADDRESS``.

    ``secret`` names the environment variable (``env:NAME``) with what a webhook's signature is made with, or an
    Alertmanager's bearer token; ``server`` the one with a mail server's address and login. ``sender`` is what a letter is
    from. ``only``: of alerts that ask for one of these (``page``, ``ticket``, ``note``); empty for all.
    """

    to: str
    secret: str | None = None
    only: tuple[str, ...] = ()
    server: str | None = None
    sender: str | None = None


class DriftConfig(Value, frozen=True, kw_only=True):
    """``watch.drift``. ``columns``: name -> tolerance. Names are those of inputs, or ``prediction`` and ``score``.

    ``multivariate``: whether full windows are also looked at as whole rows.
    """

    tolerance: float = 0.03
    columns: dict[str, float] = {}
    ignore: tuple[str, ...] = ()
    multivariate: bool = False


class WatchConfig(Value, frozen=True, kw_only=True):
    """The ``watch`` section. ``window``: rows or a stretch of time."""

    window: Amount = Amount(rows=500)
    drift: DriftConfig = DriftConfig()
    alerts: tuple[AlertTarget, ...] = (AlertTarget(to="log"),)


class SuiteCheck(StrEnum):
    """What a suite tests of the champion."""

    CONTRACT = "contract"  # the source keeps its contract
    BASELINE = "baseline"  # it still beats the baselines, on the newest labelled rows
    FLOORS = "floors"  # its metrics are within their limits there
    SLICES = "slices"  # and in no slice surely worse than the best baseline
    DRIFT = "drift"  # live rows have not moved away from what it learned
    LATENCY = "latency"  # one-row predictions are as quick as the gate asks
    FAIRNESS = "fairness"  # groups are treated alike
    CALIBRATION = "calibration"  # chances are as they are given
    ROBUSTNESS = "robustness"  # noise and missing cells worsen it by no more than allowed
    SIZE = "size"  # package and memory


class SuiteConfig(Value, frozen=True, kw_only=True):
    """One entry of ``suites``: checks of the champion, once in each stretch of ``every_us``."""

    name: str
    every_us: int
    checks: tuple[SuiteCheck, ...]


class ServeConfig(Value, frozen=True, kw_only=True):
    """The ``serve`` section: limits of one request."""

    max_body_bytes: int = 16 * 1024 * 1024
    max_rows: int = 10_000


class ProjectConfig(Value, frozen=True, kw_only=True):
    """A whole ``volant.yaml``."""

    version: int
    project: str
    task: Task
    target: str
    metric: str  # a business metric: all of it (config/metric_text.py)
    data: DataConfig
    metrics: tuple[BusinessMetric, ...] = ()
    train: TrainConfig = TrainConfig()
    gates: tuple[GateConfig, ...] = ()
    release: ReleaseConfig = ReleaseConfig()
    retrain: RetrainConfig = RetrainConfig()
    watch: WatchConfig = WatchConfig()
    suites: tuple[SuiteConfig, ...] = ()
    serve: ServeConfig = ServeConfig()
