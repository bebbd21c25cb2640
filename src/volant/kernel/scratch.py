"""Folders of half-made files that belong to living processes: claimed while they are used, swept when nobody claims them.

A claim is a lock on a file beside the folder. The kernel gives it up when its process dies, however that happens, and shows it in
whatever container the process runs.
"""

import contextlib
import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Self

LOCK_SUFFIX = ".lock"
SOCKET_SUFFIX = ".sock"


class Claim:
    """A folder that is not swept until this is closed or forgotten. Several processes may claim one folder."""

    def __init__(self, folder: Path, handle: int) -> None:
        self.folder = folder
        self._handle = handle

    def close(self) -> None:
        """Give it up. The folder stays for others and for the next sweep."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def claim(folder: Path) -> Claim:
    """Make the folder if it is not there, and claim it. ``OSError`` if it cannot be made."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = _lock_of(folder)
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_SH)
        if _is_at(lock, handle):
            folder.mkdir(exist_ok=True)
            return Claim(folder, handle)
        os.close(handle)  # a sweep came between the two


@contextlib.contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A folder of one's own, removed with the block; where the process dies in it, by the next sweep."""
    claimed = claim(folder)
    try:
        yield folder
    finally:
        claimed.close()
        _remove(folder)


def sweep(root: Path) -> tuple[str, ...]:
    """Remove folders below ``root`` that nobody claims, and sockets that nobody answers; their names."""
    swept = [place.name for place in _places(root) if place.is_dir() and _remove(place)]
    for place in _places(root):
        if place.suffix == SOCKET_SUFFIX and place.is_socket() and _is_deserted(place):
            place.unlink(missing_ok=True)
            swept.append(place.name)
    return tuple(swept)


def _places(root: Path) -> list[Path]:
    try:
        return sorted(root.iterdir())
    except FileNotFoundError:
        return []


def _remove(folder: Path) -> bool:
    lock = _lock_of(folder)
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_at(lock, handle):
            return False  # another sweep was faster, and somebody may have begun anew
        shutil.rmtree(folder)
        lock.unlink(missing_ok=True)
    except OSError:  # somebody uses it; or it cannot be removed now, and perhaps at the next sweep
        return False
    finally:
        os.close(handle)
    return True


def _is_deserted(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.setblocking(False)
        try:
            caller.connect(str(place))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def _is_at(lock: Path, handle: int) -> bool:
    """Whether the open file is still the one at its path."""
    with contextlib.suppress(FileNotFoundError):
        found, own = lock.stat(), os.fstat(handle)
        return (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino)
    return False


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + LOCK_SUFFIX)
