"""Writers of one database, in any thread and process, take their turn in the order they came.

SQLite's own lock is not fair: a busy writer can starve others until they give up with "database is locked". Here each
writer draws a ticket, locks its byte of the lock file and waits for the byte of the ticket before it. The kernel drops
the locks of a writer that dies, so the queue moves on by itself. The main byte is what makes turns exclusive: a writer
whose predecessor died while waiting gets there early and waits for it.

Locks belong to an open file description (Linux ``F_OFD_SETLK``): threads exclude each other like processes.
"""

import errno
import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from volant.adapters.db.sqlite.failures import explain_os
from volant.kernel.errors import UnavailableError

_DOOR, _MAIN, _TICKETS = 0, 1, 1024
_FLOCK = "hhqqi4x"  # struct flock of 64-bit Linux: type, whence, start, length, pid
_STATE = "<QQ"  # the last ticket drawn, the pid whose turn it is


class WriterQueue:
    """Turns on a lock file. ``patience_seconds`` bounds the wait for a writer that hangs."""

    def __init__(self, path: Path, patience_seconds: float = 60.0) -> None:
        self._path = path
        self._patience = patience_seconds

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn and keep it. ``UnavailableError`` naming the process that does not let go."""
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise explain_os(error, self._path) from error
        try:
            self._queue(file)
            yield
        finally:
            _lock_range(file, 0, 0, fcntl.F_UNLCK)  # closing is not enough where a child was forked meanwhile: it shares the locks
            os.close(file)

    def _queue(self, file: int) -> None:
        until = time.monotonic() + self._patience
        try:
            ticket = self._draw(file, until)
            self._wait(file, _TICKETS + ticket - 1, until)
            _lock(file, _TICKETS + ticket - 1, fcntl.F_UNLCK)
            self._wait(file, _MAIN, until)
            os.pwrite(file, struct.pack("<Q", os.getpid()), 8)
        except OSError as error:
            raise explain_os(error, self._path) from error

    def _draw(self, file: int, until: float) -> int:
        self._wait(file, _DOOR, until)
        state = os.pread(file, 16, 0)
        last = struct.unpack(_STATE, state)[0] if len(state) == 16 else 0
        ticket = int(last + 1) % (1 << 48)
        os.pwrite(file, struct.pack("<Q", ticket), 0)
        self._wait(file, _TICKETS + ticket, until)
        _lock(file, _DOOR, fcntl.F_UNLCK)
        return ticket

    def _wait(self, file: int, byte: int, until: float) -> None:
        """Lock a byte. Polls, because a blocked system call has no deadline; pauses grow with the time waited."""
        pause = 0.0001
        while not _lock(file, byte, fcntl.F_WRLCK):
            if time.monotonic() > until:
                raise self._stuck(file)
            time.sleep(pause)
            pause = min(pause * 1.1, 0.005)

    def _stuck(self, file: int) -> UnavailableError:
        state = os.pread(file, 16, 0)
        holder = f"process {struct.unpack(_STATE, state)[1]}" if len(state) == 16 else "another process"
        return UnavailableError(
            "The database could not be written to.",
            found=f"{holder} has held it for more than {self._patience:g} s",
            next_step="see what that process does; end it if it hangs",
        )


def _lock(file: int, byte: int, kind: int) -> bool:
    return _lock_range(file, byte, 1, kind)


def _lock_range(file: int, start: int, length: int, kind: int) -> bool:
    """Lock or unlock bytes; a length of 0 means to the end. False if another holds one of them."""
    try:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, kind, os.SEEK_SET, start, length, 0))
    except OSError as error:
        if error.errno in {errno.EACCES, errno.EAGAIN}:
            return False
        raise
    return True
