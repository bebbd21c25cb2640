"""Lines under gates for fairness, calibration, churn, robustness, latency and size: read, written back, and wrong ones told."""

import pytest

from volant.config.lines import GATES
from volant.config.load import load_text
from volant.config.model import GateKind, Rate
from volant.kernel.errors import UsageError

HEAD = "version: 1\nproject: x\ntask: {task}\ntarget: paid\nmetric: {metric}\ndata: {{source: a.csv}}\ngates:\n"


def gates(*lines, task="binary", metric="error"):
    text = HEAD.format(task=task, metric=metric) + "".join(f"  - {line}\n" for line in lines)
    return load_text(text, "volant.yaml", {}).config.gates


def test_each_kind_reads_and_is_written_back():
    lines = (
        "{fairness: [sex, city], rate: tpr, positive: yes, max_difference: 0.1, min_ratio: 80%}",
        "{fairness: [sex], metric: logloss, max_difference: 0.05, confidence: 99%}",
        "{calibration: 5%, slope: 0.2}",
        "{churn: 10%}",
        "{robustness: 5%, noise: 0.2, missing: 1%, swaps: 0%}",
        "{latency_p99: 20ms, latency_p95: 10ms, latency_slower: 20%}",
        "{latency_slower: 0.5}",
        "{package_size: 1.5MB, memory: 2GB}",
    )
    found = gates(*lines)
    assert [gate.kind.value for gate in found] == ["fairness"] * 2 + ["calibration", "churn", "robustness", "latency", "latency", "size"]
    assert (found[0].rate, found[0].positive, found[0].metric) == (Rate.TPR, "yes", None)
    assert (found[7].package_bytes, found[7].memory_bytes) == (1_500_000, 2_000_000_000)
    assert [gate.metric for gate in found if gate.kind is GateKind.ROBUSTNESS] == ["error"]
    assert gates(*(str(line).replace("'", "") for line in GATES.show(found))) == found


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{fairnes: [sex]}", "did you mean 'fairness'"),
        ("{fairness: [sex], rate: trp, max_difference: 0.1}", "did you mean 'tpr'"),
        ("{fairness: [sex], max_diference: 0.1}", "did you mean 'max_difference'"),
        ("{fairness: [sex]}", "no limit"),
        ("{fairness: [paid], max_difference: 0.1}", "is the target"),
        ("{fairness: [sex], rate: tpr, metric: error, max_difference: 0.1}", "a metric or a rate"),
        ("{fairness: [sex], positive: yes, max_difference: 0.1}", "only rates count"),
        ("{fairness: [sex], min_ratio: 150%}", "at most 100%"),
        ("{calibration: 0%}", "above 0%"),
        ("{robustness: 5%, noise: 0, missing: 0, swaps: 0}", "nothing is disturbed"),
        ("{package_size: 50 potatoes}", "a size like"),
        ("{latency_p95: soon}", "a duration"),
        ("{memory: 0}", "a size like"),
    ],
)
def test_what_cannot_be_meant_is_told(line, said):
    with pytest.raises(UsageError) as caught:
        gates(line)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("line", "task", "metric", "said"),
    [
        ("{fairness: [sex], rate: tpr, max_difference: 0.1}", "regression", "mae", "a regression has no tpr"),
        ("{calibration: 5%}", "regression", "mae", "gives no chances"),
        ("{fairness: [sex], rate: fpr, max_difference: 0.1}", "multiclass", "error", "positive: LABEL"),
    ],
)
def test_what_does_not_fit_the_task_is_told(line, task, metric, said):
    with pytest.raises(UsageError) as caught:
        gates(line, task=task, metric=metric)
    assert said in str(caught.value)
