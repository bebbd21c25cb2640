"""The lease holder tells the targets of alerts: a look at the outbox each second, off the event loop."""

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable

ROUND_SECONDS = 1.0


class Telling:
    """Runs ``send`` again and again while this server ``may``. What fails is reported once and done again.

    ``count`` gives how many alerts are open; ``open_alerts`` is what it gave last, for metrics.
    """

    def __init__(
        self,
        send: Callable[[], Awaitable[object]],
        *,
        may: Callable[[], bool],
        count: Callable[[], int] = lambda: 0,
        round_seconds: float = ROUND_SECONDS,
    ) -> None:
        self._send = send
        self._may = may
        self._count = count
        self._round_seconds = round_seconds
        self._trouble: str | None = None
        self.open_alerts = 0

    async def run(self) -> None:
        """Round after round, until cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(self._round_seconds)

    async def once(self) -> None:
        """One round: every server counts, the one that holds the lease tells."""
        try:
            self.open_alerts = await asyncio.to_thread(self._count)
            if self._may():
                await self._send()
            self._trouble = None
        except Exception as error:  # noqa: BLE001 - whatever it is, serving goes on
            if str(error) != self._trouble:
                _report(f"Alerts could not be told and will be again: {error}")
            self._trouble = str(error)


def _report(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # nobody reads standard error any more
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - the server's own log
