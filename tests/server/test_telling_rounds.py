"""The lease holder's rounds."""

import asyncio

import pytest

from volant.server.telling import Telling


class Outbox:
    def __init__(self):
        self.rounds, self.broken, self.may = 0, None, True

    async def send(self):
        self.rounds += 1
        if self.broken is not None:
            raise self.broken

    def telling(self, **settings):
        return Telling(self.send, may=lambda: self.may, **settings)


@pytest.fixture
def outbox():
    return Outbox()


def test_only_who_leads_tells_and_everybody_counts(outbox):
    telling = outbox.telling(count=lambda: 3)
    outbox.may = False
    asyncio.run(telling.once())
    assert (outbox.rounds, telling.open_alerts) == (0, 3)
    outbox.may = True
    asyncio.run(telling.once())
    assert outbox.rounds == 1


def test_a_trouble_is_reported_once_until_it_is_over(outbox, capfd):
    telling = outbox.telling()
    outbox.broken = OSError("disk full")
    for _ in range(3):
        asyncio.run(telling.once())
    assert capfd.readouterr().err == "Alerts could not be told and will be again: disk full\n"
    outbox.broken = None
    asyncio.run(telling.once())
    outbox.broken = OSError("disk full")
    asyncio.run(telling.once())
    assert capfd.readouterr().err.count("disk full") == 1
    assert outbox.rounds == 5


def test_rounds_go_on_until_they_are_cancelled(outbox):
    async def main():
        third = asyncio.Event()

        async def send():
            await outbox.send()
            if outbox.rounds == 3:
                third.set()

        task = asyncio.create_task(Telling(send, may=lambda: True, round_seconds=0.001).run())
        await asyncio.wait_for(third.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
