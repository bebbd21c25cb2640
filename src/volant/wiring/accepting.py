"""The policy that a replay recommends, as a change of ``volant.yaml``."""

import difflib
import os
from pathlib import Path
from typing import Any

from volant.config.editing import with_policy
from volant.config.load import read_settings
from volant.config.metric_text import metric_label
from volant.kernel.codec import decode
from volant.kernel.errors import ConflictError, NotFoundError, UnavailableError
from volant.loop.ports import ReplayRecord
from volant.loop.replay_model import Recommendation, ReplayResult
from volant.wiring.project import CONFIG_FILE, Project


def accept_policy(project: Project, replay_id: str | None, *, write: bool) -> dict[str, Any]:
    """The change as lines of a diff, written to the file if ``write``.

    Raises ``NotFoundError`` without a replay, ``ConflictError`` if it recommends nothing or was made for another metric, and
    ``UnavailableError`` where the file cannot be written.
    """
    record, advice = _recommended(project, replay_id)
    path = project.root / CONFIG_FILE
    text = read_settings(path)
    changed = with_policy(text, CONFIG_FILE, dict(project.environment), advice.retrain, advice.window)
    diff = difflib.unified_diff(text.splitlines(), changed.splitlines(), CONFIG_FILE, CONFIG_FILE, n=0, lineterm="")
    if changed == text:
        sentence = f"{CONFIG_FILE} says already what the replay recommends: {advice.policy}."
    elif write:
        put_settings(path, changed)
        sentence = f"{CONFIG_FILE} follows the recommended policy now: {advice.policy}."
    else:
        sentence = f"Recommended by the replay: {advice.policy}. Nothing is written yet."
    return {"replay": record.id, "policy": advice.policy, "diff": list(diff), "written": write and changed != text, "sentence": sentence}


def _recommended(project: Project, replay_id: str | None) -> tuple[ReplayRecord, Recommendation]:
    record = project.replays.get(replay_id) if replay_id is not None else next(iter(project.replays.replays(project.name)), None)
    if record is None:
        raise NotFoundError(f"{project.name} has no replay yet.", next_step="volant replay")
    result = decode(project.objects.get(record.result), ReplayResult)
    if result.recommended is None:
        raise ConflictError(
            "The replay recommends nothing.",
            found=f"{len(result.windows)} windows and {len(result.policies)} policies; at least 4 windows and 2 policies can be compared",
            next_step="volant replay",
        )
    if (result.metric, record.model) != (project.config.metric, project.name):
        raise ConflictError(
            "The replay was made for something else.",
            found=f"{record.model} by {result.label}; this project is {project.name} by {metric_label(project.config.metric)}",
            next_step="volant replay",
        )
    return record, result.recommended


def put_settings(path: Path, text: str) -> None:
    """Whole or not at all, with the file's own permissions."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(path.stat().st_mode & 0o777)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UnavailableError(f"{path} cannot be written.", found=error.strerror or str(error)) from error
