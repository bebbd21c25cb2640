"""A champion's worker's connection to a further arm: kept open, opened again when it breaks, never waited for too long."""

import asyncio
import contextlib
import itertools
from time import perf_counter_ns
from typing import Any, cast

import msgspec

from volant.serving.arm_protocol import Ask, Told, Unpacker, packed

RETRY_SECONDS = 0.1
_DECODER = msgspec.json.Decoder(Told)


class ArmGoneError(ConnectionError):
    """The arm's process ended while it was asked."""


class _Line(asyncio.Protocol):
    """One connection and the questions on their way."""

    def __init__(self) -> None:
        self.closed = asyncio.get_running_loop().create_future()
        self.waiting: dict[int, asyncio.Future[Told]] = {}
        self._unpacker = Unpacker()
        self.transport: asyncio.Transport | None = None

    @property
    def open(self) -> bool:
        """False as soon as the connection is lost, before anybody could be told."""
        return self.transport is not None and not self.transport.is_closing() and not self.closed.done()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.Protocol``."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Give answers to those who wait; an answer that cannot be read ends the connection."""
        assert self.transport is not None
        try:
            for payload in self._unpacker.feed(data):
                told = _DECODER.decode(payload)
                waiting = self.waiting.pop(told.number, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(told)
        except (ValueError, msgspec.DecodeError):
            self.transport.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        """Nobody waits in vain."""
        waiting, self.waiting = self.waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(ArmGoneError("the arm's process ended"))
        if not self.closed.done():
            self.closed.set_result(None)


class ArmClient:
    """Asks the arm at a Unix socket. Used from one event loop; :meth:`close` ends it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._line: _Line | None = None
        self._numbers = itertools.count(1)
        self._task = asyncio.get_running_loop().create_task(self._keep_connected())

    @property
    def connected(self) -> bool:
        """Whether it can be asked now."""
        return self._line is not None and self._line.open

    async def ask(self, columns: dict[str, list[Any]], count: int, seconds: float) -> Told:
        """The arm's answer. ``ArmGoneError`` if it is not there or ends meanwhile, ``TimeoutError``."""
        line = self._line
        if line is None or line.transport is None or not line.open:
            raise ArmGoneError("the arm is not there")
        number = next(self._numbers)
        future: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        line.waiting[number] = future
        until_ns = perf_counter_ns() + int(seconds * 1e9)
        line.transport.write(packed(Ask(number=number, columns=columns, count=count, until_ns=until_ns)))
        try:
            async with asyncio.timeout(seconds):
                return await future
        finally:
            line.waiting.pop(number, None)

    async def _keep_connected(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(OSError):
                _, line = await loop.create_unix_connection(_Line, self.path)
                self._line = line
                try:
                    await asyncio.shield(line.closed)
                finally:
                    self._line = None
                    if line.transport is not None:
                        line.transport.abort()
            await asyncio.sleep(RETRY_SECONDS)

    def close(self) -> None:
        """Give the connection up; questions on their way fail with ``ArmGoneError``."""
        self._task.cancel()
