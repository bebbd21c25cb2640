"""The lines under ``gates`` and ``retrain.when``."""

from functools import partial
from typing import Any

from volant.config.amounts import Confidence, Duration, MarginKind
from volant.config.business import BUILT_IN
from volant.config.gate_lines import LATENCY, LATENCY_MARKS, SIZE, SIZE_MARKS, calibration, churn, fairness, robustness
from volant.config.kinds import Choice, Number, Text, Texts, Whole, wrong
from volant.config.metric_text import NAME, metric_name
from volant.config.model import DriftOf, GateConfig, GateKind, TriggerConfig, TriggerKind
from volant.config.sections import Entry, OneOf, Section
from volant.config.yaml_tree import Node


class MetricName(Text):
    """A metric that Volant computes, or one under ``metrics``; which there are is known once the file is read (``business.py``)."""

    def __init__(self) -> None:
        super().__init__("a metric")
        self._names = BUILT_IN

    def show(self, value: str) -> str:
        """See ``Kind``."""
        return metric_name(value)

    def schema(self) -> dict[str, Any]:
        """See ``Kind``."""
        return {"anyOf": [{"enum": list(self._names)}, {"type": "string", "pattern": f"^{NAME}$"}], "description": self.said}


class Word:
    """A word that can only be itself; it stands for a value."""

    def __init__(self, word: str, value: object) -> None:
        self.said = word
        self._value = value

    def read(self, node: Node) -> object:
        """See ``Kind``."""
        if node.content != self.said:
            raise wrong(node, self.said)
        return self._value

    def show(self, value: object) -> str:
        """See ``Kind``."""
        del value
        return self.said

    def schema(self) -> dict[str, Any]:
        """See ``Kind``."""
        return {"const": self.said}


_METRIC = Entry(key="metric", kind=MetricName(), about="the metric that is compared; without it the project's metric")
_MARGIN = Entry(key="margin", kind=MarginKind(), about="how much worse still counts as not worse: 1% of the other's metric, or a number")
_CONFIDENCE = Entry(key="confidence", kind=Confidence(), about="of the bound that has to lie within the margin")
_VERSUS = Entry(
    key="vs",
    attribute="kind",
    kind=Choice(GateKind, without=tuple(kind for kind in GateKind if kind not in {GateKind.BASELINE, GateKind.CHAMPION})),
    about="what the candidate is compared with: the best of the baselines as known at the label delay, or what serves now",
    required=True,
)
_SLICES = Entry(
    key="slices", kind=Texts("a list of columns", least=1), about="columns whose every value must not be surely worse", required=True
)
_LEAST = Entry(key="min", attribute="minimum", kind=Number(), about="the least value of the metric that passes")
_MOST = Entry(key="max", attribute="maximum", kind=Number(), about="the greatest value of the metric that passes")
_USES = Entry(
    key="holdout_uses",
    attribute="uses",
    kind=Whole(1, 10**6),
    about="so many candidates may be judged on one row; further ones are judged more strictly, until fresh labels come",
    required=True,
)
_EXPIRES = Entry(key="expires", attribute="expires_us", kind=Duration(), about="the holdout's rows are too old to decide after so long")

_GATES: dict[tuple[str, ...], Section] = {
    LATENCY_MARKS: LATENCY,
    ("holdout_uses",): Section(partial(GateConfig, kind=GateKind.HOLDOUT), (_USES, _EXPIRES)),
    ("fairness",): fairness(_METRIC, _CONFIDENCE),
    ("calibration",): calibration(_CONFIDENCE),
    ("churn",): churn(_CONFIDENCE),
    ("robustness",): robustness(_METRIC, _CONFIDENCE),
    SIZE_MARKS: SIZE,
    ("slices",): Section(partial(GateConfig, kind=GateKind.SLICES), (_METRIC, _SLICES, _MARGIN, _CONFIDENCE)),
    ("vs",): Section(GateConfig, (_METRIC, _VERSUS, _MARGIN, _CONFIDENCE)),
    ("min", "max"): Section(partial(GateConfig, kind=GateKind.FLOOR), (_METRIC, _LEAST, _MOST, _CONFIDENCE)),
}
_MARKS = {
    GateKind.LATENCY: LATENCY_MARKS[0],
    GateKind.SLICES: "slices",
    GateKind.FLOOR: "min",
    GateKind.HOLDOUT: "holdout_uses",
    GateKind.FAIRNESS: "fairness",
    GateKind.CALIBRATION: "calibration",
    GateKind.CHURN: "churn",
    GateKind.ROBUSTNESS: "robustness",
    GateKind.SIZE: SIZE_MARKS[0],
}

