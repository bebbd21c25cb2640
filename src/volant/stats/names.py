"""The table of named metrics: direction, kind and the row loss that stands in where a metric is not a mean.

Light on purpose: the control process and the command line read directions from here without numpy.
"""

import difflib

from volant.config.model import Task
from volant.kernel.codec import Value
from volant.kernel.errors import UsageError

CLASSIFICATION = frozenset({Task.BINARY, Task.MULTICLASS})
REGRESSION = frozenset({Task.REGRESSION})


class Metric(Value, frozen=True, kw_only=True):
    """What is known about a metric by its name.

    ``additive``: the metric is the mean of one number per row. ``row_loss``: the additive loss (lower is better)
    that watches the same thing row by row; the metric itself where that is an additive loss.
    """

    name: str
    tasks: frozenset[Task]
    lower_is_better: bool
    additive: bool
    row_loss: str
    needs_scores: bool = False


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
    metric = METRICS.get(name)
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
