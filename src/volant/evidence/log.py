"""The open prediction log: one folder per writing process, append-only segment files of frames.

``LogWriter`` gathers what one tick of the event loop wants to append and writes it with one ``write(2)``; awaiting
``append`` returns when the bytes are with the kernel, which a kill of the process cannot take back (a loss of power
can, unless ``sync`` is on). A folder belongs to the process that holds a lock on its ``lock`` file, so anyone can see
whether the writer still lives, whatever happened to process ids.
"""

import asyncio
import contextlib
import fcntl
import os
from pathlib import Path

import msgspec

from volant.evidence.frames import SEGMENT_SUFFIX, frame
from volant.evidence.model import Prediction
from volant.kernel.clock import MINUTE_US, Clock
from volant.kernel.crashpoints import reach
from volant.kernel.errors import ConflictError, UnavailableError

LOCK_FILE = "lock"
ROTATE_BYTES = 64 * 1024 * 1024
ROTATE_US = 60 * MINUTE_US
_ENCODER = msgspec.json.Encoder()  # in the order of the request: sorting columns costs more than all the rest


def encode(prediction: Prediction) -> bytes:
    """The payload of a prediction's frame. NaN and infinities cannot be stored: they become null."""
    return _ENCODER.encode(prediction)


class LogWriter:
    """Appends to ``folder`` (created if absent). One per process and folder; used from one event loop.

    ``ConflictError`` if another live process writes there; ``UnavailableError`` if the folder cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        rotate_bytes: int = ROTATE_BYTES,
        rotate_us: int = ROTATE_US,
        sync: bool = False,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._rotate_bytes = rotate_bytes
        self._rotate_us = rotate_us
        self._sync = sync
        self._pending: list[bytes] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._file: int | None = None
        self._size = 0
        self._opened_at = 0
        self.failures = 0
        self._lock = take_folder(folder)
        self._last_name = max((path.name for path in folder.glob(f"*{SEGMENT_SUFFIX}")), default="")

    def append(self, payload: bytes) -> asyncio.Future[None]:
        """Queue a record for this tick's write; the future fails with ``UnavailableError`` if it could not be written.

        All records of a tick are written together or not at all.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        if not self._pending:
            loop.call_soon(self._write_tick)
        self._pending.append(frame(payload))
        self._waiting.append(done)
        return done

    def close(self) -> None:
        """Write what is pending and give up the folder."""
        self._write_tick()
        self._close_file()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _write_tick(self) -> None:
        frames, self._pending = self._pending, []
        waiting, self._waiting = self._waiting, []
        if not frames:
            return
        reach("log.before_write")
        try:
            self._write(b"".join(frames) if len(frames) > 1 else frames[0])
        except OSError as error:
            self.failures += 1
            for done in waiting:
                if not done.done():
                    done.set_exception(_cannot_write(self._folder, error))
            return
        reach("log.written")
        for done in waiting:
            if not done.done():
                done.set_result(None)

    def _write(self, data: bytes) -> None:
        file = self._segment_for(len(data))
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(file, rest) :]
            if self._sync:
                os.fdatasync(file)
        except OSError:
            self._take_back(file)
            raise
        self._size += len(data)

    def _take_back(self, file: int) -> None:
        """Cut a half-written tick off again; where even that fails, later ticks go to a new file."""
        try:
            os.ftruncate(file, self._size)
        except OSError:
            self._close_file()

    def _segment_for(self, length: int) -> int:
        now = self._clock.now()
        if self._file is not None:
            full = self._size > 0 and self._size + length > self._rotate_bytes
            if not full and now - self._opened_at < self._rotate_us:
                return self._file
            self._close_file()
        self._file = self._create(now)
        self._size, self._opened_at = 0, now
        return self._file

    def _create(self, now: int) -> int:
        """A new file whose name sorts after all before it, even if the clock was set back."""
        after = int(self._last_name.removesuffix(SEGMENT_SUFFIX) or 0)
        name = f"{max(now, after + 1):020d}{SEGMENT_SUFFIX}"
        file = os.open(self._folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._last_name = name
        return file

    def _close_file(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None


def take_folder(folder: Path) -> int:
    """Lock a log folder for this process and return the lock's file descriptor; closing it gives the folder up."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise ConflictError(
            f"Another process writes the prediction log {folder.name}.", next_step="give each worker a name of its own"
        ) from error
    return lock


def _cannot_write(folder: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        "The prediction log cannot be written, so nothing was answered.",
        found=f"{os.strerror(error.errno) if error.errno else error} in log folder {folder.name}",
        next_step="free disk space or repair the folder; requests may be sent again",
    )
