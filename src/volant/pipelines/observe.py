"""What a step reads while it runs: files, folders and environment variables; and whether it used the network.

An audit hook and a recording ``os.environ``, both of which stay for the life of the process and cost a comparison when
nothing is being observed. Seen is what Python code opens. Files that native code opens by itself (Polars reading CSV,
a database driver) and what child processes do are not seen: those are covered only where the source names the file.
"""

import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import volant

_PASSING = {"_", "COLUMNS", "LINES", "OLDPWD", "PATH", "PWD", "PYTHONHASHSEED", "SHLVL", "TEMP", "TERM", "TMP", "TMPDIR"}
_OWN_FOLDERS = {".volant", ".git", ".hg", ".venv", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", "node_modules"}
_SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/usr", "/run", "/lib", "/lib64", "/bin", "/sbin", "/snap", "/System", "/Library")
_OF_THE_USER = (".cache", ".config", ".local", "Library")
_PASSING_ON = ("subprocess.py", "popen_loky_posix.py", "loky/backend/spawn.py", "loky/backend/resource_tracker.py")
_IMPORTING = "<frozen importlib"
_LOOKING_FOR_MODULES = ("importlib/metadata/__init__.py", "pkgutil.py")


Place = tuple[str, str]  # file, and the name of the function or class at its top; "<module>" for the file itself


class Reads:
    """Names of what was read, as ``Identity.observed`` has them; ``network``: addresses that were asked;
    ``written``: files that were opened for writing, which are no reads from then on.

    ``by_place``: the same for each project file, and what is at the top of it, that was on the stack at that moment: that
    is how what a module reads while it is imported, or once for all, is known to belong to it.
    """

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.names: dict[str, None] = {}
        self.by_place: dict[Place, dict[str, None]] = {}
        self.network: dict[str, None] = {}
        self.written: set[str] = set()
        self._elsewhere = _uninteresting()

    def add(self, name: str, frame: FrameType | None) -> None:
        """Keep a name, unless it is read by the import of a library."""
        places, importing = _stack(frame, self.root)
        if importing and not places:
            return
        self.names[name] = None
        for place in places:
            self.by_place.setdefault(place, {})[name] = None

    def opened(self, path: object, *, writes: bool, frame: FrameType | None) -> None:
        """A file was opened."""
        place = self._place(path)
        if place is None:
            return
        shown = self._shown(place)
        if writes:
            self.written.add(shown)
        elif shown not in self.written and not place.endswith(".pyc"):
            self.add(f"file:{shown}", frame)

    def imported(self, path: str) -> None:
        """A module of the project was loaded from this file."""
        place = self._place(path)
        if place is not None:
            self.names[f"file:{self._shown(place)}"] = None

    def listed(self, path: object, frame: FrameType | None) -> None:
        """A folder was listed."""
        place = self._place("." if path is None else path)
        if place is not None:
            self.add(f"folder:{self._shown(place)}", frame)

    def _shown(self, place: str) -> str:
        if place == self.root:
            return "."
        return place.removeprefix(self.root + os.sep).replace(os.sep, "/")

    def _place(self, path: object) -> str | None:
        """The absolute path, None for what no result can depend on: Python itself, libraries, the system, scratch files."""
        if not isinstance(path, str | bytes | os.PathLike):
            return None
        place = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - a Path for each opened file costs too much
        if _below(place, self.root):
            inside = set(Path(place[len(self.root) :]).parts)
            return None if _OWN_FOLDERS & inside or _below(place, sys.prefix) else place
        return None if any(_below(place, folder) for folder in self._elsewhere) else place


def _below(place: str, folder: str) -> bool:
    return place == folder or place.startswith(folder if folder.endswith(os.sep) else folder + os.sep)


def _uninteresting() -> tuple[str, ...]:
    home = os.path.expanduser("~")  # noqa: PTH111 - as text
    own = [os.path.join(home, name) for name in _OF_THE_USER] if home != "~" else []  # noqa: PTH118 - as text
    python = [sys.prefix, sys.base_prefix, os.path.dirname(os.__file__), os.path.dirname(volant.__file__)]  # noqa: PTH120 - as text
    sites = [entry for entry in sys.path if entry.endswith("packages")]
    return tuple(dict.fromkeys((*python, *sites, tempfile.gettempdir(), *_SYSTEM, *own)))


def _stack(frame: FrameType | None, root: str) -> tuple[list[Place], bool]:
    """Places in the project on the stack, innermost first; and whether an import stands between the first one and the read."""
    places: list[Place] = []
    importing = False
    while frame is not None:
        name = frame.f_code.co_filename
        if (name.startswith(_IMPORTING) or name.endswith(_LOOKING_FOR_MODULES)) and not places:
            importing = True
        elif _below(name, root) and not _below(name, sys.prefix):
            if importing:
                return [], True
            places.append((name, frame.f_code.co_qualname.partition(".")[0]))
        frame = frame.f_back
    return places, importing


_active: Reads | None = None
_installed = False


class _Environment(os._Environ):  # type: ignore[type-arg] # noqa: SLF001 - the only way to see reads through any reference to it
    """``os.environ`` that tells which variables are asked for."""

    def __getitem__(self, key: Any) -> Any:
        reads = _active
        if reads is not None and isinstance(key, str | bytes):
            name, frame = os.fsdecode(key), sys._getframe(1)  # noqa: SLF001 - the reader's frame
            passes = name in _PASSING or name.startswith("VOLANT_")
            if not passes and not frame.f_code.co_filename.endswith(_PASSING_ON):
                reads.add(f"env:{name}", frame)
        return super().__getitem__(key)

    def copy(self) -> dict[str, str]:
        """All of it, as for a child process: that depends on no variable in particular."""
        with paused():
            return dict(self)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    reads = _active
    if reads is None:
        return
    if event == "open":
        path, mode, flags = arguments
        writes = any(letter in mode for letter in "wax") if isinstance(mode, str) else bool((flags or 0) & (os.O_WRONLY | os.O_TRUNC))
        reads.opened(path, writes=writes, frame=sys._getframe(1))  # noqa: SLF001 - the reader's frame
    elif event in {"os.listdir", "os.scandir"}:
        reads.listed(arguments[0], sys._getframe(1))  # noqa: SLF001 - the reader's frame
    elif event == "sqlite3.connect":
        reads.opened(arguments[0], writes=False, frame=sys._getframe(1))  # noqa: SLF001 - the reader's frame
    elif event in {"socket.connect", "socket.sendto"} and arguments[0].family in {socket.AF_INET, socket.AF_INET6}:
        reads.network[":".join(map(str, tuple(arguments[1])[:2]))] = None


def install() -> None:
    """Put the hook and the recording environment in place, once per process."""
    global _installed  # noqa: PLW0603 - a hook cannot be removed, so there must be only one
    if not _installed:
        sys.addaudithook(_hook)
        os.environ.__class__ = _Environment
        if os.supports_bytes_environ:
            os.environb.__class__ = _Environment
        _installed = True


def note_import(path: str) -> None:
    """Tell a running observation of a module that the project's own loader reads."""
    if _active is not None:
        _active.imported(path)


@contextmanager
def observing(reads: Reads) -> Iterator[Reads]:
    """Collect into ``reads``. Inside another observation that one is paused: one step, one import at a time."""
    install()
    with _collecting(reads):
        yield reads


@contextmanager
def paused() -> Iterator[None]:
    """What Volant itself reads in between is not the step's."""
    with _collecting(None):
        yield


@contextmanager
def _collecting(reads: Reads | None) -> Iterator[None]:
    global _active  # noqa: PLW0603 - the hook has no other way to know
    before, _active = _active, reads
    try:
        yield
    finally:
        _active = before
