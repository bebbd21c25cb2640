"""A slice that was found weak, as a line under ``gates`` in ``volant.yaml``."""

import difflib
from typing import Any

from volant.config.gate_editing import with_slice_gate
from volant.config.load import read_settings
from volant.kernel.errors import ConflictError, NotFoundError
from volant.monitoring.inspection_model import InspectionKind
from volant.wiring.accepting import put_settings
from volant.wiring.project import CONFIG_FILE, Project

MARGIN = "5%"


def accept_slice(project: Project, number: int, *, margin: str = MARGIN) -> dict[str, Any]:
    """Write the ``number``-th slice of the newest search (the first is 1) under ``gates``; the change as lines of a diff.

    ``NotFoundError`` where nothing was searched or fewer slices were found; ``ConflictError`` where the file cannot be changed.
    """
    found = project.inspections.newest(project.name, InspectionKind.SLICES)
    if found is None:
        raise NotFoundError("No slices were searched yet.", next_step="volant monitor slices")
    slices = found.found["slices"]
    if not 1 <= number <= len(slices):
        raise NotFoundError(f"There is no slice {number}.", found=f"{len(slices)} were found", next_step="volant monitor slices")
    text = slices[number - 1]["text"]
    if project.config.target in {condition["column"] for condition in slices[number - 1]["conditions"]}:
        raise ConflictError("The target is no column to slice by.", found=text)
    path = project.root / CONFIG_FILE
    before = read_settings(path)
    after = with_slice_gate(before, CONFIG_FILE, dict(project.environment), text, margin)
    if after != before:
        put_settings(path, after)
    diff = difflib.unified_diff(before.splitlines(), after.splitlines(), CONFIG_FILE, CONFIG_FILE, n=0, lineterm="")
    said = "says so already" if after == before else f"holds candidates to it now, within {margin} of the champion"
    return {"slice": text, "written": after != before, "diff": list(diff), "sentence": f"{CONFIG_FILE} {said}: {text}."}
