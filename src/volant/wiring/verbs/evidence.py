"""``labels``, ``seal`` and ``prediction``, in the child."""

from pathlib import Path
from typing import Any

from volant.data.declared import key_columns, target_dtype
from volant.deployments.counting import counted
from volant.kernel.codec import plain
from volant.kernel.errors import UsageError
from volant.wiring.project import Project
from volant.wiring.verbs.opened import opened, predictions_of
from volant.wiring.worker import Report

Json = dict[str, Any]
ACTOR = "policy"


def add_labels(root: Path, environment: dict[str, str], request: Json, report: Report) -> Json:
    """Labels from a file, joined by the project's key or by prediction id."""
    from volant.evidence.label_files import read_label_file, unmatched
    from volant.evidence.labels import Labels
    from volant.wiring.verbs.rolling import told, weigh_losses

    project = opened(root, environment)
    dataset = project.datasets.latest(project.name)
    key = key_columns(project.config.data, dataset)
    on = list(request["on"]) or [column.name for column in key] or ["prediction_id"]
    if not key and project.config.data.key:
        raise UsageError("The project has no data version yet, so the types of its key are not known.", next_step="volant run")
    report("reading the labels", None)
    now = project.clock.now()
    found = read_label_file(
        Path(request["file"]),
        on,
        column=request["column"] or project.config.target,
        target_dtype=target_dtype(project.config.target, dataset),
        key=key,
        now=now,
        known_at_column=request["known_at_column"],
    )
    report("adding the labels", None)
    counts = Labels(project.labels, project.clock, key=key, target_dtype=target_dtype(project.config.target, dataset)).add(
        project.name, found.labels
    )
    rollout = told(weigh_losses(project))
    lacking = unmatched(found.labels, predictions_of(project).table(project.name))
    return {"rows": found.rows, **plain(counts), "unmatched": lacking, "unusable": plain(found.unusable), "rollout": rollout}


def seal(root: Path, environment: dict[str, str], request: Json, _report: Report) -> Json:
    """Turn closed files of the log into Parquet objects; ``keep_us`` leaves the newest alone.

    What they hold of a rollout on its way is counted first, as nothing counts it afterwards.
    """
    from volant.evidence.sealing import KEEP_US, Sealer

    project = opened(root, environment)
    _count(project)
    made = Sealer(project.log_folder, project.objects, project.segments, project.clock).seal(request.get("keep_us", KEEP_US))
    return {"sealed": len(made.sealed), "rows": sum(segment.rows for segment in made.sealed), "damaged": list(made.damaged)}


def _count(project: Project) -> None:
    state = project.rollouts.state(project.name)
    if state.active:
        tally = counted(project.log_folder, state.id, state.tally, state.started_at)
        project.rollouts.keep(project.name, state.id, tally, since=state.tally, actor=ACTOR)


def prediction(root: Path, environment: dict[str, str], request: Json, _report: Report) -> Json | None:
    """One logged prediction with its labels, or None."""
    project = opened(root, environment)
    line = predictions_of(project).find(project.name, request["id"])
    if line is None:
        return None
    subjects = [line["prediction_id"], *([line["key"]] if line["key"] is not None else [])]
    labels = [label for subject in subjects for label in project.labels.history(project.name, subject)]
    return {**line, "labels": plain(sorted(labels, key=lambda label: label.recorded_at))}
