"""Runs the suites of ``volant.yaml`` when their time has come: whoever holds the lease asks a child to.

Looking costs one stat and one query; the child claims each period in the stream of suites, so that however many servers look, a
suite runs once in a period.
"""

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

from volant.config.load import load_project
from volant.kernel.errors import ConflictError, VolantError
from volant.loop.suite_ledger import SuiteLedger, due
from volant.server.jobs import Jobs
from volant.wiring.project import CONFIG_FILE

if TYPE_CHECKING:
    from collections.abc import Callable

    from volant.config.model import SuiteConfig
    from volant.wiring.project import Project

ROUND_SECONDS = 20.0


class Suites:
    """One server's. A suite that cannot begin because a run is going on is asked for again in the next round."""

    def __init__(self, project: "Project", jobs: Jobs, *, may: "Callable[[], bool]", round_seconds: float = ROUND_SECONDS) -> None:
        self._project = project
        self._jobs = jobs
        self._may = may
        self._round_seconds = round_seconds
        self._named = project.config.suites
        self._mark = self._stat()
        self._place = 0
        self._claimed: frozenset[tuple[str, int]] = frozenset()

    async def run(self) -> None:
        """Round after round, until cancelled."""
        while True:
            await asyncio.sleep(self._round_seconds)
            await self.once()

    async def once(self) -> None:
        """One round, if this server holds the lease and a suite is due."""
        if not self._may():
            return
        try:
            if await asyncio.to_thread(self._is_due):
                await self._jobs.call("suites", {})
        except ConflictError:
            return  # a run is going on: the suite keeps its place
        except Exception as error:  # noqa: BLE001 - whatever it is, serving goes on and the next round looks again
            print(f"A suite could not be run: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the server's own log

    def settled(self) -> bool:
        """Whether no suite is due. May be asked in any thread."""
        return not self._is_due()

    def _is_due(self) -> bool:
        suites = self._suites()
        if not suites or self._project.registry.state(self._project.name).champion is None:
            return False
        self._place, newer = SuiteLedger(self._project.events, self._project.name).claimed(self._place)
        self._claimed |= newer
        return bool(due(suites, self._claimed, self._project.clock.now()))

    def _suites(self) -> "tuple[SuiteConfig, ...]":
        """Those that ``volant.yaml`` names now; while it cannot be read, those that it named last."""
        mark = self._stat()
        if mark != self._mark:
            self._mark = mark
            with contextlib.suppress(VolantError):
                self._named = load_project(self._project.root / CONFIG_FILE, self._project.environment).suites
        return self._named

    def _stat(self) -> tuple[int, int, int] | None:
        try:
            found = (self._project.root / CONFIG_FILE).stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns
