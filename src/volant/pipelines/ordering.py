"""Steps in an order in which each has its inputs; and which ones stand before or after another."""

from collections.abc import Iterable

from volant.kernel.errors import InvalidInputError
from volant.pipelines.model import Graph, StepDef


def running_order(steps: tuple[StepDef, ...], shown: str) -> tuple[StepDef, ...]:
    """Inputs before those that take them, else in order of file and line. A cycle is an ``InvalidInputError``."""
    waiting = {step.name: step for step in sorted(steps, key=lambda s: (s.file != shown, s.file, s.line, s.name))}
    ordered: dict[str, StepDef] = {}
    while waiting:
        ready = next((s for s in waiting.values() if all(a.source not in waiting for a in s.arguments)), None)
        if ready is None:
            raise _cycle(waiting)
        ordered[ready.name] = waiting.pop(ready.name)
    return tuple(ordered.values())


def _cycle(waiting: dict[str, StepDef]) -> InvalidInputError:
    path = [next(iter(waiting))]
    while path[-1] not in path[:-1]:
        path.append(next(a.source for a in waiting[path[-1]].arguments if a.source in waiting))
    circle = path[path.index(path[-1]) :]
    step = waiting[circle[0]]
    return InvalidInputError(
        f"Steps wait for each other: {' takes '.join(circle)}.",
        found=", ".join(f"{name} at {waiting[name].file}:{waiting[name].line}" for name in dict.fromkeys(circle)),
        next_step="one of them must do without the other",
        field=f"{step.file}:{step.line}",
    )


def upstream(graph: Graph, names: Iterable[str]) -> frozenset[str]:
    """The named steps and all that they need."""
    wanted = set(names)
    for step in reversed(graph.steps):
        if step.name in wanted:
            wanted.update(argument.source for argument in step.arguments)
    return frozenset(wanted & set(graph.names()))


def downstream(graph: Graph, name: str) -> frozenset[str]:
    """The step and all that need it."""
    found = {name}
    for step in graph.steps:
        if any(argument.source in found for argument in step.arguments):
            found.add(step.name)
    return frozenset(found)
