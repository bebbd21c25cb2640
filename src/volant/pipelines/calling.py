"""Calling a step's function: its inputs in the form it asks for, its parameters, a fixed random state."""

import inspect
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from volant.kernel.digests import digest
from volant.kernel.errors import InvalidInputError, VolantError
from volant.models.user_errors import user_error
from volant.pipelines.frames import converted, described, kind_of
from volant.pipelines.identity import SEED, effective_seed, hidden_columns
from volant.pipelines.model import FEATURES, METRICS, MODEL, ROWS, TARGET, Argument, Graph, Parameter, StepDef, Training


class Answered(NamedTuple):
    """What a step returned, and whether it drew from the global random state."""

    value: Any
    used_random: bool


def given_inputs(graph: Graph, training: Training, step: StepDef, source: Callable[[str], Any]) -> dict[str, Any]:
    """Arguments by name; ``source`` gives a copy of a step's result or of a declared input."""
    return {argument.name: given_input(graph, training, step, argument, source(argument.source)) for argument in step.arguments}


def given_input(graph: Graph, training: Training, step: StepDef, argument: Argument, value: Any) -> Any:
    """One argument as the step asks for it."""
    hidden = hidden_columns(graph, training, step) if argument.source == ROWS else ()
    if hidden:
        value = value.drop([name for name in hidden if name in value.columns])
    elif argument.source == TARGET:
        value = value.alias(training.target)
    return converted(value, argument.frame, step=step.name, argument=argument.name)


def given_params(training: Training, step: StepDef) -> dict[str, Any]:
    """Parameters that are not left to the code's own defaults."""
    chosen: dict[str, Any] = {}
    for parameter in step.parameters:
        if parameter.name in training.params:
            value = training.params[parameter.name]
            chosen[parameter.name] = Path(value) if parameter.is_path and isinstance(value, str) else value
        elif parameter.name == SEED:
            chosen[SEED] = training.seed
    return chosen


def recorded_params(training: Training, step: StepDef) -> dict[str, Any]:
    """Scalar parameters as they were used, defaults included, for whoever calls the function again."""
    chosen = {p.name: value for p in step.parameters if not p.is_path for value in _default(p)}
    return chosen | {name: value for name, value in given_params(training, step).items() if not isinstance(value, Path)}


def _default(parameter: Parameter) -> Iterator[Any]:
    value = None if parameter.default is None else msgspec.json.decode(parameter.default)
    if parameter.default is not None and isinstance(value, bool | int | float | str | None):
        yield value


def call(training: Training, step: StepDef, function: Callable[..., Any], inputs: Callable[[], dict[str, Any]]) -> Answered:
    """Call it, up to ``retries`` times more if it raises, each time with new ``inputs``.

    ``UserCodeError`` with the user's traceback if all fail.
    """
    for attempt in range(step.retries + 1):
        given = inputs()
        shapes = ", ".join(f"{name}: {_shape(value)}" for name, value in given.items()) or "no inputs"
        height = _height(next(iter(given.values()), None))
        try:
            with fixed_randomness(f"{effective_seed(training)} {step.name}") as used:
                value = _apply(function, {**given, **given_params(training, step)})
                drawn = used()
        except VolantError:
            raise
        except (Exception, SystemExit) as error:
            if attempt < step.retries:
                continue
            tries = f" {step.retries + 1} times" if step.retries else ""
            raise user_error(
                f"Step {step.name} raised{tries}.",
                error,
                found=f"{type(error).__name__} with {shapes}",
                next_step=f"repair {step.file}; the next volant run resumes at {step.name}",
            ) from error
        return Answered(_checked(step, value, height), drawn)
    raise AssertionError("unreachable")


def _height(value: Any) -> int | None:
    return value.shape[0] if kind_of(value) in {"polars", "pandas", "numpy"} and value.shape else None


def _shape(value: Any) -> str:
    return f"{kind_of(value) or type(value).__name__} {described(value)}" if kind_of(value) else described(value)


def _apply(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """By name, except where parameters are positional only."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        parameters = {}.values()
    positional = [arguments.pop(p.name) for p in parameters if p.kind is p.POSITIONAL_ONLY and p.name in arguments]
    return function(*positional, **arguments)


@contextmanager
def fixed_randomness(name: str) -> Iterator[Callable[[], bool]]:
    """Global generators of ``random`` and NumPy start from the name. Yields: whether one was drawn from since.

    Generators that a step makes itself without a seed (``default_rng()``) are out of reach.
    """
    import numpy as np

    before, before_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - users' code may use it
    seed = int.from_bytes(bytes.fromhex(digest(name.encode())[:16]))
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - as above
    start, start_numpy = random.getstate(), _numpy_state()
    try:
        yield lambda: random.getstate() != start or _numpy_state() != start_numpy
    finally:
        random.setstate(before)
        np.random.set_state(before_numpy)  # noqa: NPY002 - as above


def _numpy_state() -> tuple[Any, ...]:
    import numpy as np

    state = np.random.get_state(legacy=False)  # noqa: NPY002 - as above
    inner = state["state"]
    return inner["key"].tobytes(), inner["pos"], state["has_gauss"], state["gauss"]


def _checked(step: StepDef, value: Any, height: int | None) -> Any:
    """What the named steps must return. ``height``: number of rows that the step was given."""
    if step.name == MODEL and not callable(getattr(value, "predict", None)):
        raise _wrong(step, value, "an object with a predict method: return the fitted estimator")
    if step.name == METRICS:
        return _numbers(step, value)
    if step.name == FEATURES:
        if kind_of(value) is None and not hasattr(value, "shape"):
            raise _wrong(step, value, "a frame or an array with one row for each row of rows")
        _same_height(step, value, height)
    return value


def _same_height(step: StepDef, value: Any, height: int | None) -> None:
    if kind_of(value) == "polars-lazy":
        raise _wrong(step, value, "a frame: end with .collect()")
    if len(value.shape) == 0 or value.shape[0] != height:
        raise InvalidInputError(
            "features must return one row for each row of rows, in their order.",
            found=f"{value.shape[0] if value.shape else 0} rows for {height} at {step.file}:{step.line}",
            next_step="filter rows in the data, not in features; joins must not multiply or lose rows",
            field=f"{step.file}:{step.line}",
        )


def _numbers(step: StepDef, value: Any) -> dict[str, float]:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise _wrong(step, value, 'numbers by name, as in {"mae": 1.5}')
    try:
        return {name: float(number) for name, number in value.items()}
    except (TypeError, ValueError):
        wrong = next(name for name, number in value.items() if not isinstance(number, int | float))
        raise _wrong(step, value[wrong], f"a number for {wrong}") from None


def _wrong(step: StepDef, value: Any, wanted: str) -> InvalidInputError:
    return InvalidInputError(
        f"{step.name} must return {wanted}.",
        found=f"{'nothing (None)' if value is None else type(value).__name__} from {step.file}:{step.line}",
        next_step="add a return" if value is None else f"correct what {step.name} returns",
        field=f"{step.file}:{step.line}",
    )
