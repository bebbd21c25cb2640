"""Emptying the outbox of alerts: every delivery at least once, tried again with growing waits, given up in the end.

A try is claimed in the store before it is made. So two servers do not make the same one, and one whose server dies in
between is made again; a receiver drops the repeat by the delivery's id.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec

from volant.kernel.clock import Clock
from volant.kernel.codec import decode
from volant.kernel.crashpoints import reach
from volant.monitoring.alert_model import Delivery, Notice
from volant.monitoring.alert_ports import AlertStore, Sender, Undelivered
from volant.monitoring.alert_rules import CLAIM_US, LONGEST_WAIT_US, MOST_TRIES, wait_us

T = TypeVar("T")
AT_ONCE = 8


class Deliverer:
    """Sends what is due. The store is asked in a thread of its own: neither the event loop nor its shared threads wait."""

    def __init__(self, store: AlertStore, sender: Sender, clock: Clock) -> None:
        self._store = store
        self._sender = sender
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="alerts")

    async def round(self) -> int:
        """Try everything that is due, ``AT_ONCE`` at a time and each once. How many arrived."""
        due = await self._stored(self._store.due, self._clock.now(), AT_ONCE)
        results = await asyncio.gather(*(self._deliver(delivery) for delivery in due), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return sum(result is True for result in results)

    async def _deliver(self, delivery: Delivery) -> bool:
        if delivery.tries >= MOST_TRIES:  # the last try was begun, and its server died
            await self._give_up(delivery, delivery.error or "the server stopped during the last try")
            return False
        if not await self._stored(self._store.claim, delivery, self._clock.now() + CLAIM_US):
            return False
        try:
            await self._sender(delivery.target, delivery.id, decode(delivery.notice, Notice))
        except Undelivered as error:
            await self._not_taken(delivery, error)
            return False
        except (msgspec.DecodeError, UnicodeDecodeError):
            await self._give_up(delivery, "the stored notice cannot be read")
            return False
        reach("alert.delivered")
        await self._stored(self._store.delivered, delivery.id, self._clock.now())
        return True

    async def _not_taken(self, delivery: Delivery, error: Undelivered) -> None:
        tries = delivery.tries + 1
        if error.final or tries >= MOST_TRIES:
            await self._give_up(delivery, str(error))
            return
        wait = min(max(wait_us(tries), error.wait_us), LONGEST_WAIT_US)
        await self._stored(self._store.failed, delivery.id, str(error), self._clock.now() + wait)

    async def _give_up(self, delivery: Delivery, error: str) -> None:
        await self._stored(self._store.give_up, delivery.id, error, self._clock.now())

    async def _stored(self, call: Callable[..., T], *values: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *values)
