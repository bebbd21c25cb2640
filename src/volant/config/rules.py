"""What must hold between the keys of ``volant.yaml``, once each is right by itself."""

import itertools
from collections.abc import Callable, Iterator

from volant.config.drift_lines import drift_problems
from volant.config.expressions import PROBABILITY, columns_read, parse, terms
from volant.config.gate_rules import gate_problems
from volant.config.metric_text import business_metric
from volant.config.metrics import METRICS_OF_TASK
from volant.config.model import Autonomy, BusinessMetric, GateConfig, GateKind, ProjectConfig, ReleaseConfig, StepKind, Task
from volant.config.retraining_rules import retraining_problems
from volant.config.suites import suite_problems
from volant.kernel.errors import UsageError

Where = Callable[[str], str]


def check(config: ProjectConfig, where: Where) -> None:
    """``UsageError`` for the first thing that does not fit; ``where`` gives file and line of a path."""
    for path, found, next_step in _problems(config):
        raise UsageError(f"{where(path)}: {found}.", next_step=next_step, field=path)


Problem = tuple[str, str, str]


def _problems(config: ProjectConfig) -> Iterator[Problem]:
    yield from _metrics(config)
    yield from _columns(config)
    yield from _training(config)
    yield from retraining_problems(config)
    for number, gate in enumerate(config.gates):
        yield from _gate(config, gate, f"gates[{number}]")
    yield from _steps(config.release)
    yield from suite_problems(config)
    yield from drift_problems(config.watch.drift)
    if config.release.autonomy is Autonomy.AUTOPILOT and not any(_compares(gate) for gate in config.gates):
        yield (
            "release.autonomy",
            "autopilot lets out whatever passes the gates, and no gate tests the model",
            "add {vs: baseline} and {vs: champion, margin: 1%} under gates, or write autonomy: propose",
        )


def _steps(release: ReleaseConfig) -> Iterator[Problem]:
    steps, path = release.steps, "release.steps"
    if steps and steps[-1].kind is not StepKind.FULL:
        yield path, "the last step is not full, so nothing would become the champion", "add full at the end"
    if any(step.kind is StepKind.FULL for step in steps[:-1]):
        yield path, "full is the end", "take out what follows it"
    if len(steps) == 1:
        yield path, "full alone is no rollout", "add {shadow: 500 rows} or {canary: 10%, rows: 1000} before it, or leave the steps out"
    shares = [step.share for step in steps if step.kind is StepKind.CANARY]
    if any(later <= earlier for earlier, later in itertools.pairwise(shares)):
        yield path, "a canary's share must grow from step to step", "order them: 10%, 25%, 50%"
    kinds = [step.kind for step in steps]
    if StepKind.SHADOW in kinds[1:]:
        yield path, "a shadow comes first and once: afterwards the version answers live rows", "move {shadow: ...} to the front"


def _compares(gate: GateConfig) -> bool:
    return gate.kind in {GateKind.BASELINE, GateKind.CHAMPION, GateKind.FLOOR}


def _metrics(config: ProjectConfig) -> Iterator[Problem]:
    fitting = METRICS_OF_TASK[config.task]
    used = [("metric", config.metric), *((f"gates[{i}].metric", gate.metric) for i, gate in enumerate(config.gates))]
    for path, metric in used:
        if metric is not None and metric not in fitting and business_metric(metric) is None:
            yield path, f"the metric {metric!r} does not fit the task {config.task.value!r}", f"use one of {', '.join(fitting)}"
    for business in config.metrics:
        yield from _expression(config, business)


def _expression(config: ProjectConfig, metric: BusinessMetric) -> Iterator[Problem]:
    """What can be said of it without the data: those are asked in ``wiring/measures.py``."""
    path, term = f"metrics.{metric.name}.expression", parse(metric.expression)
    chances = [part for part in terms(term) if part.op == PROBABILITY]
    if chances and config.task is Task.REGRESSION:
        yield path, f"character {chances[0].at}: the task is regression, and numbers have no probability", "use prediction"
    if config.task is Task.MULTICLASS and any(part.value is None for part in chances):
        yield path, "probability of which class?", 'write probability("CLASS")'
    for name in columns_read(term):
        if name == config.target:
            yield path, f"{name!r} is the target, which no request carries", "write label for what turned out to be true"
        if name in config.data.drop:
            yield path, f"{name!r} is under data.drop, so no request carries it", "take it out of data.drop, or out of the expression"


def _columns(config: ProjectConfig) -> Iterator[Problem]:
    data = config.data
    roles = [("data.key", data.key), ("data.drop", data.drop), ("data.time", (data.time,)), ("data.group", (data.group,))]
    for path, names in roles:
        if config.target in names:
            yield path, f"{config.target!r} is the target, which nobody knows when predicting", f"take it out of {path}"
    if data.time is not None and data.time in data.drop:
        yield "data.drop", f"{data.time!r} is the time column", "take it out of data.drop: time is no feature unless a function uses it"
    for name in (data.source, data.contract):
        if name is not None and ("://" in name or name.startswith("python:")):
            yield "data.source" if name is data.source else "data.contract", f"{name!r} is no file", "name a file"


def _training(config: ProjectConfig) -> Iterator[Problem]:
    if "seed" in config.train.params:
        yield "train.params.seed", "the seed has a place of its own", "write train.seed"


def _gate(config: ProjectConfig, gate: GateConfig, path: str) -> Iterator[Problem]:
    if gate.minimum is not None and gate.maximum is not None and gate.minimum > gate.maximum:
        yield path, f"min {gate.minimum:g} is above max {gate.maximum:g}, so nothing passes", "swap them"
    if config.target in gate.slices:
        yield f"{path}.slices", f"{config.target!r} is the target", "slice by another column"
    yield from gate_problems(config, gate, path)
