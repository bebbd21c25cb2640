"""Business metrics: what a row earns or costs, written as an expression under ``metrics`` in ``volant.yaml``."""

import re
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from volant.config.expressions import ANSWERS, FUNCTIONS, parse
from volant.config.kinds import Choice, Pattern, Schema, Text, nearest, wrong
from volant.config.metric_text import NAME, UNIT, metric_text
from volant.config.metrics import CLASSIFICATION_METRICS, REGRESSION_METRICS
from volant.config.model import Aggregate, BusinessMetric, Goal, ProjectConfig
from volant.config.sections import Entry, Section
from volant.config.yaml_tree import Node
from volant.kernel.errors import UsageError

BUILT_IN = tuple(dict.fromkeys((*REGRESSION_METRICS, *CLASSIFICATION_METRICS)))
_ONE = Section(
    partial(BusinessMetric, name=""),
    (
        Entry(
            key="expression",
            kind=Text("an expression like if(label == 1, 40, -5) * (prediction == 1)", reference=False),
            about="what one row earns or costs: numbers, columns, label, prediction and probability with + - * / ** %, comparisons, "
            "and, or, not, in [..], is null, and functions",
            required=True,
        ),
        Entry(key="goal", kind=Choice(Goal), about="maximize what is earned, or minimize what is lost", required=True),
        Entry(key="unit", kind=Pattern("a unit of up to 12 characters like EUR", UNIT), about="shown beside every value"),
        Entry(key="aggregate", kind=Choice(Aggregate), about="sum: windows show what their rows add up to, too; decisions take the mean"),
    ),
)


class BusinessMetrics:
    """``metrics``: name to expression, goal and unit."""

    one = _ONE
    said = "metrics by name, like profit: {expression: ..., goal: maximize, unit: EUR}"

    def read(self, node: Node) -> tuple[BusinessMetric, ...]:
        """See ``Kind``."""
        if not isinstance(node.content, dict):
            raise wrong(node, self.said)
        return tuple(_read(name, member) for name, member in node.content.items())

    def show(self, value: Sequence[BusinessMetric]) -> dict[str, object]:
        """See ``Kind``."""
        return {one.name: _ONE.show(one) for one in value}

    def schema(self) -> Schema:
        """See ``Kind``."""
        return {"type": "object", "propertyNames": {"pattern": f"^{NAME}$"}, "additionalProperties": _ONE.schema()}


def _read(name: str, node: Node) -> BusinessMetric:
    if re.fullmatch(NAME, name) is None or name in {*BUILT_IN, *ANSWERS, *FUNCTIONS}:
        why = "is the name of something else" if re.fullmatch(NAME, name) else "is no name of up to 40 letters, digits and '_'"
        raise UsageError(f"{node.place}: {name!r} {why}.", found=name, next_step="call the metric something else", field=node.place.path)
    found: BusinessMetric = msgspec.structs.replace(_ONE.read(node), name=name)
    try:
        parse(found.expression)
    except UsageError as error:
        raise _placed(error, str(node.place), node.below("expression")) from error
    return found


def _placed(error: UsageError, place: str, field: str) -> UsageError:
    return UsageError(f"{place}: {error.what}.", found=error.found, next_step=error.next_step, field=field)


def with_metrics_said(config: ProjectConfig, where: Callable[[str], str]) -> ProjectConfig:
    """Names of metrics under ``metrics`` become what they say. ``UsageError`` for a name that nothing stands for."""
    own = {metric.name: metric_text(metric) for metric in config.metrics}
    main = _said(config.metric, "metric", own, where)
    gates = tuple(
        gate if gate.metric is None else msgspec.structs.replace(gate, metric=_said(gate.metric, f"gates[{number}].metric", own, where))
        for number, gate in enumerate(config.gates)
    )
    return msgspec.structs.replace(config, metric=main, gates=gates)


def _said(name: str, path: str, own: dict[str, str], where: Callable[[str], str]) -> str:
    if name in own:
        return own[name]
    if name in BUILT_IN:
        return name
    close = nearest(name, (*own, *BUILT_IN))
    raise UsageError(
        f"{where(path)}: there is no metric {name!r}.",
        found=repr(name),
        next_step=f"did you mean {close!r}?" if close else f"use one of {', '.join((*own, *BUILT_IN))}, or define it under metrics",
        field=path,
    )
