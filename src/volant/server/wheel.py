"""Turns the wheel by itself: whoever holds the lease looks now and then, and a child decides and does what was decided.

A look costs a child process, so nothing is looked at while nothing has changed; when a clock trigger is due, or after
``LONGEST_SECONDS`` at the latest, it is looked at all the same.
"""

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from volant.config.model import TriggerKind
from volant.data.stat_memo import stat_mark
from volant.kernel.clock import SECOND_US
from volant.kernel.errors import ConflictError, VolantError
from volant.server.jobs import Jobs

if TYPE_CHECKING:
    from volant.wiring.project import Project

ROUND_SECONDS = 5.0
LONGEST_SECONDS = 600.0

Json = dict[str, Any]


class Wheel:
    """The automation of one server. ``last`` is what the newest look said, for pages and ``status``."""

    def __init__(
        self,
        project: "Project",
        jobs: Jobs,
        *,
        may: Callable[[], bool],
        round_seconds: float = ROUND_SECONDS,
        tell: Callable[[Json], None] = lambda _: None,
    ) -> None:
        self._project = project
        self._jobs = jobs
        self._may = may
        self._round_seconds = round_seconds
        self._tell = tell
        self._seen: object = None
        self._looked_at = 0
        self._lengths: dict[str, int] = {}
        self._one_at_a_time = threading.Lock()
        self.last: Json = {}
        self.busy = False

    async def run(self) -> None:
        """Round after round, until cancelled."""
        while True:
            await asyncio.sleep(self._round_seconds)
            await self.once()

    async def once(self) -> None:
        """One round, if this server holds the lease and there is something to look at."""
        if not self._may():
            return
        try:
            signals = await asyncio.to_thread(self._signals)
            if signals != self._seen or self._overdue():
                await self._look(signals)
        except Exception as error:  # noqa: BLE001 - whatever it is, serving goes on and the next round looks again
            self._failed(str(error))

    def settled(self) -> bool:
        """Whether the newest look saw all there is to see now and nothing that it began goes on. May be asked in any thread."""
        return not self.busy and not self._overdue() and self._signals() == self._seen

    async def _look(self, signals: object) -> None:
        self.busy = True
        try:
            found = await self._jobs.call("look", {})
        except ConflictError:
            return  # somebody's run is going on, or somebody else decided first: look again in the next round
        except VolantError as error:
            self._looked(signals)
            self._failed(str(error))
            return
        finally:
            self.busy = False
        self._looked(signals if found["end"] is None else None)
        self.last = {"at": self._looked_at, **found}
        self._tell(self.last)

    def _looked(self, signals: object) -> None:
        self._seen, self._looked_at = signals, self._project.clock.now()

    def _failed(self, text: str) -> None:
        self.last = {"at": self._project.clock.now(), "decisions": [], "end": None, "run": None, "error": text}
        print(f"The automation could not look: {text}", file=sys.stderr, flush=True)  # noqa: T201 - the server's own log
        self._tell(self.last)

    def _signals(self) -> object:
        """What a look depends on and is cheap to see. Anything that differs is looked at."""
        project, config = self._project, self._project.config
        files = (config.data.source, config.train.pipeline, config.data.contract, "volant.yaml")
        with self._one_at_a_time:
            return (
                tuple(stat_mark(project.root / name) for name in files if name is not None),
                project.labels.revision(project.name),
                self._length(f"model/{project.name}"),
                self._length(f"loop/{project.name}"),
            )

    def _length(self, stream: str) -> int:
        """How many events a stream has; only new ones are read."""
        known = self._lengths.get(stream, 0)
        self._lengths[stream] = known + len(self._project.events.read(stream, known))
        return self._lengths[stream]

    def _overdue(self) -> bool:
        since = self._project.clock.now() - self._looked_at
        return since < 0 or since >= self._patience_us()

    def _patience_us(self) -> int:
        """As long as the shortest clock trigger, within reason: it must be heard soon after it is due."""
        clocks = [t.every_us for t in self._project.config.retrain.when if t.kind is TriggerKind.CLOCK and t.every_us]
        return min([int(LONGEST_SECONDS * SECOND_US), *(every // 10 for every in clocks)])
