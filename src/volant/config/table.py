"""All keys of ``volant.yaml``, in the order in which they are written."""

from volant.config.alert_lines import AlertLines
from volant.config.amounts import Cost, Duration, RowsOrTime
from volant.config.business import BusinessMetrics
from volant.config.drift_lines import DRIFT
from volant.config.kinds import Choice, Params, Pattern, Text, Texts, Whole
from volant.config.lines import GATES, TRIGGERS, MetricName
from volant.config.model import (
    Amount,
    Autonomy,
    CostConfig,
    DataConfig,
    GuardConfig,
    Keep,
    ProjectConfig,
    ReleaseConfig,
    RetrainConfig,
    ServeConfig,
    Task,
    TrainConfig,
    TrainFrom,
    WatchConfig,
    WindowConfig,
)
from volant.config.sections import Entry, Section
from volant.config.steps import Steps
from volant.config.suites import Suites
from volant.config.yaml_tree import Node

PROJECT_NAME = r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"


class Last:
    """``{last: 14d}`` or ``{last: 2000 rows}``."""

    said = "{last: 14d} or {last: 2000 rows}"

    def __init__(self) -> None:
        self._section = Section(dict, (Entry(key="last", kind=RowsOrTime(), about="this much of the end of the data", required=True),))

    def read(self, node: Node) -> Amount:
        """See ``Kind``."""
        amount: Amount = self._section.read(node)["last"]
        return amount

    def show(self, value: Amount) -> dict[str, str]:
        """See ``Kind``."""
        return {"last": RowsOrTime().show(value)}

    def schema(self) -> dict[str, object]:
        """See ``Kind``."""
        amount = {"type": "object", "properties": {"last": RowsOrTime().schema()}, "required": ["last"], "additionalProperties": False}
        return {**amount, "description": self.said}


class WatchWindow:
    """``{rows: 500}`` or ``{time: 1d}``."""

    said = "{rows: 500} or {time: 1d}"

    def __init__(self) -> None:
        self._rows = Section(dict, (Entry(key="rows", kind=Whole(20, 10_000_000), about="this many answered rows", required=True),))
        self._time = Section(dict, (Entry(key="time", kind=Duration(), about="this long", required=True),))

    def read(self, node: Node) -> Amount:
        """See ``Kind``."""
        if isinstance(node.content, dict) and set(node.content) == {"time"}:
            return Amount(duration_us=self._time.read(node)["time"])
        return Amount(rows=self._rows.read(node)["rows"])

    def show(self, value: Amount) -> dict[str, object]:
        """See ``Kind``."""
        return {"rows": value.rows} if value.rows is not None else {"time": Duration().show(value.duration_us or 0)}

    def schema(self) -> dict[str, object]:
        """See ``Kind``."""
        return {"oneOf": [self._rows.schema(), self._time.schema()], "description": self.said}


_COLUMN = Text("a column's name", reference=False)

