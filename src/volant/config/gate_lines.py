"""Lines under ``gates`` that ask more than a comparison of metrics: fairness, calibration, churn, robustness, latency, size."""

import math
import re
from decimal import Decimal
from functools import partial

from volant.config.amounts import Duration, MarginKind, percent_text
from volant.config.kinds import Choice, Schema, Text, Texts, wrong
from volant.config.model import GateConfig, GateKind, Rate
from volant.config.sections import Entry, Section
from volant.config.yaml_tree import Node

_SHARE = re.compile(r"([0-9]+(\.[0-9]+)?|\.[0-9]+)\s*%", re.ASCII)
_BYTES = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*(B|KB|MB|GB)", re.ASCII | re.IGNORECASE)
_UNITS = {"GB": 10**9, "MB": 10**6, "KB": 10**3, "B": 1}


class Share:
    """A share of something: ``5%`` or ``0.05``."""

    def __init__(self, *, zero: bool = False, most: float = 1.0) -> None:
        self._zero, self._most = zero, most
        self.said = f"a share like 5% or 0.05, {'from' if zero else 'above'} 0% {'' if zero else 'and '}at most {percent_text(most)}"

    def read(self, node: Node) -> float:
        """See ``Kind``."""
        value = node.content
        if isinstance(value, str) and (match := _SHARE.fullmatch(value)):
            value = float(Decimal(match[1]) / 100)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= self._most or (value == 0 and not self._zero):
            raise wrong(node, self.said)
        return float(value)

    def show(self, value: float) -> str:
        """See ``Kind``."""
        return percent_text(value)

    def schema(self) -> Schema:
        """See ``Kind``."""
        share = {"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?|\.[0-9]+) *%$"}
        return {"anyOf": [share, {"type": "number", "minimum": 0, "maximum": self._most}], "description": self.said}


class Least:
    """A finite number of at least 0."""

    said = "a number of at least 0"

    def read(self, node: Node) -> float:
        """See ``Kind``."""
        value = node.content
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
            raise wrong(node, self.said)
        return float(value)

    def show(self, value: float) -> float:
        """See ``Kind``."""
        return value

    def schema(self) -> Schema:
        """See ``Kind``."""
        return {"type": "number", "minimum": 0, "description": self.said}


class Bytes:
    """A number of bytes, written ``50MB`` (of 1,000,000) or as a whole number."""

    said = "a size like 500KB, 50MB or 2GB"

    def read(self, node: Node) -> int:
        """See ``Kind``."""
        value = node.content
        if isinstance(value, str) and (match := _BYTES.fullmatch(value)):
            value = int(Decimal(match[1]) * _UNITS[match[2].upper()])
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10**15:
            raise wrong(node, self.said)
        return value

    def show(self, value: int) -> str | int:
        """See ``Kind``."""
        return next((f"{value // size}{unit}" for unit, size in _UNITS.items() if value % size == 0), value)

    def schema(self) -> Schema:
        """See ``Kind``."""
        text = {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,3})? *([kKmMgG]?[bB])$"}
        return {"anyOf": [text, {"type": "integer", "minimum": 1}], "description": self.said}


LATENCY_MARKS = ("latency_p99", "latency_p95", "latency_slower")
LATENCY = Section(
    partial(GateConfig, kind=GateKind.LATENCY),
    (
        Entry(key="latency_p99", attribute="latency_us", kind=Duration(), about="99 of 100 one-row predictions take no longer"),
        Entry(key="latency_p95", attribute="latency_p95_us", kind=Duration(), about="95 of 100 one-row predictions take no longer"),
        Entry(
            key="latency_slower",
            attribute="slower",
            kind=Share(most=100.0),
            about="p95 and p99 are at most so much longer than the champion's, measured in turn with it",
        ),
    ),
)

SIZE_MARKS = ("package_size", "memory")
SIZE = Section(
    partial(GateConfig, kind=GateKind.SIZE),
    (
        Entry(key="package_size", attribute="package_bytes", kind=Bytes(), about="the files of the package are no larger together"),
        Entry(key="memory", attribute="memory_bytes", kind=Bytes(), about="a process that loaded the model and answered holds no more"),
    ),
)


def fairness(metric: Entry, confidence: Entry) -> Section:
    """Every value of some columns against all other rows."""
    columns = Entry(
        key="fairness",
        attribute="columns",
        kind=Texts("a list of columns", least=1),
        about="columns whose groups must fare alike: every value is compared with all other rows",
        required=True,
    )
    rate = Entry(key="rate", kind=Choice(Rate), about="what is compared instead of a metric: selection rate, true or false positive rate")
    positive = Entry(
        key="positive", kind=Text("a label", reference=False), about="the label that rates count; without it the second of two"
    )
    difference = Entry(
        key="max_difference", kind=Least(), about="how far a group may be from the others, in the metric's unit (rates: 0.1)"
    )
    ratio = Entry(key="min_ratio", kind=Share(), about="the lower of the two is at least this share of the higher: 80%")
    return Section(partial(GateConfig, kind=GateKind.FAIRNESS), (metric, columns, rate, positive, difference, ratio, confidence))


def calibration(confidence: Entry) -> Section:
    """Chances against what happened."""
    limit = Entry(
        key="calibration", attribute="most_error", kind=Share(), about="the largest calibration error of the chances given", required=True
    )
    slope = Entry(key="slope", kind=Least(), about="how far the reliability line's slope may be from 1; below 1 is too sure")
    return Section(partial(GateConfig, kind=GateKind.CALIBRATION), (limit, slope, confidence))


def churn(confidence: Entry) -> Section:
    """Answers against the champion's; no labels."""
    limit = Entry(
        key="churn",
        attribute="most_churn",
        kind=MarginKind(),
        about="the share of labels that may change; of numbers the mean change: 5% of the champion's spread, or in the target's unit",
        required=True,
    )
    return Section(partial(GateConfig, kind=GateKind.CHURN), (limit, confidence))


def robustness(metric: Entry, confidence: Entry) -> Section:
    """The metric on disturbed rows against the same rows as they are."""
    limit = Entry(
        key="robustness",
        attribute="margin",
        kind=MarginKind(),
        about="how much the metric may worsen on disturbed rows: 5% of what it is, or a number",
        required=True,
    )
    noise = Entry(key="noise", kind=Least(), about="noise on numbers, in standard deviations of each column (0.1; 0: none)")
    missing = Entry(key="missing", kind=Share(zero=True), about="share of cells that go missing (5%; 0: none)")
    swaps = Entry(key="swaps", kind=Share(zero=True), about="share of categories that are swapped for another row's (5%; 0: none)")
    return Section(partial(GateConfig, kind=GateKind.ROBUSTNESS), (metric, limit, noise, missing, swaps, confidence))
