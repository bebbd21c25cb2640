"""Remembers the digest of a file by its size, change time and inode, so that an unchanged file costs one ``stat``."""

import contextlib
import os
from pathlib import Path

import msgspec

from volant.kernel.clock import SECOND_US, Clock
from volant.kernel.codec import Value, canonical, decode
from volant.kernel.digests import digest_file

_RACY_US = 2 * SECOND_US


class FileState(Value, frozen=True, kw_only=True):
    """What identified the file's bytes when they were hashed."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    digest: str


class StatMemo:
    """One small JSON file under the project's cache. A damaged or missing memo only costs hashing again."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file, self._clock = file, clock

    def digest(self, path: Path) -> str:
        """Digest of the file's bytes; hashes only if the file may have changed since last time. ``OSError`` if unreadable."""
        found = path.stat()
        entry = self._read().get(str(path))
        if entry is not None and _same(entry, found):
            return entry.digest
        name = digest_file(path)
        after = path.stat()
        # A file changed within the clock's grain of being hashed could change again unseen: do not remember it.
        settled = after.st_mtime_ns // 1000 < self._clock.now() - _RACY_US
        if settled and (after.st_size, after.st_mtime_ns) == (found.st_size, found.st_mtime_ns):
            self._remember(path, after, name)
        return name

    def _read(self) -> dict[str, FileState]:
        try:
            return decode(self._file.read_bytes(), dict[str, FileState])
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return {}

    def _remember(self, path: Path, found: os.stat_result, name: str) -> None:
        state = FileState(size=found.st_size, mtime_ns=found.st_mtime_ns, ctime_ns=found.st_ctime_ns, inode=found.st_ino, digest=name)
        entries = self._read() | {str(path): state}
        # A memo that cannot be written (read-only or full disk) is no reason to fail.
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft = self._file.with_name(f"{self._file.name}.{os.getpid()}")
            draft.write_bytes(canonical(entries))
            draft.replace(self._file)


def _same(entry: FileState, found: os.stat_result) -> bool:
    seen = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
    return (entry.size, entry.mtime_ns, entry.ctime_ns, entry.inode) == seen


def stat_mark(path: Path) -> tuple[int, int, int] | None:
    """What tells at the cost of one ``stat`` that a file may have changed; None if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino
