"""Where things stand, as plain values: what ``status``, ``models`` and their JSON forms show."""

from typing import Any

from volant.config.metric_text import metric_label, metric_name
from volant.deployments.model import Phase
from volant.gates.model import GateReport, Verdict
from volant.kernel.clock import iso
from volant.kernel.codec import plain
from volant.registry.model import ModelState, ModelVersion
from volant.registry.rules import concerns
from volant.wiring.project import Project
from volant.wiring.waiting import waiting
from volant.wiring.wheel import Facts, about, turn

Json = dict[str, Any]
ALERT_LINE = ("number", "severity", "cause", "sentence", "acknowledged_by")


def status(project: Project) -> Json:
    """One glance: data, last run, gate, what serves, labels, and the next thing to do with its command."""
    state = project.registry.state(project.name)
    newest = next(iter(project.models.versions(project.name)), None)
    data = project.datasets.latest(project.name)
    last = next(iter(project.runs.search(limit=1)), None)
    now, facts = project.clock.now(), project.glances.facts(project.name)
    holder = project.leases.current(f"loop/{project.name}")
    return {
        "project": project.name,
        "task": project.config.task.value,
        "metric": metric_name(project.config.metric),
        "metric_label": metric_label(project.config.metric),
        "autonomy": project.config.release.autonomy.value,
        "data": None
        if data is None
        else {"version": data.number, "rows": data.rows, "origin": data.origin.value, "at": iso(data.recorded_at)},
        "run": None if last is None else {"id": last.run.id, "status": last.run.status.value, "at": iso(last.run.started_at)},
        "newest": None if newest is None else _version_line(project, newest, state),
        "champion": None if state.champion is None else _version_line(project, project.models.get(project.name, state.champion), state),
        "epoch": state.epoch,
        "rollout": _rollout(project),
        "predictions": _prediction_count(project),
        "labels": project.labels.count(project.name, known_by=now),
        "serving": None if holder is None else holder.holder,
        "automation": _automation(project),
        "alerts": [{name: getattr(one, name) for name in ALERT_LINE} for one in project.alerts.open(project.name) if not one.quiet],
        "wheel": _wheel(facts, now),
        **_next_step(facts, now),
    }


def _automation(project: Project) -> Json:
    """Whether it is paused, and what it decided last."""
    from volant.loop.ledger import DecisionLedger

    ledger = DecisionLedger(project.events, project.name)
    decided = ledger.decisions()
    last = None if not decided else {"at": iso(decided[-1][0].recorded_at), "sentence": decided[-1][1].sentence}
    return {"paused": ledger.paused(), "last": last}


def _prediction_count(project: Project) -> Json:
    sealed = sum(segment.rows for segment in project.segments.segments(project.name))
    return {"sealed": sealed, "open": project.open_rows.count()}


def _rollout(project: Project) -> Json | None:
    """The rollout that is on its way, or the last decision of the newest one."""
    state = project.rollouts.state(project.name)
    if state.phase is Phase.NONE:
        return None
    return {"version": state.candidate, "phase": state.phase.value, "undecided": state.undecided, "sentence": state.sentence}


def _wheel(facts: Facts, now: int) -> list[Json]:
    """The seven cells, as pages show them, with what they wait for in words."""
    return [{**plain(cell), "waits": cell.waits} for cell in turn(facts, now).cells]


def _next_step(facts: Facts, now: int) -> Json:
    """What the wheel waits for, in one sentence with who has to act, and the command that moves it."""
    found = waiting(facts, now)
    how_long = "" if found.takes_us is None or not found.waiting else f" ({about(found.takes_us)} at the present rate)"
    return {"waits_for": f"{found.waits_for}: {found.text}{how_long}", "next": found.command}


def models(project: Project) -> Json:
    """The model's versions, newest first."""
    state = project.registry.state(project.name)
    return {
        "model": project.name,
        "champion": state.champion,
        "epoch": state.epoch,
        "versions": [_version_line(project, version, state) for version in project.models.versions(project.name)],
    }


def _version_line(project: Project, version: ModelVersion, state: ModelState) -> Json:
    report = _report(project, version)
    return {
        "version": version.number,
        "state": state.versions[version.number].value,
        "dataset_version": version.dataset_version,
        "run_id": version.run_id,
        "registered": iso(version.registered_at),
        "metrics": version.metrics,
        "gate": None if report is None else report.verdict.value,
        "against_champion": None if report is None else _main_difference(report),
    }


def _main_difference(report: GateReport) -> Json | None:
    """The first comparison with a champion: what a reviewer looks at first."""
    for check in report.checks:
        if check.check.kind.value == "champion" and check.difference is not None:
            return {
                "metric": check.check.metric and metric_label(check.check.metric),
                "other": check.other_name,
                "difference": check.difference,
                "low": check.low,
                "high": check.high,
                "verdict": check.verdict.value,
            }
    return None


def _report(project: Project, version: ModelVersion) -> GateReport | None:
    reports = project.gates.for_package(project.name, version.package)
    return reports[0] if reports else None


def version_detail(project: Project, number: int) -> Json:
    """One version with its report, run, manifest and release history."""
    version = project.models.get(project.name, number)
    state = project.registry.state(project.name)
    report = _report(project, version)
    history = [event for event in project.events.read(f"model/{project.name}") if concerns(event, number)]
    return {
        **_version_line(project, version, state),
        "package": version.package,
        "pipeline": version.pipeline,
        "policy": version.policy,
        "trained_rows": version.trained_rows,
        "trained_until": None if version.trained_until_us is None else iso(version.trained_until_us),
        "passed": report is not None and report.verdict is Verdict.PASS,
        "report": None if report is None else plain(report),
        "run": plain(project.runs.get(version.run_id)),
        "history": [{"kind": e.kind, "by": e.actor, "at": iso(e.recorded_at), "data": e.data.decode()} for e in history],
    }
