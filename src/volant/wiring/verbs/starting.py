"""``init``, in the child: reading a file and writing a project."""

from pathlib import Path
from typing import Any

from volant.kernel.codec import plain
from volant.wiring.worker import Report

Json = dict[str, Any]


def init(folder: Path, _environment: dict[str, str], request: Json, report: Report) -> Json:
    """Write a new project; see ``data.project.create_project``."""
    from volant.data.project import create_project

    report("reading the data", None)
    asked = {name: value for name, value in request.items() if name != "name"}
    created: Json = plain(create_project(folder, request["name"], **asked))
    return created
