"""Where a run happened: interpreter, machine, installed distributions, and the state of the project's git repository.

Git is asked with a time limit and without locks, hooks or outside helpers; whatever goes wrong there never stops a run.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from volant.kernel.codec import canonical

GIT_SECONDS = 10.0
MAX_PATCH_BYTES = 5_000_000
SOURCE_ENDINGS = (".py", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".sql", ".md", ".txt", ".lock", ".sh", ".ipynb")
_MAX_SOURCE_BYTES = 1_000_000


class GitState(NamedTuple):
    """``commit``: the checked-out commit, None outside a repository or before its first commit.

    ``patch``: difference of tracked files to that commit plus untracked source of the project, None if there is none or
    if it is larger than 5 MB. ``git apply`` on the commit gives the files back.
    """

    commit: str | None
    dirty: bool
    patch: bytes | None


NO_GIT = GitState(None, dirty=False, patch=None)


def capture_environment() -> bytes:
    """Canonical JSON: python, platform, number of usable CPUs, distributions with their versions."""
    return canonical(
        {
            "python": platform.python_version(),
            "implementation": sys.implementation.name,
            "platform": platform.platform(),
            "machine": platform.machine(),
            "cpus": _usable_cpus(),
            "distributions": _distributions(),
        }
    )


def _usable_cpus() -> int:
    """CPUs this process may run on; fewer than the machine has inside a container."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _distributions() -> dict[str, str]:
    """The first one of a name wins, as it does on import. A damaged one (no name, no version) is left out."""
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        try:
            name, version = distribution.metadata["Name"], distribution.version
        except (KeyError, TypeError, ValueError, OSError):
            continue
        if name and version:
            found.setdefault(str(name).lower().replace("_", "-"), str(version))
    return dict(sorted(found.items()))


def git_state(root: Path, *, seconds: float = GIT_SECONDS) -> GitState:
    """The repository that ``root`` lies in, as far as files below ``root`` go. Never raises; gives up after ``seconds`` per question."""
    inside = _git(root, "rev-parse", "--is-inside-work-tree", seconds=seconds)
    if inside is None or inside.strip() != b"true":
        return NO_GIT
    head = _git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}", seconds=seconds)
    commit = head.decode("ascii", "replace").strip() if head else None
    status = _git(root, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--", ".", seconds=seconds)
    if status is None:
        return GitState(commit, dirty=False, patch=None)
    untracked = [os.fsdecode(entry[3:]) for entry in status.split(b"\0") if entry.startswith(b"?? ")]
    top = _git(root, "rev-parse", "--show-toplevel", seconds=seconds)
    return GitState(commit, dirty=bool(status.strip(b"\0")), patch=_patch(root, top, commit, untracked, seconds))


def _patch(root: Path, top: bytes | None, commit: str | None, untracked: Sequence[str], seconds: float) -> bytes | None:
    parts = []
    if commit is not None:
        tracked = _git(root, "diff", "--binary", "--no-ext-diff", "--no-textconv", "--no-color", commit, "--", ".", seconds=seconds)
        if tracked is None:
            return None
        parts.append(tracked)
    if top is not None:
        folder = Path(os.fsdecode(top.rstrip(b"\n")))
        parts += [_as_new_file(folder, name) for name in sorted(untracked) if _is_source(name)]
    whole = b"".join(parts)
    return whole if 0 < len(whole) <= MAX_PATCH_BYTES else None


def _is_source(name: str) -> bool:
    return name.endswith(SOURCE_ENDINGS) and not name.startswith(".volant/") and "/.volant/" not in name


def _as_new_file(folder: Path, name: str) -> bytes:
    """A small text file as a patch that makes it; nothing for links, binaries, and what cannot be read."""
    path = folder / name
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_SOURCE_BYTES:
            return b""
        data = path.read_bytes()
    except OSError:
        return b""
    if b"\0" in data or not data:
        return b""
    shown = _quoted(name)
    ended = data.endswith(b"\n")
    lines = (data[:-1] if ended else data).split(b"\n")
    mode = b"100755" if os.access(path, os.X_OK) else b"100644"
    head = b"diff --git %s %s\nnew file mode %s\n--- /dev/null\n+++ %s\n@@ -0,0 +1,%d @@\n" % (
        _quoted(name, "a/"), shown, mode, shown, len(lines),
    )  # fmt: skip
    body = b"".join(b"+" + line + b"\n" for line in lines)
    return head + body + (b"" if ended else b"\\ No newline at end of file\n")


def _quoted(name: str, prefix: str = "b/") -> bytes:
    """A path as git writes it in a patch: in quotes, with escapes, where it holds anything unusual."""
    raw = os.fsencode(prefix + name)
    if all(0x20 < byte < 0x7F and byte not in b'"\\' for byte in raw):
        return raw
    return b'"' + b"".join(bytes([byte]) if 0x20 <= byte < 0x7F and byte not in b'"\\' else b"\\%03o" % byte for byte in raw) + b'"'


def _git(root: Path, *arguments: str, seconds: float) -> bytes | None:
    """What git says, or None if it is not there, fails or takes too long."""
    settings = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=true")
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_PAGER": "cat", "LC_ALL": "C"}
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_EXTERNAL_DIFF"):
        environment.pop(name, None)
    try:
        done = subprocess.run(  # noqa: S603 - git with fixed arguments
            ["git", *settings, *arguments],  # noqa: S607 - the git the user has
            cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=seconds, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None