DATA = Section(
    DataConfig,
    (
        Entry(key="source", kind=Text("a file"), about="CSV or Parquet file, relative to this file's folder", required=True),
        Entry(key="key", kind=Texts("a list of columns"), about="columns that name a row: labels join by it, later rows replace earlier"),
        Entry(key="group", kind=_COLUMN, about="column of rows that belong together in splits and intervals"),
        Entry(key="time", kind=_COLUMN, about="column that says when a row happens; without it each row is one tick"),
        Entry(key="tick", attribute="tick_us", kind=Duration(), about="how long a row lasts where there is no time column (1s if unsaid)"),
        Entry(key="drop", kind=Texts("a list of columns"), about="columns that are no features; still stored, may be keys"),
        Entry(key="label_delay", attribute="label_delay_us", kind=Duration(zero=True), about="how long after the row its target is known"),
        Entry(key="contract", kind=Text("a file"), about="ODCS file with what the data promise, checked before training"),
    ),
)
WINDOW = Section(
    WindowConfig,
    (
        Entry(key="keep", kind=Choice(Keep), about="all rows, the last ones, all with older ones counting less, or those since a change"),
        Entry(key="size", kind=RowsOrTime(), about="how many, with keep: last; at least as many, with keep: since_change"),
        Entry(key="half_life", kind=RowsOrTime(), about="how much older a row is that counts half, with keep: weighted"),
    ),
)
TRAIN = Section(
    TrainConfig,
    (
        Entry(key="pipeline", kind=Text("a file"), about="Python file with the steps"),
        Entry(key="from", attribute="from_", kind=Choice(TrainFrom), about="base version plus labelled logged rows, or the source again"),
        Entry(key="window", kind=WINDOW, about="which rows are learned from"),
        Entry(key="holdout", kind=Last(), about="the end of the data, kept for the gate"),
        Entry(key="params", kind=Params(), about="keyword arguments of steps"),
        Entry(key="seed", kind=Whole(0, 2**32 - 1), about="given to every step that has a keyword seed"),
    ),
)
RELEASE = Section(
    ReleaseConfig,
    (
        Entry(key="autonomy", kind=Choice(Autonomy), about="propose: a person approves; autopilot: passing the gate will do"),
        Entry(key="steps", kind=Steps(), about="how a version gets into traffic beside a champion; without steps at once"),
        Entry(
            key="time_limit", attribute="time_limit_us", kind=Duration(), about="a rollout that knows too little by then says so and waits"
        ),
    ),
)
WATCH = Section(
    WatchConfig,
    (
        Entry(key="window", kind=WatchWindow(), about="how much of the traffic is looked at together"),
        Entry(key="drift", kind=DRIFT, about="what counts as having moved; without it every column has the same small tolerance"),
        Entry(key="alerts", kind=AlertLines(), about="who is told when something needs attention, and when it is over"),
    ),
)
GUARD = Section(
    GuardConfig,
    (
        Entry(key="cooldown", attribute="cooldown_us", kind=Duration(zero=True), about="no retrain sooner than this after the last"),
        Entry(key="min_new_labels", kind=Whole(0, 10**12), about="no retrain with fewer new labels"),
    ),
)
COST = Section(
    CostConfig,
    (
        Entry(key="retrain", kind=Cost("of a training"), about="of a training, in a unit of one's own"),
        Entry(
            key="label", kind=Cost("of a label"), about="of a label, in the same unit; a retrain pays for those that came since the last"
        ),
        Entry(
            key="loss",
            kind=Cost("of one unit of the loss", zero=False),
            about="of one unit of the metric's loss on one row, in the same unit",
        ),
    ),
)
RETRAIN = Section(
    RetrainConfig,
    (
        Entry(key="when", kind=TRIGGERS, about="what may ask for a retrain; any of them is enough"),
        Entry(key="guard", kind=GUARD, about="what must hold before any of them is heard"),
        Entry(
            key="cost", kind=COST, about="what a retrain costs against a stale model: replay, recommendation and {cost: exceeded} weigh it"
        ),
    ),
)
SERVE = Section(
    ServeConfig,
    (
        Entry(key="max_body_bytes", kind=Whole(1024, 1 << 30), about="larger requests are refused"),
        Entry(key="max_rows", kind=Whole(1, 10_000_000), about="requests with more rows are refused"),
    ),
)
PROJECT = Section(
    ProjectConfig,
    (
        Entry(key="version", kind=Whole(1, 1, "1"), about="of this file's format: 1", required=True),
        Entry(
            key="project",
            kind=Pattern("a name of up to 64 letters, digits, '_', '-' and '.'", PROJECT_NAME),
            about="names the project, its model and its dataset",
            required=True,
        ),
        Entry(key="task", kind=Choice(Task, without=(Task.MULTILABEL,)), about="what kind of thing is predicted", required=True),
        Entry(key="target", kind=_COLUMN, about="column to predict", required=True),
        Entry(key="metric", kind=MetricName(), about="decides gates, replay and retraining", required=True),
        Entry(
            key="metrics",
            kind=BusinessMetrics(),
            about="business metrics: what a row earns or costs, to be used wherever a metric is named",
        ),
        Entry(key="data", kind=DATA, about="where the data are and what their columns mean", required=True),
        Entry(key="train", kind=TRAIN, about="how a model is made"),
        Entry(key="gates", kind=GATES, about="what a model has to pass before it may serve"),
        Entry(key="release", kind=RELEASE, about="who lets it out"),
        Entry(key="watch", kind=WATCH, about="how what serves is watched, and who is told"),
        Entry(key="retrain", kind=RETRAIN, about="when the wheel turns again"),
        Entry(key="suites", kind=Suites(), about="tests of the champion that run again and again"),
        Entry(key="serve", kind=SERVE, about="limits of one request"),
    ),
)
