"""Turns the wheel by itself: whoever holds the lease looks now and then, and a child decides and does what was decided.

A look costs a child process, so nothing is looked at while nothing has changed; when a clock trigger is due, or after
``LONGEST_SECONDS`` at the latest, it is looked at all the same. Each look reads ``volant.yaml`` anew.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from volant.data.stat_memo import stat_mark
from volant.kernel.clock import SECOND_US
from volant.kernel.errors import ConflictError, VolantError
from volant.server.jobs import Jobs
from volant.wiring.project import CONFIG_FILE
from volant.wiring.watched import log_mark

if TYPE_CHECKING:
    from volant.wiring.project import Project

ROUND_SECONDS = 5.0
LONGEST_SECONDS = 600.0
IDLE_TIMES = 20.0

Json = dict[str, Any]


class Signals(NamedTuple):
    """What a look depends on: ``rare`` changes now and then, ``steady`` with every request or label."""

    rare: object
    steady: object


class Followed(NamedTuple):
    """What the settings ask to be watched, as the newest look read them; ``settings`` names them."""

    files: tuple[str, ...]
    clocks_us: tuple[int, ...]
    listens: bool = False
    settings: str | None = None


class Wheel:
    """The automation of one server. ``last`` is what the newest look said, for pages and ``status``."""

    def __init__(
        self,
        project: "Project",
        jobs: Jobs,
        *,
        may: Callable[[], bool],
        round_seconds: float = ROUND_SECONDS,
        idle_times: float = IDLE_TIMES,
        tell: Callable[[Json], None] = lambda _: None,
    ) -> None:
        self._project = project
        self._jobs = jobs
        self._may = may
        self._round_seconds = round_seconds
        self._idle_times = idle_times
        self._tell = tell
        self._seen: Signals | None = None
        self._looked_at = 0
        self._lengths: dict[str, int] = {}
        self._one_at_a_time = threading.Lock()
        config = project.config
        named = (config.data.source, config.train.pipeline, config.data.contract, CONFIG_FILE)
        self._policy = Followed(
            files=tuple(sorted(name for name in named if name is not None)),
            clocks_us=tuple(trigger.every_us for trigger in config.retrain.when if trigger.every_us),
        )
        self._waited_at: int | None = None
        self._ended = 0.0
        self._taken = 0.0
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
            if self._is_due(signals):
                await self._look(signals)
        except Exception as error:  # noqa: BLE001 - whatever it is, serving goes on and the next round looks again
            self._failed(str(error))

    def _is_due(self, signals: "Signals") -> bool:
        """Files and events are looked at in the next round; traffic and labels, which come all the time, so that looking takes a
        twentieth of one core at most.
        """
        if self._seen is None or signals.rare != self._seen.rare or self._overdue():
            return True
        return signals.steady != self._seen.steady and time.monotonic() - self._ended >= self._idle_times * self._taken

    def settled(self) -> bool:
        """Whether the newest look saw all there is to see now and nothing that it began goes on. May be asked in any thread."""
        return not self.busy and not self._overdue() and self._signals() == self._seen

    async def _look(self, signals: "Signals") -> None:
        self.busy = True
        began = time.monotonic()
        try:
            found = await self._jobs.call("look", {"looked_before": self._waited_at, "settings": self._policy.settings})
        except ConflictError:
            return  # somebody's run is going on, or somebody else decided first: look again in the next round
        except VolantError as error:
            self._looked(signals)
            self._failed(str(error))
            return
        finally:
            self.busy = False
            self._ended = time.monotonic()
        if found["end"] is None:  # a training is no part of looking
            self._taken = self._ended - began
        self._waited_at = found["waited_at"]
        changed = self._follow(found)
        self._looked(signals if found["end"] is None and not changed else None)
        self.last = {"at": self._looked_at, **found}
        self._tell(self.last)

    def _follow(self, found: Json) -> bool:
        """What the settings say now; whether other signals than before are asked for."""
        policy = Followed(
            files=tuple(found["files"]), clocks_us=tuple(found["clocks_us"]), listens=found["listens"], settings=found["settings"]
        )
        changed = (policy.files, policy.listens) != (self._policy.files, self._policy.listens)
        self._policy = policy
        return changed

    def _looked(self, signals: "Signals | None") -> None:
        self._seen, self._looked_at = signals, self._project.clock.now()

    def _failed(self, text: str) -> None:
        self.last = {"at": self._project.clock.now(), "decisions": [], "end": None, "run": None, "error": text}
        print(f"The automation could not look: {text}", file=sys.stderr, flush=True)  # noqa: T201 - the server's own log
        self._tell(self.last)

    def _signals(self) -> "Signals":
        """What a look depends on and is cheap to see. Anything that differs is looked at."""
        project = self._project
        with self._one_at_a_time:
            files = tuple(stat_mark(project.root / name) for name in self._policy.files)
            streams = tuple(self._length(f"{kind}/{project.name}") for kind in ("model", "loop"))
            traffic = log_mark(project) if self._policy.listens else None
            return Signals(rare=(files, streams), steady=(project.labels.revision(project.name), traffic))

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
        return min([int(LONGEST_SECONDS * SECOND_US), *(every // 10 for every in self._policy.clocks_us)])
