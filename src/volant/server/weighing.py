"""Has the labels heard while a rollout is on its way: a child weighs both arms' losses and decides on them."""

import asyncio
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from volant.kernel.clock import MINUTE_US
from volant.server.jobs import Jobs

if TYPE_CHECKING:
    from volant.wiring.project import Project

ROUND_SECONDS = 1.0
IDLE_TIMES = 10.0  # weighing takes a tenth of one core at most


class Weighing:
    """Of one server; whoever ``may`` weighs. Labels may fall due without anything new, so it looks once a minute at least."""

    def __init__(
        self,
        project: "Project",
        jobs: Jobs,
        *,
        may: Callable[[], bool],
        round_seconds: float = ROUND_SECONDS,
        idle_times: float = IDLE_TIMES,
    ) -> None:
        self._project = project
        self._jobs = jobs
        self._may = may
        self._round_seconds = round_seconds
        self._idle_times = idle_times
        self._weighed: object = None
        self._taken = 0.0

    async def run(self) -> None:
        """Round after round, until cancelled."""
        troubled = False
        while True:
            await asyncio.sleep(max(self._round_seconds, self._idle_times * self._taken))
            try:
                await self.once()
                troubled = False
            except Exception as error:  # noqa: BLE001 - whatever it is, serving goes on
                if not troubled:
                    print(f"The labels of the rollout wait: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the server's own log
                troubled = True

    async def once(self) -> None:
        """Weigh if this server holds the lease and there is something new."""
        facts = await asyncio.to_thread(self._facts)
        self._taken = 0.0
        if facts == self._weighed or not self._may():
            return
        if facts is not None:
            began = asyncio.get_running_loop().time()
            await self._jobs.call("weigh", {})
            self._taken = asyncio.get_running_loop().time() - began
        self._weighed = facts

    def settled(self) -> bool:
        """Whether what is known now was weighed. May be asked in any thread."""
        return not self._may() or self._facts() == self._weighed

    def _facts(self) -> object:
        """What the losses depend on; None while nothing is on its way or no label is known."""
        state = self._project.rollouts.state(self._project.name)
        revision = self._project.labels.revision(self._project.name) if state.active and state.stages else 0
        return (state.id, state.epoch, revision, self._project.clock.now() // MINUTE_US) if revision else None
