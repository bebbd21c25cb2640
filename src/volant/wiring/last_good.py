"""The settings that a running server goes on with while ``volant.yaml`` cannot be used."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from volant.kernel.errors import VolantError
from volant.wiring.project import STATE_FOLDER, Project, open_project

LAST_GOOD = "settings.yaml"


def open_or_last_good(root: Path, environment: Mapping[str, str]) -> tuple[Project, VolantError | None]:
    """The project by its file; where that cannot be used, by the settings that were last kept, and why.

    Raises what the file raises where none were kept.
    """
    try:
        return open_project(root, environment=environment), None
    except VolantError as error:
        try:
            kept = (root / STATE_FOLDER / LAST_GOOD).read_text(encoding="utf-8")
        except OSError:
            raise error from None
        return open_project(root, environment=environment, settings=kept), error


def keep_settings(project: Project) -> None:
    """Remember the settings of an opened project as good ones. A disk that is full is no reason to stop."""
    path = project.state / LAST_GOOD
    with contextlib.suppress(OSError):
        if not path.is_file() or path.read_text(encoding="utf-8") != project.settings:
            new = path.with_name(f"{LAST_GOOD}.{os.getpid()}")
            new.write_text(project.settings, encoding="utf-8")
            new.replace(path)
