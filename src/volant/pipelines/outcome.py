"""A finished training as ``models`` takes it: the estimator with everything that is needed to run it elsewhere."""

from collections.abc import Callable
from typing import Any

import msgspec

from volant.models.model import FeatureFunction
from volant.models.trained import Trained
from volant.pipelines.calling import given_input, recorded_params
from volant.pipelines.closure import Sources
from volant.pipelines.frames import column_names, first_row, kind_of
from volant.pipelines.loading import function_of
from volant.pipelines.model import FEATURES, MODEL, ROWS, Graph, StepDef, Training
from volant.pipelines.ordering import upstream

_ENDINGS = {"polars": ".arrow", "numpy": ".npy"}


def trained_of(graph: Graph, training: Training, sources: Sources, value: Callable[[str], Any]) -> Trained:
    """``value`` gives the result of a step or a declared input. Call it inside the project."""
    model = graph.step(MODEL)
    step = graph.step(FEATURES) if graph.has_features else None
    source = ROWS if step is None else FEATURES
    seen = next(argument for argument in model.arguments if argument.source == source)
    fitted_on = given_input(graph, training, model, seen, first_row(value(source)))
    named = given_input(graph, training, model, msgspec.structs.replace(seen, frame=None), first_row(value(source)))
    state = {} if step is None else {argument.name: value(argument.source) for argument in step.arguments[1:]}
    estimator = value(MODEL)
    return Trained(
        estimator=estimator,
        frame=_frame(fitted_on),
        feature_names=column_names(named if source == ROWS else fitted_on),
        function=None if step is None else function_of(step, sources),
        features=None if step is None else _described(training, step, state),
        state=state,
        code=_code(graph, sources),
        distributions=_distributions(graph, sources, estimator),
    )


def _frame(value: Any) -> str:
    kind = kind_of(value)
    return "polars" if kind == "polars-lazy" else kind or "numpy"


def _described(training: Training, step: StepDef, state: dict[str, Any]) -> FeatureFunction:
    return FeatureFunction(
        module=step.module,
        name=step.function,
        frame=step.arguments[0].frame or "polars",
        rows_argument=step.arguments[0].name,
        state={name: f"state/{name}{_ending(value)}" for name, value in state.items()},
        params=recorded_params(training, step),
    )


def _ending(value: Any) -> str:
    kind = kind_of(value)
    if kind in _ENDINGS and not (kind == "polars" and type(value).__name__ == "Series"):
        return _ENDINGS[kind]
    return ".json" if isinstance(value, dict | list | str | int | float | None) else ".pkl"


def _code(graph: Graph, sources: Sources) -> dict[str, bytes]:
    """Every project file that the model and what is behind it may run, by its path from the folder it is imported from."""
    files: dict[str, bytes] = {}
    for name in upstream(graph, (MODEL,)):
        for path, base in sources.closure(graph.step(name).file).bases.items():
            files[path.relative_to(base).as_posix()] = sources.source(path)
    return dict(sorted(files.items()))


def _distributions(graph: Graph, sources: Sources, estimator: Any) -> dict[str, str]:
    tops = {type(estimator).__module__.partition(".")[0]}
    for name in upstream(graph, (MODEL,)):
        tops |= sources.closure(graph.step(name).file).tops
    own = {module.partition(".")[0] for module in (step.module for step in graph.steps)}
    return sources.installed.versions(frozenset(tops - own))
