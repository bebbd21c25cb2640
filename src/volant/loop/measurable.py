"""Whether business metrics can be computed of live predictions too: from the answer, the label, and what a request carries."""

from collections.abc import Mapping

from volant.config.expression_types import Sort, check
from volant.config.expressions import Term, columns_read, parse, terms
from volant.config.model import BusinessMetric, ProjectConfig, Task
from volant.data.model import Dtype
from volant.data.reading import RESERVED
from volant.kernel.errors import UsageError
from volant.pipelines.identity import hidden_columns
from volant.pipelines.inputs import training_of
from volant.pipelines.model import MODEL, Graph

_SORTS = {
    Dtype.INT: Sort.NUMBER,
    Dtype.FLOAT: Sort.NUMBER,
    Dtype.BOOL: Sort.NUMBER,
    Dtype.STRING: Sort.TEXT,
    Dtype.DATE: Sort.MOMENT,
    Dtype.DATETIME: Sort.MOMENT,
}


def check_metrics(config: ProjectConfig, graph: Graph, dtypes: Mapping[str, Dtype]) -> None:
    """``UsageError`` naming metric and position for the first part that does not fit the columns of the data (``dtypes``)."""
    if not config.metrics:
        return
    asked_apart = set(hidden_columns(graph, training_of(config, {}), graph.step(MODEL)))
    hidden = {config.target, *config.data.drop, *RESERVED, *asked_apart}
    columns = {name: _SORTS[dtype] for name, dtype in dtypes.items() if name not in hidden}
    for metric in config.metrics:
        term = parse(metric.expression)
        for name in columns_read(term):
            if name in asked_apart:
                raise _refused(metric, _hidden(metric, term, name))
        try:
            check(metric.expression, term, columns=columns, answer=_answer(config, dtypes))
        except UsageError as error:
            raise _refused(metric, error) from error


def _answer(config: ProjectConfig, dtypes: Mapping[str, Dtype]) -> Sort:
    if config.task is Task.REGRESSION:
        return Sort.NUMBER
    return _SORTS[dtypes[config.target]] if config.target in dtypes else Sort.ANY


def _hidden(metric: BusinessMetric, term: Term, name: str) -> UsageError:
    at = next(part.at for part in terms(term) if part.op == "column" and part.value == name)
    return UsageError(
        f"character {at} of the expression: {name!r} is a time or key column, which the model is not asked with",
        found=metric.expression[at - 1 : at + 19],
        next_step="use other columns, or give the pipeline a features step, which takes time and key",
    )


def _refused(metric: BusinessMetric, error: UsageError) -> UsageError:
    path = f"metrics.{metric.name}.expression"
    return UsageError(f"{path}: {error.what}.", found=error.found, next_step=error.next_step, field=path)
