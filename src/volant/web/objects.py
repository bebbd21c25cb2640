"""Stored objects as pages need them: read if they are there, and said to be missing if not."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from volant.kernel.errors import VolantError

if TYPE_CHECKING:
    from volant.wiring.project import Project

MAX_TEXT = 64 * 1024


def content(project: "Project", digest: str | None) -> tuple[Any, str | None]:
    """The JSON value of an object, and what is wrong with it: exactly one is None, or both where none was named."""
    if not digest:
        return None, None
    try:
        return msgspec.json.decode(project.objects.get(digest)), None
    except (VolantError, OSError) as error:
        return None, f"Object {digest[:12]} cannot be read: {error.what if isinstance(error, VolantError) else error}"
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None, f"Object {digest[:12]} does not hold JSON."


def whole_object(project: "Project", digest: str | None) -> dict[str, Any]:
    """An object as text: ``digest``, ``text`` (cut where it is long) and ``problem``."""
    if not digest:
        return {"digest": None, "text": None, "problem": None}
    try:
        data = project.objects.get(digest)
    except (VolantError, OSError) as error:
        what = error.what if isinstance(error, VolantError) else str(error)
        return {"digest": digest, "text": None, "problem": f"Object {digest[:12]} cannot be read: {what}"}
    text = data[:MAX_TEXT].decode("utf-8", "replace")
    return {"digest": digest, "text": text + ("\n..." if len(data) > MAX_TEXT else ""), "problem": None}


def stored_size(project: "Project", digest: str, known: dict[str, int]) -> int | None:
    """Bytes of an object; None if it is not there."""
    if digest in known:
        return known[digest]
    try:
        path: Path = project.objects.path(digest)
        return path.stat().st_size
    except (VolantError, OSError):
        return None
