"""What must hold between the keys of one line under ``gates``, for the kinds that ask more than a comparison."""

from collections.abc import Iterator

from volant.config.metric_text import metric_name
from volant.config.model import GateConfig, GateKind, ProjectConfig, Task

Problem = tuple[str, str, str]
_RATES = "selection, tpr and fpr count labels"


def gate_problems(config: ProjectConfig, gate: GateConfig, path: str) -> Iterator[Problem]:
    """Path, what is wrong, what to do."""
    if gate.kind is GateKind.FAIRNESS:
        yield from _fairness(config, gate, path)
    if gate.kind is GateKind.CALIBRATION and config.task is Task.REGRESSION:
        yield path, "a regression gives no chances, so its calibration cannot be judged", "take the line out, or use {max: ...} on a metric"
    if gate.kind is GateKind.ROBUSTNESS and 0 == gate.noise == gate.missing == gate.swaps:
        yield path, "noise, missing and swaps are all 0, so nothing is disturbed", "leave one of them out: noise is 0.1 then, the others 5%"


def _fairness(config: ProjectConfig, gate: GateConfig, path: str) -> Iterator[Problem]:
    if gate.max_difference is None and gate.min_ratio is None:
        yield path, "fairness has no limit", "add max_difference: 0.1, min_ratio: 80% or both"
    if config.target in gate.columns:
        yield f"{path}.fairness", f"{config.target!r} is the target", "name the columns whose groups must fare alike"
    if gate.rate is None and gate.positive is not None:
        yield f"{path}.positive", "only rates count a positive label", "add rate: tpr, or take positive out"
    if gate.rate is None:
        return
    if config.task is Task.REGRESSION:
        yield f"{path}.rate", f"a regression has no {gate.rate.value}: {_RATES}", f"leave rate out to compare {metric_name(config.metric)}"
    if gate.metric is not None:
        yield f"{path}.rate", "a line compares a metric or a rate, not both", "write two lines"
    if config.task is Task.MULTICLASS and gate.positive is None:
        yield f"{path}.positive", f"with more than two labels {gate.rate.value} needs one to count", "add positive: LABEL"
