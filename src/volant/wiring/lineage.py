"""From any prediction, version, run or dataset to everything it was made of, and back."""

from typing import Any

from volant.kernel.clock import iso
from volant.kernel.errors import NotFoundError, VolantError
from volant.lineage.model import Edge
from volant.registry.rules import concerns
from volant.wiring.child import call
from volant.wiring.project import Project

Json = dict[str, Any]
MAX_DEPTH = 12


def trace(project: Project, text: str) -> Json:
    """The tree above (made of) and below (used for) a node.

    ``text`` is a prediction id, ``NAME@VERSION`` or ``@champion`` (a model version), ``dataset:NAME@N``, a run id, or
    any node as the lineage table names it.
    """
    if _is_prediction(text):
        prediction = _prediction(project, text)
        model = f"model:{prediction['model']}@{prediction['version']}"
        above = {"node": model, "role": "model", **_facts(project, model), "from": _climb(project, model, "into")}
        return {"node": f"prediction:{text}", "prediction": prediction, "from": [above], "used_for": []}
    node = _named(project, text)
    return {
        "node": node,
        **_facts(project, node),
        "from": _climb(project, node, "into"),
        "used_for": _climb(project, node, "out_of"),
    }


def _is_prediction(text: str) -> bool:
    """Whether it looks like a row of an answered request: ``ID.ROW``."""
    identifier, _, row = text.removeprefix("prediction:").rpartition(".")
    return bool(identifier) and row.isascii() and row.isdigit() and "@" not in identifier and ":" not in identifier


def _prediction(project: Project, text: str) -> Json:
    """The logged prediction with this id. ``NotFoundError`` if it is not in the log."""
    identifier = text.removeprefix("prediction:")
    found: Json | None = call(project.root, "prediction", {"id": identifier}, environment=project.environment)
    if found is None:
        raise NotFoundError(
            f"There is no prediction {identifier}.",
            found=f"nothing of that id in the log of {project.name}",
            next_step="ids are in the answers' X-Volant-Prediction-Id, followed by .0, .1, ... for each row",
        )
    return found


def _named(project: Project, text: str) -> str:
    if text.split(":", 1)[0] in {"dataset", "step", "object", "gate", "pipeline", "environment", "segment", "policy"}:
        return _existing(project, text)
    if "@" in text:
        version = project.registry.resolve(project.name, text.removeprefix("model:"))
        return f"model:{version.model}@{version.number}"
    return f"run:{project.runs.get(text.removeprefix('run:')).run.id}"


def _existing(project: Project, node: str) -> str:
    """The node, if the graph has it or its store does: a data version that no run used yet is there all the same."""
    noun, _, name = node.partition(":")
    if project.lineage.into(node) or project.lineage.out_of(node):
        return node
    if noun == "dataset":
        dataset, _, number = name.rpartition("@")
        if number.isascii() and number.isdigit() and len(number) < 10:
            return f"dataset:{dataset}@{project.datasets.get(dataset, int(number)).number}"
    if noun == "gate":
        return f"gate:{project.gates.get(name).id}"
    raise NotFoundError(f"Nothing is known about {node}.", next_step="volant models and volant runs list what there is")


def _climb(project: Project, node: str, direction: str, depth: int = 0, seen: frozenset[str] = frozenset()) -> list[Json]:
    if depth >= MAX_DEPTH or node in seen:
        return []
    edges: tuple[Edge, ...] = getattr(project.lineage, direction)(node)
    key = "from" if direction == "into" else "used_for"
    branches = []
    for edge in sorted(edges, key=lambda edge: (edge.role, edge.source, edge.target)):
        other = edge.source if direction == "into" else edge.target
        below = _climb(project, other, direction, depth + 1, seen | {node})
        branches.append({"node": other, "role": edge.role, **_facts(project, other), key: below})
    return branches


def _facts(project: Project, node: str) -> Json:
    """What a reader wants to know of a node at a glance; nothing if it is known by its name alone."""
    noun, _, name = node.partition(":")
    try:
        if noun == "model":
            return _model_facts(project, name)
        if noun == "run":
            run = project.runs.get(name).run
            commit = (run.git_commit or "")[:12] + ("+changes" if run.git_dirty else "")
            return {"facts": {"status": run.status.value, "started": iso(run.started_at), "git": commit or "no repository"}}
        if noun == "dataset":
            version = project.datasets.get(name.rpartition("@")[0], int(name.rpartition("@")[2]))
            return {"facts": {"rows": version.rows, "origin": version.origin.value, "source": version.source, "digest": version.digest}}
        if noun == "gate":
            report = project.gates.get(name)
            return {"facts": {"verdict": report.verdict.value, "rows": report.holdout_rows, "at": iso(report.recorded_at)}}
    except (VolantError, ValueError):
        return {"facts": {"missing": "named by the lineage but not in the store"}}
    return {}


def _model_facts(project: Project, name: str) -> Json:
    model, _, number = name.rpartition("@")
    version = project.models.get(model, int(number))
    state = project.registry.state(model)
    releases = [
        {"kind": event.kind, "by": event.actor, "at": iso(event.recorded_at), **_reason(event.data)}
        for event in project.events.read(f"model/{model}")
        if concerns(event, version.number)
    ]
    return {
        "facts": {
            "state": state.versions[version.number].value,
            "package": version.package,
            "registered": iso(version.registered_at),
            "metrics": version.metrics,
        },
        "releases": releases,
    }


def _reason(data: bytes) -> Json:
    import orjson

    return {key: value for key, value in orjson.loads(data).items() if key in {"reason", "override", "decision"} and value}
