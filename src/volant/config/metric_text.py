"""How a business metric is named inside Volant, and how people read that name.

The name says all of it: whatever keeps the name of a metric - gate lines, reports, windows - keeps with it what was computed, and a
metric whose definition changed is another metric. Other names are what they are: ``mae``, ``accuracy``.
"""

import re
from functools import lru_cache

from volant.config.expressions import Term, parse
from volant.config.model import Aggregate, BusinessMetric, Goal, ProjectConfig

NAME = r"[A-Za-z_][A-Za-z0-9_]{0,39}"
UNIT = r"[^\s,\[\]=(){}]{1,12}"
_TEXT = re.compile(rf"(?P<name>{NAME}) \[(?P<goal>\w+)(?P<sum> sum)?(?:, (?P<unit>{UNIT}))?\] = (?P<expression>.+)", re.DOTALL)
_GOALS = {goal.value for goal in Goal}


def metric_text(metric: BusinessMetric) -> str:
    """All of it on one line: ``profit [maximize, EUR] = if(label == 1, 40, -5)``."""
    how = metric.goal.value if metric.aggregate is Aggregate.MEAN else f"{metric.goal.value} sum"
    how = how if metric.unit is None else f"{how}, {metric.unit}"
    return f"{metric.name} [{how}] = {metric.expression.strip()}"


@lru_cache(maxsize=256)
def business_metric(text: str) -> tuple[BusinessMetric, Term] | None:
    """The metric that a text says, with its expression read; None for any other name."""
    match = _TEXT.fullmatch(text)
    if match is None or match["goal"] not in _GOALS:
        return None
    metric = BusinessMetric(
        name=match["name"],
        expression=match["expression"],
        goal=Goal(match["goal"]),
        unit=match["unit"],
        aggregate=Aggregate.SUM if match["sum"] else Aggregate.MEAN,
    )
    return metric, parse(metric.expression)


def own_metrics(config: ProjectConfig) -> tuple[str, ...]:
    """The texts of everything under ``metrics``."""
    return tuple(metric_text(metric) for metric in config.metrics)


def metric_name(metric: str) -> str:
    """The name alone: ``profit``. Other names stay as they are."""
    found = business_metric(metric)
    return metric if found is None else found[0].name


def metric_label(metric: str) -> str:
    """The name with its unit, as people read it: ``profit (EUR)``. Other names stay as they are."""
    found = business_metric(metric)
    if found is None:
        return metric
    return found[0].name if found[0].unit is None else f"{found[0].name} ({found[0].unit})"


def in_all(metric: str, value: float | None, rows: int) -> float | None:
    """What so many rows of this mean add up to, where the metric is to be shown as a sum; else None."""
    found = business_metric(metric)
    return None if found is None or value is None or found[0].aggregate is not Aggregate.SUM else value * rows
