"""What the lease holder does now and then: sealing the prediction log, bringing the windows over it up to date, settling the
outbox, checkpointing the audit chain, and once a day sweeping what is no longer needed.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from volant.evidence.log import take_folder
from volant.evidence.reading import raw_files
from volant.evidence.sealing import KEEP_US
from volant.kernel.audit import checkpoint_if_new
from volant.kernel.clock import DAY_US, Clock
from volant.kernel.errors import ConflictError, UnavailableError
from volant.kernel.events import EventStore
from volant.server.jobs import Jobs

ROUND_SECONDS = 60.0
FINISH_SECONDS = 30.0


class Chores:
    """Done by whoever ``may``; a chore that fails is reported and done again in the next round.

    ``settle`` marks what the outbox asked for and has come about; ``sweep`` removes what nobody needs, once a day.
    ``watched`` gives what the windows depend on: when it differs, they are brought up to date.
    """

    def __init__(
        self,
        *,
        events: EventStore,
        anchors: Path,
        log: Path,
        jobs: Jobs,
        clock: Clock,
        may: Callable[[], bool],
        settle: Callable[[], object] = lambda: None,
        sweep: Callable[[], object] = lambda: None,
        watched: Callable[[], object] = lambda: None,
        round_seconds: float = ROUND_SECONDS,
    ) -> None:
        self._events = events
        self._anchors = anchors
        self._log = log
        self._jobs = jobs
        self._clock = clock
        self._may = may
        self._settle = settle
        self._sweep = sweep
        self._swept_at: int | None = None
        self._watched = watched
        self._mark: object = None
        self._round_seconds = round_seconds

    async def run(self) -> None:
        """Round after round, until cancelled."""
        while True:
            await asyncio.sleep(self._round_seconds)
            await self.once()

    async def finish(self) -> None:
        """A last round, within ``FINISH_SECONDS``: what is not done then (and the windows) is done after the next start."""
        try:
            await asyncio.wait_for(self.once(last=True), FINISH_SECONDS)
        except TimeoutError:
            _report("The log was not sealed before the stop; it is sealed after the next start.")

    async def once(self, *, last: bool = False) -> None:
        """One round, if this server holds the lease."""
        if not self._may():
            return
        try:
            if await asyncio.to_thread(sealable, self._log, self._clock.now()):
                await self._jobs.call("seal", {})
            if not last:
                await self._watch()
            await asyncio.to_thread(self._settle)
            await asyncio.to_thread(checkpoint_if_new, self._events, self._anchors)
            await self._sweep_daily()
        except Exception as error:  # noqa: BLE001 - whatever it is, serving goes on
            _report(f"A chore failed and will be done again: {error}")

    async def _sweep_daily(self) -> None:
        now = self._clock.now()
        if self._swept_at is None or not 0 <= now - self._swept_at < DAY_US:
            await asyncio.to_thread(self._sweep)
            self._swept_at = now

    async def _watch(self) -> None:
        mark = await asyncio.to_thread(self._watched)
        if mark != self._mark:
            await self._jobs.call("watch", {})
            self._mark = mark


def sealable(log: Path, now: int) -> bool:
    """Whether some file of the log that will not grow any more was begun long enough ago, judged without opening any.

    A file's name is when it was begun, by the project's clock; the newest file of a living writer still grows.
    """
    files: dict[Path, list[Path]] = {}
    for path in raw_files(log):
        files.setdefault(path.parent, []).append(path)
    return any(_is_sealable(folder, paths, now - KEEP_US) for folder, paths in files.items())


def _is_sealable(folder: Path, paths: list[Path], before: int) -> bool:
    old = [path for path in paths if path.stem.isdecimal() and int(path.stem) <= before]
    return bool(old) and (old != paths[-1:] or not _has_writer(folder))


def _has_writer(folder: Path) -> bool:
    """Whether somebody holds the folder's lock."""
    try:
        os.close(take_folder(folder))
    except (ConflictError, UnavailableError):
        return True
    return False


def _report(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - the server's own log
