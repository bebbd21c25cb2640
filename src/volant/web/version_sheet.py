"""The decision sheet of a version: everything a reviewer needs to approve or reject it, on one page."""

from typing import TYPE_CHECKING, Any

from volant.config.metric_text import metric_label
from volant.gates.model import GateReport, Verdict
from volant.kernel.clock import SECOND_US
from volant.kernel.codec import plain
from volant.kernel.errors import CheckFailedError, VolantError
from volant.registry.model import ModelState, ModelVersion, VersionState
from volant.registry.rules import approve
from volant.tracking.model import RunDetail
from volant.web.checks import labels_wait, newest_reports, report_view, summary
from volant.web.history import decisions
from volant.web.model_page import known_model
from volant.web.objects import content, stored_size, whole_object
from volant.web.run_pages import environment_view, run_or_none

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]


def version_sheet(project: "Project", model: str, number: int, *, may_approve: bool) -> Json:
    """The whole sheet. ``NotFoundError`` if there is no such model or version."""
    version = project.models.get(known_model(project, model), number)
    state = project.registry.state(model)
    standing = state.versions.get(number, VersionState.REGISTERED)
    report = newest_reports(project, model).get(version.package)
    run = run_or_none(project, version.run_id)
    history = decisions(project, model, number)
    wait = None if report is None else labels_wait(project, model, report, project.clock.now())
    return {
        "model": model,
        "version": number,
        "state": standing.value,
        "newest": max(state.versions, default=number),
        "champion": _champion(project, model, state),
        "metric": metric_label(project.config.metric),
        "metrics": version.metrics,
        "verdict": _verdict(version, standing, report, history),
        "action": _action(f"{model}@{number}", standing, report, project),
        "wait": wait,
        "report": None if report is None else report_view(report),
        "forms": forms(state, number, report, may_approve=may_approve),
        "params": {} if run is None else run.params,
        "lineage": _lineage(project, version, report, run),
        "trained": {"rows": version.trained_rows, "until_at": version.trained_until_us},
        "package": _package(project, version, run),
        "registered_at": version.registered_at,
        "row_us": row_us(project),
        "policy": whole_object(project, version.policy),
        "environment": environment_view(project, None if run is None else run.run.environment),
        "history": history,
    }


def row_us(project: "Project") -> int | None:
    """How long a row is where the data have no time column: event times are row numbers times this."""
    data = project.config.data
    return (data.tick_us or SECOND_US) if data.time is None else None


def forms(state: ModelState, number: int, report: GateReport | None, *, may_approve: bool) -> Json:
    """Which decisions are open. ``lacking`` says why approving would be an override, if it would; approving a retired
    version goes back to it.
    """
    standing = state.versions.get(number, VersionState.REGISTERED)
    why_not = (
        "It serves already." if standing is VersionState.CHAMPION else "" if may_approve else "Your role may not decide; an approver can."
    )
    return {
        "approve": not why_not,
        "reject": not why_not and standing is not VersionState.REJECTED,
        "lacking": None if why_not else _lacking(state, number, report),
        "why_not": why_not,
    }


def _lacking(state: ModelState, number: int, report: GateReport | None) -> str | None:
    """What the registry would say to an approval without override, asked of its own pure rule."""
    try:
        approve(state, number, reason=None, override=False, report=report)
    except CheckFailedError as error:
        return f"{error.what} {error.found or ''}".strip()
    except VolantError:  # not a version of this model's stream: the registry will say so
        return None
    return None


def _verdict(version: ModelVersion, standing: VersionState, report: GateReport | None, history: list[Json]) -> Json:
    """The first sentence of the sheet, and its tone."""
    judged = "It has no gate report." if report is None else summary(report)
    last = history[0] if history else None
    if standing is VersionState.CHAMPION:
        return {"tone": "champion", "head": "Champion", "sentence": judged, "by": last, "since_at": last["recorded_at"] if last else None}
    heads = {
        VersionState.PROPOSED: ("open", "Waits for approval"),
        VersionState.RETIRED: ("neutral", "Retired"),
        VersionState.REJECTED: ("neutral", "Rejected"),
        VersionState.ROLLED_BACK: ("fail", "Rolled back"),
    }
    if standing in heads:
        tone, head = heads[standing]
    elif report is None:
        tone, head = "open", "Not judged"
    else:
        tone, head = ("fail", "Gate failed") if report.verdict is Verdict.FAIL else ("open", "Gate undecided")
        if report.verdict is Verdict.PASS:
            tone, head = "pass", "Gate passed"
    since = last["recorded_at"] if last else version.registered_at
    return {"tone": tone, "head": head, "sentence": judged, "by": last, "since_at": since}


