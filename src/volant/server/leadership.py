"""Which of several servers on one store decides, seals and checkpoints: the one that holds the lease.

All of them serve. When the holder dies, its lease ends by itself and another one takes it.
"""

import asyncio
import sys

from volant.jobs.model import Lease
from volant.jobs.ports import LeaseStore
from volant.kernel.clock import SECOND_US, Clock

TTL_US = 10 * SECOND_US


def lease_name(project: str) -> str:
    """The lease of a project's loop."""
    return f"loop/{project}"


class Leadership:
    """Takes and prolongs the lease. ``holder`` names this server so that people and other servers can find it."""

    def __init__(self, leases: LeaseStore, clock: Clock, *, name: str, holder: str, ttl_us: int = TTL_US) -> None:
        self._leases = leases
        self._clock = clock
        self._name = name
        self.holder = holder
        self._ttl_us = ttl_us
        self._lease: Lease | None = None

    @property
    def held(self) -> bool:
        """Whether this server may decide now. False as soon as the lease is over, even if nobody could be asked."""
        return self._lease is not None and self._clock.now() < self._lease.expires_at

    def leader(self) -> str | None:
        """Who holds the lease."""
        lease = self._leases.current(self._name)
        return None if lease is None else lease.holder

    async def run(self) -> None:
        """Ask again and again, until cancelled."""
        while True:
            await self.ask()
            await asyncio.sleep(self._ttl_us / SECOND_US / 3)

    async def ask(self) -> bool:
        """Take or prolong the lease once."""
        try:
            self._lease = await asyncio.to_thread(self._leases.acquire, self._name, self.holder, self._ttl_us)
        except Exception as error:  # noqa: BLE001 - whatever it is, serving goes on, and leading ends with the lease
            print(f"The lease could not be asked for: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the server's own log
        return self.held

    def release(self) -> None:
        """Give it up, so that another server need not wait for its end."""
        self._lease = None
        self._leases.release(self._name, self.holder)