GATES = OneOf(
    "a list of gate lines",
    _GATES,
    examples="{vs: baseline}, {vs: champion, margin: 1%}, {slices: [COLUMN], margin: 5%}, {max: 50}, {latency_p99: 20ms}, "
    "{fairness: [COLUMN], rate: tpr, max_difference: 0.1}, {calibration: 5%}, {churn: 10%}, {robustness: 5%}, {package_size: 50MB} "
    "or {holdout_uses: 30, expires: 90d}",
    pick=lambda gate: _MARKS.get(gate.kind, "vs"),
)

_CLOCK = Entry(key="clock", attribute="every_us", kind=Duration(), about="so long since the last training began", required=True)
_NEW = Entry(
    key="new_labels", attribute="labels", kind=Whole(1, 10**12), about="so many labels that the champion did not learn from", required=True
)
_WORSE = Entry(
    key="performance",
    attribute="kind",
    kind=Word("worse", TriggerKind.PERFORMANCE),
    about="the live metric is surely worse than it was on the holdout",
    required=True,
)

_ESTIMATED = Entry(
    key="estimated_performance",
    attribute="kind",
    kind=Word("worse", TriggerKind.ESTIMATED),
    about="the metric that is to be expected of live answers, labels or not, is surely worse than on the holdout: asks for a challenger",
    required=True,
)

_NEW_DATA = Entry(
    key="data",
    attribute="kind",
    kind=Word("new", TriggerKind.DATA),
    about="the source holds other bytes than the last training learned from",
    required=True,
)

_MOVED = Entry(
    key="drift",
    kind=Choice(DriftOf),
    about="a column of live rows (inputs), or the answers (prediction), moved away from what the champion learned: asks for a challenger",
    required=True,
)

_EXCEEDED = Entry(
    key="cost",
    attribute="kind",
    kind=Word("exceeded", TriggerKind.COST),
    about="loss beyond the champion's reference since the last training sums up to more than a retrain costs (retrain.cost)",
    required=True,
)

_FORECAST = Entry(
    key="forecast",
    attribute="kind",
    kind=Word("worse", TriggerKind.FORECAST),
    about="the champion is going to be surely worse by the time a training that begins now would be felt",
    required=True,
)

_TRIGGERS: dict[tuple[str, ...], Section] = {
    ("clock",): Section(partial(TriggerConfig, kind=TriggerKind.CLOCK), (_CLOCK,)),
    ("new_labels",): Section(partial(TriggerConfig, kind=TriggerKind.NEW_LABELS), (_NEW,)),
    ("performance",): Section(TriggerConfig, (_WORSE,)),
    ("estimated_performance",): Section(TriggerConfig, (_ESTIMATED,)),
    ("data",): Section(TriggerConfig, (_NEW_DATA,)),
    ("cost",): Section(TriggerConfig, (_EXCEEDED,)),
    ("forecast",): Section(TriggerConfig, (_FORECAST,)),
    ("drift",): Section(partial(TriggerConfig, kind=TriggerKind.DRIFT), (_MOVED,)),
}

TRIGGERS = OneOf(
    "a list of triggers",
    _TRIGGERS,
    examples="{clock: 7d}, {new_labels: 5000}, {performance: worse}, {estimated_performance: worse}, "
    "{cost: exceeded}, {forecast: worse}, {data: new} or {drift: any}",
    pick=lambda trigger: str(trigger.kind.value),
)
