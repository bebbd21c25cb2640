"""Which former champion's worker is kept warm: the last one's, for a day, while the machine has memory to spare.

Going back to a version whose process is there takes milliseconds; afterwards a rollback starts it first.
"""

from pathlib import Path

from volant.kernel.clock import DAY_US, Clock
from volant.kernel.codec import Value
from volant.server.standing import Champion

KEPT_US = DAY_US
LARGEST_BYTES = 2 * 1024**3
_PAGE = 4096


class Former(Value, frozen=True, kw_only=True):
    """The champion before, and when (microseconds UTC) it was replaced."""

    champion: Champion
    replaced_at: int


class Warmth:
    """Remembers what was too large, so that it is not started again and again."""

    def __init__(self, clock: Clock, *, proc: Path = Path("/proc")) -> None:
        self._clock = clock
        self._proc = proc
        self._too_large: Champion | None = None

    def wanted(self, former: Former | None, pid: int | None) -> Champion | None:
        """What to keep warm now. ``pid``: a process that takes about as much, the worker itself where it runs."""
        if former is None or former.champion == self._too_large or self._clock.now() - former.replaced_at >= KEPT_US:
            return None
        if pid is not None and not self._fits(pid):
            self._too_large = former.champion
            return None
        return former.champion

    def _fits(self, pid: int) -> bool:
        """Whether the process is of a usual size and as much again is left. Where the system does not say, it is."""
        try:
            taken = int((self._proc / str(pid) / "statm").read_text(encoding="ascii").split()[1]) * _PAGE
            lines = (self._proc / "meminfo").read_text(encoding="ascii").splitlines()
            available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
        except (OSError, ValueError, IndexError, StopIteration):
            return True
        return taken <= min(LARGEST_BYTES, available)
