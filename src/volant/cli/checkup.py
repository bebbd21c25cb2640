"""What ``volant doctor`` looks at. Nothing heavy is imported: versions come from metadata."""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from volant.kernel.errors import NotFoundError, VolantError

LEAST_FREE_BYTES, FEW_FREE_BYTES = 100 << 20, 1 << 30
NEEDED = ("numpy", "scipy", "polars", "scikit-learn", "msgspec", "starlette", "uvicorn", "orjson", "blake3")
GIB = 1 << 30


class Finding(NamedTuple):
    """One thing that was looked at: ``standing`` is ok, warn or bad."""

    name: str
    standing: str
    found: str
    next_step: str | None = None


def checkup(folder: Path, environment: Mapping[str, str]) -> list[Finding]:
    """Everything, the machine first."""
    return [*_machine(), *_project(folder, environment)]


def _machine() -> Iterator[Finding]:
    yield Finding("python", "ok", f"{platform.python_version()} at {sys.executable}")
    yield _packages()
    yield _git()
    yield Finding("processors", "ok", str(os.cpu_count()))


def _packages() -> Finding:
    from importlib.metadata import PackageNotFoundError, version

    found, missing = [], []
    for name in NEEDED:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding("packages", "bad", f"not installed: {', '.join(missing)}", "install volant again")
    return Finding("packages", "ok", ", ".join(found))


def _git() -> Finding:
    if shutil.which("git") is None:
        return Finding("git", "warn", "not installed", "without git, runs do not remember commits")
    return Finding("git", "ok", "installed")


def _project(folder: Path, environment: Mapping[str, str]) -> Iterator[Finding]:
    from volant.wiring.project import STATE_FOLDER, find_root

    try:
        root = find_root(folder)
    except NotFoundError:
        yield Finding("project", "ok", "none here")
        yield _space(folder)
        return
    yield Finding("project", "ok", str(root))
    yield _space(root)
    yield _writable(root)
    yield from _checked("volant.yaml", lambda: _settings(root, environment))
    yield from _alerts(root, environment)
    if (root / STATE_FOLDER).is_dir():
        yield from _checked("store", lambda: _store(root, environment))


def _space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    standing = "bad" if free < LEAST_FREE_BYTES else "warn" if free < FEW_FREE_BYTES else "ok"
    return Finding("disk", standing, f"{free / GIB:.1f} GiB free", "make space: what cannot be written is refused")


def _writable(root: Path) -> Finding:
    if os.access(root, os.W_OK):
        return Finding("folder", "ok", "can be written to")
    return Finding("folder", "bad", f"{root} cannot be written to", "check who owns it")


def _checked(name: str, look: Callable[[], str]) -> Iterator[Finding]:
    try:
        yield Finding(name, "ok", look())
    except VolantError as error:
        yield Finding(name, "bad", " ".join(str(error).split("\n")[:2]), error.next_step)


def _settings(root: Path, environment: Mapping[str, str]) -> str:
    from volant.config.load import load_project
    from volant.data.source import source_path
    from volant.wiring.project import CONFIG_FILE

    config = load_project(root / CONFIG_FILE, environment)
    source = source_path(config, root)
    if not (root / config.train.pipeline).is_file():
        raise NotFoundError(f"train.pipeline names {config.train.pipeline}, which is not there.", next_step="set train.pipeline")
    return f"{config.project}, {config.task.value}; {config.data.source} has {source.stat().st_size:,} bytes"


def _alerts(root: Path, environment: Mapping[str, str]) -> Iterator[Finding]:
    from volant.config.alert_lines import unset
    from volant.config.load import load_project
    from volant.wiring.project import CONFIG_FILE

    try:
        targets = load_project(root / CONFIG_FILE, environment).watch.alerts
    except VolantError:  # said above
        return
    told, missing = ", ".join(target.to for target in targets), unset(targets, environment)
    if missing:
        yield Finding("alerts", "warn", f"to {told}; not set here: {', '.join(missing)}", "set them where volant up runs")
    else:
        yield Finding("alerts", "ok", f"to {told}")


def _store(root: Path, environment: Mapping[str, str]) -> str:
    from volant.kernel.errors import IntegrityError
    from volant.wiring import commands
    from volant.wiring.project import open_project

    project = open_project(root, environment=environment)
    if not commands.audit_verify(project)["intact"]:
        raise IntegrityError("The audit chain does not fit.", next_step="volant audit verify says where")
    versions = len(project.models.versions(project.name))
    return f"{versions} model versions; the audit chain is intact"
