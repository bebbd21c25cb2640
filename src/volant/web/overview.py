"""The overview: one row per model, and what waits for whom."""

from typing import TYPE_CHECKING, Any

from volant.config.model import Autonomy
from volant.gates.model import GateReport
from volant.registry.model import ModelState, ModelVersion, VersionState
from volant.web.alerts_page import glance
from volant.web.checks import TONES, difference, labels_wait, main_check, newest_reports
from volant.web.history import decisions
from volant.wiring.traffic import Traffic

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
RECENT = 8


def overview(project: "Project", traffic: Traffic) -> Json:
    """All models of the store, the project's own first, and what was decided last."""
    now = project.clock.now()
    names = [project.name, *(name for name in project.models.models() if name != project.name)]
    rows = [_row(project, traffic, name, now) for name in names]
    recent = [line for name in names for line in decisions(project, name)[:RECENT]]
    recent.sort(key=lambda line: line["recorded_at"], reverse=True)
    return {
        "models": rows,
        "waiting": [row for row in rows if row["next"]["waiting"]],
        "recent": recent[:RECENT],
        "alerts": glance(project),
        "metric": project.config.metric,
    }


def _row(project: "Project", traffic: Traffic, model: str, now: int) -> Json:
    state = project.registry.state(model)
    versions = project.models.versions(model)
    reports = newest_reports(project, model)
    newest = versions[0] if versions else None
    report = None if newest is None else reports.get(newest.package)
    own = model == project.name
    predictions = traffic.counts(model, now)
    labels = project.labels.count(model, known_by=now)
    return {
        "model": model,
        "versions": len(versions),
        "data": _data(project, model),
        "run": _last_run(project) if own else None,
        "gate": _gate(newest, report),
        "champion": _champion(project, state, versions),
        "server": _server(project, model),
        "predictions": predictions,
        "labels": {"count": labels, "share": labels / predictions["total"] if predictions["total"] >= labels > 0 else None},
        "next": next_step(project, state, versions, reports, now),
    }


def _data(project: "Project", dataset: str) -> Json | None:
    latest = project.datasets.latest(dataset)
    if latest is None:
        return None
    return {
        "dataset": dataset,
        "number": latest.number,
        "rows": latest.rows,
        "origin": latest.origin.value,
        "recorded_at": latest.recorded_at,
    }


def _last_run(project: "Project") -> Json | None:
    found = project.runs.search(limit=1)
    if not found:
        return None
    run = found[0].run
    took = None if run.ended_at is None else max(run.ended_at - run.started_at, 0)
    return {"id": run.id, "name": run.name, "status": run.status.value, "started_at": run.started_at, "took_us": took}


def _gate(newest: ModelVersion | None, report: GateReport | None) -> Json | None:
    if newest is None:
        return None
    if report is None:
        return {"version": newest.number, "verdict": None, "tone": "neutral", "difference": None}
    shown = difference(main_check(report))
    return {"version": newest.number, "verdict": report.verdict.value, "tone": TONES[report.verdict], "difference": shown}


def _champion(project: "Project", state: ModelState, versions: tuple[ModelVersion, ...]) -> Json | None:
    found = next((version for version in versions if version.number == state.champion), None)
    if found is None:
        return None
    metric = project.config.metric
    return {"version": found.number, "epoch": state.epoch, "metric": metric, "value": found.metrics.get(metric), "previous": state.previous}


def _server(project: "Project", model: str) -> str | None:
    lease = project.leases.current(f"loop/{model}")
    return None if lease is None else lease.holder


def next_step(project: "Project", state: ModelState, versions: tuple[ModelVersion, ...], reports: dict[str, GateReport], now: int) -> Json:
    """What the wheel waits for, who has to act, since when, and the command that moves it."""
    if not versions:
        return _step("you", "There is no model yet: the first run trains one.", "volant run")
    proposed = [version for version in versions if state.versions.get(version.number) is VersionState.PROPOSED]
    if proposed and project.config.release.autonomy is Autonomy.PROPOSE:
        return _wait_for_approval(project, state.model, proposed[0])
    newest = versions[0]
    report = reports.get(newest.package)
    if state.champion is None:
        return _wait_for_override(state.model, newest, report)
    if _server(project, state.model) is None:
        return _step("you", f"Version {state.champion} is the champion, but no server is up.", "volant up", tone="open")
    wait = None if report is None else labels_wait(project, state.model, report, now)
    if wait is not None and state.versions.get(newest.number) is VersionState.REGISTERED:
        return _step(
            "labels",
            f"Version {newest.number} needs about {wait['labels']:,} more labels.",
            "volant labels add FILE",
            takes_us=wait["takes_us"],
        )
    return _step("data", "New data or labels turn the wheel again.", "volant run", tone="neutral", waiting=False)


def _wait_for_approval(project: "Project", model: str, version: ModelVersion) -> Json:
    events = decisions(project, model, version.number)
    since = events[0]["recorded_at"] if events else version.registered_at
    return _step(
        "an approver",
        f"Version {version.number} passed its gate and waits for approval.",
        f'volant approve {model}@{version.number} --reason "..."',
        since_at=since,
        version=version.number,
    )


def _wait_for_override(model: str, newest: ModelVersion, report: GateReport | None) -> Json:
    name = f"{model}@{newest.number}"
    if report is None:
        return _step(
            "you", f"Version {newest.number} has no gate report, and nothing serves.", f"volant gate {name}", version=newest.number
        )
    return _step(
        "an approver",
        f"The gate did not pass version {newest.number}, and nothing serves.",
        f'volant approve {name} --override --reason "..."',
        since_at=newest.registered_at,
        version=newest.number,
        tone="fail" if TONES[report.verdict] == "fail" else "open",
    )


def _step(
    who: str,
    text: str,
    command: str,
    *,
    since_at: int | None = None,
    takes_us: int | None = None,
    version: int | None = None,
    tone: str = "open",
    waiting: bool = True,
) -> Json:
    return {
        "waits_for": who,
        "text": text,
        "command": command,
        "since_at": since_at,
        "takes_us": takes_us,
        "version": version,
        "tone": tone,
        "waiting": waiting,
    }
