"""Emptying the outbox of alerts: every delivery at least once, tried again with growing waits, given up in the end.

A try is claimed in the store before it is made. So two servers do not make the same one, and one whose server dies in
between is made again; a receiver drops the repeat by the delivery's id. What waits for people is told together once it is a
lot: after an outage they get one message. A receiver that asks to be left alone is, with everything that waits for it.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from operator import attrgetter
from typing import TypeVar

import msgspec

from volant.kernel.clock import Clock
from volant.kernel.codec import decode
from volant.kernel.crashpoints import reach
from volant.monitoring.alert_digest import MOST_SINGLE, MOST_TOGETHER, is_for_people
from volant.monitoring.alert_model import Delivery, Notice
from volant.monitoring.alert_ports import AlertStore, Sender, Undelivered
from volant.monitoring.alert_rules import CLAIM_US, LONGEST_WAIT_US, MOST_TRIES, is_under_way, wait_us

T = TypeVar("T")
AT_ONCE = 8  # for each target


class Deliverer:
    """Sends what is due. The store is asked in a thread of its own: neither the event loop nor its shared threads wait."""

    def __init__(self, store: AlertStore, sender: Sender, clock: Clock) -> None:
        self._store = store
        self._sender = sender
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="alerts")
        self._left_alone: dict[str, int] = {}  # target -> until when, as it asked

    async def round(self) -> int:
        """Try everything that is due, ``AT_ONCE`` at a time for each target and each once. How many arrived."""
        due = await self.stored(self._store.due, self._clock.now(), AT_ONCE)
        by_target = groupby(sorted(due, key=attrgetter("target")), key=attrgetter("target"))
        targets = [(target, list(group)) for target, group in by_target if not self._is_left_alone(target)]
        results = await asyncio.gather(*(self._tell(target, group) for target, group in targets), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return sum(result for result in results if isinstance(result, int))

    async def stored(self, call: Callable[..., T], *values: object) -> T:
        """A call of the store, in the thread for that."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *values)

    def _is_left_alone(self, target: str) -> bool:
        """Not for longer than the longest wait, whatever the clock does."""
        return 0 < self._left_alone.get(target, 0) - self._clock.now() <= LONGEST_WAIT_US

    async def _tell(self, target: str, due: list[Delivery]) -> int:
        if is_for_people(target):
            now = self._clock.now()
            stored = await self.stored(self._store.waiting, target, MOST_TOGETHER)
            waiting = [one for one in stored if not is_under_way(one, now)]
            if len(waiting) > MOST_SINGLE:  # as soon as the oldest is due: new ones do not shorten its wait
                return await self._together(target, waiting) if any(one.id == waiting[0].id for one in due) else 0
        results = await asyncio.gather(*(self._deliver(delivery) for delivery in due), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return sum(result is True for result in results)

    async def _together(self, target: str, waiting: Sequence[Delivery]) -> int:
        """One message for all that waits."""
        claimed = [delivery for delivery in waiting if await self._claimed(delivery)]
        readable = [(delivery, notice) for delivery in claimed if (notice := await self._read(delivery)) is not None]
        if not readable:
            return 0
        last = readable[-1][0]
        try:
            await self._sender.together(target, last.id, [notice for _, notice in readable])
        except Undelivered as error:
            for delivery, _ in readable:
                await self._not_taken(delivery, error)
            return 0
        reach("alert.delivered")
        for delivery, _ in readable:
            await self.stored(self._store.delivered, delivery.id, self._clock.now())
        return len(readable)

    async def _deliver(self, delivery: Delivery) -> bool:
        if not await self._claimed(delivery):
            return False
        notice = await self._read(delivery)
        if notice is None:
            return False
        try:
            await self._sender(delivery.target, delivery.id, notice)
        except Undelivered as error:
            await self._not_taken(delivery, error)
            return False
        reach("alert.delivered")
        await self.stored(self._store.delivered, delivery.id, self._clock.now())
        return True

    async def _claimed(self, delivery: Delivery) -> bool:
        if delivery.tries >= MOST_TRIES:  # the last try was begun, and its server died
            await self._give_up(delivery, delivery.error or "the server stopped during the last try")
            return False
        return await self.stored(self._store.claim, delivery, self._clock.now() + CLAIM_US)

    async def _read(self, delivery: Delivery) -> Notice | None:
        try:
            return decode(delivery.notice, Notice)
        except (msgspec.DecodeError, UnicodeDecodeError):
            await self._give_up(delivery, "the stored notice cannot be read")
            return None

    async def _not_taken(self, delivery: Delivery, error: Undelivered) -> None:
        tries = delivery.tries + 1
        if error.final or tries >= MOST_TRIES:
            await self._give_up(delivery, str(error))
            return
        if error.wait_us > 0:
            self._left_alone[delivery.target] = self._clock.now() + min(error.wait_us, LONGEST_WAIT_US)
        wait = min(max(wait_us(tries), error.wait_us), LONGEST_WAIT_US)
        await self.stored(self._store.failed, delivery.id, str(error), self._clock.now() + wait)

    async def _give_up(self, delivery: Delivery, error: str) -> None:
        await self.stored(self._store.give_up, delivery.id, error, self._clock.now())
