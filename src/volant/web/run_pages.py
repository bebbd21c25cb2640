"""Runs: the table with metrics and parameters, and one run with what made it."""

from typing import TYPE_CHECKING, Any

from volant.config.metric_text import metric_name, own_metrics
from volant.kernel.codec import plain
from volant.kernel.errors import NotFoundError
from volant.stats.names import best_is_highest
from volant.tracking.model import RunDetail, RunStatus
from volant.web.objects import content, whole_object

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
PAGE = 50
METRIC_COLUMNS, PARAM_COLUMNS = 6, 8
CURVES = 12
LOGS = 20
CURVE_POINTS = 400
TONES = {
    RunStatus.FINISHED: "pass",
    RunStatus.FAILED: "fail",
    RunStatus.KILLED: "fail",
    RunStatus.RUNNING: "open",
    RunStatus.SCHEDULED: "neutral",
}


def runs_table(project: "Project", *, sort: str | None = None, descending: bool | None = None, page: int = 1) -> Json:
    """One page of runs, newest first or by a metric (best first unless said otherwise)."""
    down = best_is_highest(sort, own_metrics(project.config)) if descending is None else descending
    found = project.runs.search(order_by_metric=sort, descending=down, limit=PAGE + 1, offset=(page - 1) * PAGE)
    shown = found[:PAGE]
    metrics = _columns([detail.metrics for detail in shown], (sort, metric_name(project.config.metric)))
    params = _columns([detail.params for detail in shown], ())
    return {
        "sort": sort,
        "descending": down,
        "page": page,
        "more": len(found) > PAGE,
        "metric_columns": metrics[:METRIC_COLUMNS],
        "param_columns": params[:PARAM_COLUMNS],
        "hidden_columns": [*metrics[METRIC_COLUMNS:], *params[PARAM_COLUMNS:]],
        "runs": [_row(detail) for detail in shown],
        "versions": _versions_by_run(project),
    }


def _columns(rows: list[dict[str, Any]], first: tuple[str | None, ...]) -> list[str]:
    """Names by how many rows have them; those asked for before all others, baselines behind."""
    counts: dict[str, int] = {}
    for row in rows:
        for name in row:
            counts[name] = counts.get(name, 0) + 1
    return sorted(counts, key=lambda name: (name not in first, name.startswith("baseline."), -counts[name], name))


def _versions_by_run(project: "Project") -> dict[str, int]:
    return {version.run_id: version.number for version in project.models.versions(project.name)}


def _row(detail: RunDetail) -> Json:
    run = detail.run
    return {
        "id": run.id,
        "name": run.name,
        "status": run.status.value,
        "tone": TONES[run.status],
        "source": run.source,
        "started_at": run.started_at,
        "took_us": None if run.ended_at is None else max(run.ended_at - run.started_at, 0),
        "dataset": run.dataset,
        "dataset_version": run.dataset_version,
        "metrics": detail.metrics,
        "params": detail.params,
    }


def run_or_none(project: "Project", run_id: str) -> RunDetail | None:
    """The run, or None if the store no longer holds it."""
    try:
        detail: RunDetail = project.runs.get(run_id)
    except NotFoundError:
        return None
    return detail


def run_page(project: "Project", run_id: str) -> Json:
    """One run. ``NotFoundError`` if there is none."""
    detail = project.runs.get(run_id)
    run = detail.run
    total = max(sum(step.duration_us for step in detail.steps), 1)
    row = _row(detail)
    return {
        **row,
        "revision": run.revision,
        "experiment": run.experiment,
        "ended_at": run.ended_at,
        "error": run.error,
        "tags": detail.tags,
        "steps": [{**plain(step), "tone": _step_tone(step.status, cached=step.cached)} for step in detail.steps],
        "steps_us": total,
        "cached": sum(step.cached for step in detail.steps),
        "artifacts": [plain(artifact) for artifact in detail.artifacts],
        "logs": _logs(project, detail),
        "curves": _curves(project, run.id, detail.metrics),
        "version": _versions_by_run(project).get(run.id),
        "model": project.name,
        "pipeline": run.pipeline,
        "git": {"commit": run.git_commit, "dirty": run.git_dirty, "patch": whole_object(project, run.patch)},
        "environment": environment_view(project, run.environment),
        "reproduce": _reproduce(project, detail),
    }


def _logs(project: "Project", detail: RunDetail) -> list[Json]:
    """What the run's steps wrote: artifacts below ``logs/`` and those named as texts, by path."""
    found = [a for a in detail.artifacts if a.path.startswith("logs/") or a.path.endswith((".log", ".txt"))]
    shown = sorted(found, key=lambda artifact: artifact.path)[:LOGS]
    return [{"path": a.path, "size_bytes": a.size_bytes, **whole_object(project, a.digest)} for a in shown]


def _step_tone(status: RunStatus, *, cached: bool) -> str:
    return "cached" if cached else {"FINISHED": "ran", "FAILED": "fail", "KILLED": "fail"}.get(status.value, "open")


def _curves(project: "Project", run_id: str, metrics: dict[str, float]) -> list[Json]:
    """Metrics logged more than once, down-sampled for drawing."""
    found = []
    for key in sorted(metrics)[:CURVES]:
        points = project.runs.history(run_id, key)
        if len(points) > 1:
            step = -(-len(points) // CURVE_POINTS)
            found.append({"metric": key, "points": len(points), "values": [point.value for point in points[::step]]})
    return found


def environment_view(project: "Project", digest: str | None) -> Json:
    """Interpreter, platform and distributions as captured; whatever else was captured stands under ``more``."""
    found, problem = content(project, digest)
    view: Json = {"digest": digest, "problem": problem, "python": None, "platform": None, "distributions": {}, "more": {}}
    if not isinstance(found, dict):
        return view
    distributions = found.get("distributions") or found.get("packages") or {}
    if isinstance(distributions, list):
        distributions = dict(str(line).partition("==")[::2] for line in distributions)
    rest = {key: value for key, value in found.items() if key not in {"python", "platform", "distributions", "packages"}}
    return view | {
        "python": found.get("python"),
        "platform": found.get("platform"),
        "distributions": distributions if isinstance(distributions, dict) else {},
        "more": {key: value if isinstance(value, str | int | float) else plain(value) for key, value in rest.items()},
    }


def _reproduce(project: "Project", detail: RunDetail) -> list[Json]:
    """What to do, in order, to make it again."""
    run = detail.run
    steps: list[Json] = []
    if run.git_commit:
        steps.append({"text": "the code", "command": f"git checkout {run.git_commit}"})
    if run.patch:
        steps.append({"text": f"changes that were not committed: object {run.patch[:12]}, shown on this page", "command": None})
    if run.dataset and run.dataset_version:
        steps.append({"text": f"the data: version {run.dataset_version} of {run.dataset}, kept in this store", "command": None})
    declared = {name: str(value) for name, value in project.config.train.params.items()}
    changed = {name: value for name, value in detail.params.items() if name != "seed" and declared.get(name) != value}
    options = "".join(f" --set {_quoted(f'{name}={value}')}" for name, value in sorted(changed.items()))
    steps.append({"text": "the run", "command": f"volant run{options}"})
    return steps


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(text)
