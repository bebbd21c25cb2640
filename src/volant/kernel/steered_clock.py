"""A clock that somebody steers: time that stands still, runs fast or jumps, the same for every process that reads its file.

For demonstrations and for tests of whole systems: the control process, its children, the workers and the commands all take
their time from the file that ``VOLANT_CLOCK`` names. Leases go on by the machine's clock, because they are about
processes and not about the world.
"""

import mmap
import os
import struct
from collections.abc import Mapping
from pathlib import Path

from volant.kernel.clock import Clock, SystemClock
from volant.kernel.errors import UsageError

VARIABLE = "VOLANT_CLOCK"

# serial, time at the last steering, the machine's time then, how many times as fast time runs, serial again. A reader that
# sees two different serials looks again: the file was being written.
_LAYOUT = struct.Struct("<Qqqdq")
_TRIES = 1000


def clock_of(environment: Mapping[str, str]) -> Clock:
    """The clock that an environment asks for: a steered one, or the machine's. Raises ``UsageError``."""
    named = environment.get(VARIABLE)
    return SteeredClock(Path(named)) if named else SystemClock()


class SteeredClock:
    """Reads the time from a file; like every clock it is held from running backwards within one process.

    Raises ``UsageError`` if the file is not a clock.
    """

    def __init__(self, path: Path) -> None:
        self._machine = SystemClock()
        self._last = 0
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), _LAYOUT.size, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{VARIABLE} names no clock.", found=f"{path}: {error}", next_step=f"unset {VARIABLE} to use the machine's clock"
            ) from error

    def now(self) -> int:
        """See :class:`volant.kernel.clock.Clock`."""
        self._last = max(self._last, self._shown())
        return self._last

    def _shown(self) -> int:
        for _ in range(_TRIES):
            first, shown, since, rate, last = _LAYOUT.unpack(self._map[: _LAYOUT.size])
            if first == last:
                return int(shown + rate * (self._machine.now() - since)) if rate else int(shown)
        raise UsageError(f"The clock that {VARIABLE} names is not readable.", found="it is always being written")


class Steering:
    """The writing side. One process steers; any number read.

    The file is made if it is not there. ``rate`` 0 stands still, 1 is real time, 3600 an hour per second.
    """

    def __init__(self, path: Path, now_us: int, *, rate: float = 0.0) -> None:
        self.path = path
        self._machine = SystemClock()
        if not path.exists() or path.stat().st_size != _LAYOUT.size:
            path.write_bytes(bytes(_LAYOUT.size))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _LAYOUT.size)
        self._serial = _LAYOUT.unpack(self._map[: _LAYOUT.size])[0]
        self.set(now_us, rate=rate)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to read this clock."""
        return {VARIABLE: os.fspath(self.path)}

    def set(self, now_us: int, *, rate: float = 0.0) -> None:
        """Set time and rate. Setting it back shows what a clock that jumps does."""
        self._serial += 1
        packed = _LAYOUT.pack(self._serial, now_us, self._machine.now(), rate, self._serial)
        self._map[:8] = packed[:8]
        self._map[8:] = packed[8:]
