"""The table of named metrics: direction, kind and the row loss that stands in where a metric is not a mean.

Light on purpose: the control process and the command line read directions from here without numpy.
"""

import difflib
from collections.abc import Iterable
from functools import lru_cache

from volant.config.expressions import PROBABILITY, Term, columns_read, terms
from volant.config.metric_text import business_metric, metric_name
from volant.config.model import BusinessMetric, Goal, Task
from volant.kernel.codec import Value
from volant.kernel.errors import UsageError

CLASSIFICATION = frozenset({Task.BINARY, Task.MULTICLASS})
REGRESSION = frozenset({Task.REGRESSION})


class Metric(Value, frozen=True, kw_only=True):
    """What is known about a metric by its name.

    ``additive``: the metric is the mean of one number per row. ``row_loss``: the additive loss (lower is better)
    that watches the same thing row by row; the metric itself where that is an additive loss.
    ``expression`` (with ``sign``: its loss is ``sign`` times it) and ``columns`` belong to business metrics, whose losses may be
    of either sign and of any size.
    """

    name: str
    tasks: frozenset[Task]
    lower_is_better: bool
    additive: bool
    row_loss: str
    needs_scores: bool = False
    expression: Term | None = None
    sign: int = 1
    columns: tuple[str, ...] = ()

    @property
    def signed(self) -> bool:
        """Whether the loss of a row may be below 0."""
        return self.expression is not None


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(name="mae", tasks=REGRESSION, lower_is_better=True, additive=True, row_loss="mae"),
        Metric(name="mse", tasks=REGRESSION, lower_is_better=True, additive=True, row_loss="mse"),
        Metric(name="mape", tasks=REGRESSION, lower_is_better=True, additive=True, row_loss="mape"),
        Metric(name="rmse", tasks=REGRESSION, lower_is_better=True, additive=False, row_loss="mse"),
        Metric(name="r2", tasks=REGRESSION, lower_is_better=False, additive=False, row_loss="mse"),
        Metric(name="error", tasks=CLASSIFICATION, lower_is_better=True, additive=True, row_loss="error"),
        Metric(name="accuracy", tasks=CLASSIFICATION, lower_is_better=False, additive=True, row_loss="error"),
        Metric(name="logloss", tasks=CLASSIFICATION, lower_is_better=True, additive=True, row_loss="logloss", needs_scores=True),
        Metric(name="brier", tasks=CLASSIFICATION, lower_is_better=True, additive=True, row_loss="brier", needs_scores=True),
        Metric(name="auc", tasks=CLASSIFICATION, lower_is_better=False, additive=False, row_loss="brier", needs_scores=True),
        Metric(name="f1", tasks=CLASSIFICATION, lower_is_better=False, additive=False, row_loss="error"),
    )
}


def metric_named(name: str, task: Task | None = None) -> Metric:
    """The metric; ``UsageError`` naming the nearest one, or the ones that fit the task."""
    metric = METRICS.get(name) or _business(name)
    if metric is None:
        nearest = difflib.get_close_matches(name, METRICS, n=1)
        hint = f"did you mean {nearest[0]!r}?" if nearest else f"use one of: {', '.join(METRICS)}"
        raise UsageError(f"there is no metric named {name!r}", found=name, next_step=hint, field="metric")
    if task is not None and task not in metric.tasks:
        fitting = ", ".join(m.name for m in METRICS.values() if task in m.tasks) or "none yet"
        raise UsageError(
            f"the metric {name!r} does not fit the task {task.value!r}", found=name, next_step=f"use one of: {fitting}", field="metric"
        )
    return metric


LOST = "minus "
"""Before the name of a business metric to be maximised: what is lost, which is minimised."""


@lru_cache(maxsize=256)
def _business(name: str) -> Metric | None:
    found = business_metric(name.removeprefix(LOST))
    return None if found is None else _measured(name, *found)


def _measured(name: str, metric: BusinessMetric, term: Term) -> Metric:
    lost = name.startswith(LOST)
    lower = lost or metric.goal is Goal.MINIMIZE
    return Metric(
        name=name,
        tasks=CLASSIFICATION | REGRESSION,
        lower_is_better=lower,
        additive=True,
        row_loss=name if lower else LOST + name,
        needs_scores=any(part.op == PROBABILITY for part in terms(term)),
        expression=term,
        sign=-1 if lost else 1,
        columns=columns_read(term),
    )


def best_is_highest(name: str | None, own: Iterable[str] = ()) -> bool:
    """Whether larger values of a run's metric come first; so for names that nobody knows. ``own``: texts of business metrics."""
    known = METRICS.get(name or "") or next((metric_named(text) for text in own if metric_name(text) == name), None)
    return known is None or not known.lower_is_better


def columns_of_metrics(metrics: Iterable[str | None]) -> tuple[str, ...]:
    """The columns that any of these metrics reads, each once."""
    return tuple(dict.fromkeys(column for metric in metrics if metric is not None for column in metric_named(metric).columns))


def possible(metric: str, bound: float | None) -> float | None:
    """A bound of a metric no further than the metric can go, whatever Student's t says of few rows: no loss below 0, no share above 1."""
    named = metric_named(metric)
    if bound is None or named.signed:
        return bound
    if named.name == "r2":
        return min(bound, 1.0)
    return min(max(bound, 0.0), 1.0) if named.name == "error" or not named.lower_is_better else max(bound, 0.0)
