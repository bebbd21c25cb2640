"""A model's versions, newest first, each with its difference to the champion of its day."""

from typing import TYPE_CHECKING, Any

from volant.config.metric_text import metric_label, metric_name
from volant.gates.model import GateReport
from volant.kernel.codec import plain
from volant.kernel.errors import NotFoundError
from volant.registry.model import ModelState, ModelVersion, VersionState
from volant.web.checks import TONES, difference, main_check, newest_reports
from volant.web.drawings import forest_reach
from volant.web.history import decisions
from volant.web.live import live_performance
from volant.web.wheel_view import wheel_view
from volant.wiring.drifted import drift_view
from volant.wiring.inspected import inspections_view
from volant.wiring.planned import gate_plan
from volant.wiring.suites import suites
from volant.wiring.waiting import waiting
from volant.wiring.wheel import turn

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
PAGE = 50
MODELS = 100


def known_model(project: "Project", model: str) -> str:
    """The name if there is such a model. ``NotFoundError`` naming those there are."""
    if model == project.name or model in project.models.models():
        return model
    raise NotFoundError("There is no model of that name.", found=model[:100], next_step=f"this store holds: {project.name}")


def models_list(project: "Project", page: int = 1) -> Json:
    """One page of models with their champion, the project's own first."""
    stored = project.glances.stored()
    names = [project.name, *sorted(stored.keys() - {project.name})]
    rows = [
        {
            "model": facts.model,
            "versions": facts.versions,
            "champion": facts.state.champion,
            "registered_at": None if facts.newest is None else facts.newest.registered_at,
        }
        for facts in (stored[name] for name in names[(page - 1) * MODELS : page * MODELS])
    ]
    return {"models": rows, "total": len(names), "page": page, "more": len(names) > page * MODELS}


def model_page(project: "Project", model: str, page: int = 1) -> Json:
    """One page of versions."""
    known_model(project, model)
    state = project.registry.state(model)
    versions = project.models.versions(model)
    reports = newest_reports(project, model)
    history = decisions(project, model)
    events = _by_version(history)
    facts, now = project.glances.facts(model), project.clock.now()
    shown = versions[(page - 1) * PAGE : page * PAGE]
    rows = [_row(project, version, state, reports.get(version.package), events.get(version.number, [])) for version in shown]
    effects = [row["difference"]["effect"] for row in rows if row["difference"]]
    return {
        "model": model,
        "metric": metric_label(project.config.metric),
        "champion": state.champion,
        "epoch": state.epoch,
        "total": len(versions),
        "page": page,
        "more": len(versions) > page * PAGE,
        "versions": rows,
        "reach": forest_reach(effects),
        "trend": [version.metrics.get(metric_name(project.config.metric)) for version in reversed(versions[:60])],
        "live": live_performance(project, model, history),
        "drift": drift_view(project, limit=60) if model == project.name else None,
        "inspections": inspections_view(project) if model == project.name else None,
        "wheel": wheel_view(project, facts, turn(facts, now)),
        "next": plain(waiting(facts, now)),
        "plan": _plan(project, model),
        "suites": suites(project)["suites"] if model == project.name else [],
    }


def _plan(project: "Project", model: str) -> Json | None:
    """What the next decision takes; None where nothing was judged yet, or the model is another project's."""
    if model != project.name or not project.gates.reports(model):
        return None
    found: Json = plain(gate_plan(project))
    return found


def _by_version(events: list[Json]) -> dict[int, list[Json]]:
    found: dict[int, list[Json]] = {}
    for line in events:
        if line["version"] is not None:
            found.setdefault(line["version"], []).append(line)
    return found


def _row(project: "Project", version: ModelVersion, state: ModelState, report: GateReport | None, events: list[Json]) -> Json:
    standing = state.versions.get(version.number, VersionState.REGISTERED)
    last = events[0] if events else None
    return {
        "version": version.number,
        "state": standing.value,
        "value": version.metrics.get(metric_name(project.config.metric)),
        "difference": difference(main_check(report)),
        "verdict": None if report is None else report.verdict.value,
        "tone": "neutral" if report is None else TONES[report.verdict],
        "dataset": version.dataset,
        "dataset_version": version.dataset_version,
        "trained_rows": version.trained_rows,
        "run_id": version.run_id,
        "registered_at": version.registered_at,
        "last": None if last is None else {key: last[key] for key in ("kind", "actor", "recorded_at", "reason", "override")},
    }
