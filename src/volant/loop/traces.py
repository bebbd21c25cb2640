"""The edges a cycle adds to the lineage graph."""

from volant.data.model import DatasetVersion
from volant.gates.model import GateReport
from volant.lineage.model import Edge
from volant.lineage.ports import LineageStore
from volant.loop.fitting import Fitted
from volant.registry.model import ModelVersion
from volant.tracking.model import Run


def lineage_of_run(store: LineageStore, run: Run, dataset: DatasetVersion, fitted: Fitted) -> None:
    """What a run used: the data version (and its base), the code, the environment, and the steps."""
    node = f"run:{run.id}"
    data = f"dataset:{dataset.dataset}@{dataset.number}"
    edges = [Edge(source=data, target=node, role="data"), Edge(source=f"pipeline:{fitted.code}", target=node, role="code")]
    if dataset.base is not None:
        edges.append(Edge(source=f"dataset:{dataset.dataset}@{dataset.base}", target=data, role="base"))
    if run.environment is not None:
        edges.append(Edge(source=f"environment:{run.environment}", target=node, role="environment"))
    edges += [Edge(source=f"step:{step.key}", target=node, role=f"step {step.step}") for step in fitted.steps if step.key is not None]
    store.add(edges)


def lineage_of_version(store: LineageStore, version: ModelVersion, report: GateReport) -> None:
    """What a version is: the package a run made, the settings it was made under, and the gate that judged it."""
    node = f"model:{version.model}@{version.number}"
    edges = [
        Edge(source=f"run:{version.run_id}", target=node, role="run"),
        Edge(source=f"object:{version.package}", target=node, role="package"),
        Edge(source=f"object:{version.policy}", target=node, role="settings"),
        Edge(source=f"gate:{report.id}", target=node, role="gate"),
        Edge(source=f"dataset:{report.dataset}@{report.dataset_version}", target=f"gate:{report.id}", role="holdout"),
        Edge(source=f"object:{report.predictions}", target=f"gate:{report.id}", role="predictions"),
    ]
    if report.champion is not None:
        edges.append(Edge(source=f"model:{version.model}@{report.champion}", target=f"gate:{report.id}", role="champion"))
    store.add(edges)
