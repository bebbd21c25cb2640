"""``validate`` and ``profile``, in the child."""

from pathlib import Path
from typing import Any

from volant.kernel.codec import plain
from volant.kernel.errors import NotFoundError
from volant.wiring.verbs.opened import datasets_of, opened
from volant.wiring.worker import Report

Json = dict[str, Any]


def validate(root: Path, environment: dict[str, str], request: Json, report: Report) -> Json:
    """Hold the source, or the file ``data``, to the contract."""
    from volant.data.report import render

    project = opened(root, environment)
    report("checking the data", None)
    data = None if request["data"] is None else Path(request["data"])
    found = datasets_of(project).check(project.config, project.root, data)
    return {"report": plain(found), "valid": found.valid, "blocked": found.blocked, "text": render(found)}


def profile(root: Path, environment: dict[str, str], request: Json, report: Report) -> Json:
    """The profile of a version; without a number the newest, frozen now if the source has changed."""
    project = opened(root, environment)
    service = datasets_of(project)
    if request["version"] is not None:
        version = project.datasets.get(project.name, request["version"])
    else:
        report("reading the data", None)
        version = service.ingest(project.config, project.root)
    if version is None:
        raise NotFoundError(f"{project.name} has no data version yet.", next_step="volant run")
    return {"version": version.number, "rows": version.rows, "profile": plain(service.profile(version))}
