"""The lease holder tells the targets of alerts: a look at the outbox each second, off the event loop."""

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable

ROUND_SECONDS = 1.0


class Telling:
    """Runs ``send`` again and again while this server ``may``. What fails is reported once and done again."""

    def __init__(self, send: Callable[[], Awaitable[object]], may: Callable[[], bool], *, round_seconds: float = ROUND_SECONDS) -> None:
        self._send = send
        self._may = may
        self._round_seconds = round_seconds
        self._trouble: str | None = None

    async def run(self) -> None:
        """Round after round, until cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(self._round_seconds)

    async def once(self) -> None:
        """One round, if this server holds the lease."""
        if not self._may():
            return
        try:
            await self._send()
            self._trouble = None
        except Exception as error:  # noqa: BLE001 - whatever it is, serving goes on
            if str(error) != self._trouble:
                _report(f"Alerts could not be told and will be again: {error}")
            self._trouble = str(error)


def _report(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # nobody reads standard error any more
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - the server's own log