def _action(name: str, standing: VersionState, report: GateReport | None, project: "Project") -> Json | None:
    """What to do about it, with the command; None where nothing is asked of anybody."""
    if standing is VersionState.PROPOSED:
        return {"text": "Approve it below, or:", "command": f'volant approve {name} --reason "..."'}
    if standing is not VersionState.REGISTERED:
        served = standing is not VersionState.CHAMPION or project.leases.current(f"loop/{project.name}") is not None
        return None if served else {"text": "No server is up:", "command": "volant up"}
    if report is None:
        return {"text": "Judge it first:", "command": f"volant gate {name}"}
    if report.verdict is Verdict.NOT_ENOUGH:
        return {"text": "Add labels, then judge it again:", "command": f"volant gate {name}"}
    return {
        "text": "Improve data or pipeline and run again, or let it out against the gate:",
        "command": f'volant approve {name} --override --reason "..."',
    }


def _champion(project: "Project", model: str, state: ModelState) -> Json | None:
    if state.champion is None:
        return None
    version = next((v for v in project.models.versions(model) if v.number == state.champion), None)
    return None if version is None else {"version": version.number, "metrics": version.metrics, "dataset_version": version.dataset_version}


def _lineage(project: "Project", version: ModelVersion, report: GateReport | None, run: RunDetail | None) -> Json:
    """Where it comes from. What the store no longer holds is said to be missing, and the page still stands."""
    dataset = next((d for d in project.datasets.versions(version.dataset) if d.number == version.dataset_version), None)
    return {
        "dataset": {
            "name": version.dataset,
            "number": version.dataset_version,
            "rows": None if dataset is None else dataset.rows,
            "digest": None if dataset is None else dataset.digest,
            "missing": dataset is None,
        },
        "run": {
            "id": version.run_id,
            "revision": version.run_revision,
            "missing": run is None,
            "status": None if run is None else run.run.status.value,
            "source": "" if run is None else run.run.source,
        },
        "pipeline": version.pipeline,
        "git": None if run is None or not run.run.git_commit else {"commit": run.run.git_commit, "dirty": run.run.git_dirty},
        "package": version.package,
        "gate": None if report is None else report.id,
        "trained_rows_digest": version.trained_rows_digest,
        "node": f"model:{version.model}@{version.number}",
    }


def _package(project: "Project", version: ModelVersion, run: RunDetail | None) -> Json:
    """The package's manifest in the parts people ask about, and its size."""
    manifest, problem = content(project, version.package)
    if not isinstance(manifest, dict):
        return {"problem": problem or "The manifest cannot be read.", "signature": None, "estimator": None, "size_bytes": None, "files": {}}
    files = manifest.get("files") if isinstance(manifest.get("files"), dict) else {}
    known = {} if run is None else {artifact.digest: artifact.size_bytes for artifact in run.artifacts}
    sizes = {str(path): stored_size(project, str(digest), known) for path, digest in dict(files or {}).items()}
    features = manifest.get("features")
    return {
        "problem": None,
        "signature": _signature(manifest.get("signature")),
        "estimator": manifest.get("estimator_kind"),
        "frame": manifest.get("frame"),
        "python": manifest.get("python"),
        "features": f"{features.get('module')}.{features.get('name')}" if isinstance(features, dict) else None,
        "feature_names": list(manifest.get("feature_names") or ()),
        "distributions": manifest.get("distributions") or {},
        "files": sizes,
        "size_bytes": None if any(size is None for size in sizes.values()) else sum(size or 0 for size in sizes.values()),
    }


def _signature(found: Any) -> Json | None:
    if not isinstance(found, dict):
        return None
    inputs = [dict(field) for field in found.get("inputs") or () if isinstance(field, dict)]
    return {
        "inputs": [{"name": f.get("name"), "dtype": f.get("dtype"), "nullable": f.get("nullable")} for f in inputs],
        "target": found.get("target"),
        "task": found.get("task"),
        "classes": plain(found.get("classes") or []),
    }
