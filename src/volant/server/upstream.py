"""Connections to one worker: HTTP/1.1 with keep-alive, one request at a time on each.

Every worker is reached through a socket of its own, so the connections of a worker that is being replaced are known
and none of them can lead to its successor or the other way round.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from typing import cast

import httptools

MAX_IDLE_SECONDS = 20.0  # below the worker's keep-alive, so that a connection is not reused while it is being closed
MAX_CONNECTIONS = 256
_HIGH_WATER = 1 << 20


class UpstreamClosedError(ConnectionError):
    """The worker closed the connection before its answer was complete."""


class Connection(asyncio.Protocol):
    """One connection. ``begin``, ``send``, ``head``, ``chunks`` in this order for each request."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._status = 0
        self._complete = False
        self._keep = False
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self.closed = False
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.Protocol``."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by class
        self._writable.set()

    def connection_lost(self, _error: Exception | None) -> None:
        """Wake whoever waits: nothing more will come."""
        self.closed = True
        self._news.set()
        self._writable.set()

    def pause_writing(self) -> None:
        """The worker reads slower than the client sends."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The worker has caught up."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Parse what the worker sent; what nobody asked for ends the connection."""
        if self._parser is None or self._complete:
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Parser callback."""
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Parser callback."""
        assert self._parser is not None
        self._status = self._parser.get_status_code()
        self._keep = self._parser.should_keep_alive()
        self._news.set()

    def on_body(self, data: bytes) -> None:
        """Parser callback; a client that reads slowly holds the worker back."""
        self._chunks.append(data)
        self._buffered += len(data)
        if self._buffered > _HIGH_WATER and self._transport is not None:
            self._transport.pause_reading()
        self._news.set()

    def on_message_complete(self) -> None:
        """Parser callback."""
        self._complete = True
        self._news.set()

    def begin(self) -> None:
        """Get ready for a new answer."""
        self._parser = httptools.HttpResponseParser(self)
        self._headers = []
        self._status = 0
        self._complete = self._keep = False
        self._news.clear()

    @property
    def answered(self) -> bool:
        """Whether the head of an answer has come."""
        return self._status != 0

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent."""
        return self._complete and self._keep and not self.closed and not self._chunks

    async def send(self, data: bytes) -> None:
        """Write and wait while the worker reads slower. ``UpstreamClosedError`` if it is gone."""
        if self.closed or self._transport is None:
            raise UpstreamClosedError
        self._transport.write(data)
        if not self._writable.is_set():
            await self._writable.wait()

    async def head(self) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Status and headers of the answer."""
        while not self._status:
            await self._wait()
        return self._status, self._headers

    async def begun(self) -> None:
        """Until the answer is whole, or too long to hold: whoever lost a worker before can still be told so."""
        while not self._complete and self._buffered <= _HIGH_WATER:
            await self._wait()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The answer's body as it comes."""
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._buffered -= len(chunk)
                if self._buffered <= _HIGH_WATER and self._transport is not None and not self.closed:
                    self._transport.resume_reading()
                yield chunk
            if self._complete:
                return
            await self._wait()

    async def _wait(self) -> None:
        if self.closed:
            raise UpstreamClosedError
        self._news.clear()
        await self._news.wait()

    def close(self) -> None:
        """Give the connection up."""
        self.closed = True
        self._news.set()
        if self._transport is not None:
            self._transport.abort()


class Upstream:
    """One worker's address, its idle connections and the number of requests on their way."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.in_flight = 0
        self._idle: deque[Connection] = deque()
        self._retired = False
        self._places = asyncio.Semaphore(MAX_CONNECTIONS)
        self._quiet = asyncio.Event()
        self._quiet.set()

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for one exchange. ``OSError`` if the worker cannot be reached."""
        self.in_flight += 1
        self._quiet.clear()
        try:
            async with self._places:
                connection = self._reuse() or await self._connect()
                try:
                    connection.begin()
                    yield connection
                finally:
                    self._give_back(connection)
        finally:
            self.in_flight -= 1
            if not self.in_flight:
                self._quiet.set()

    def _reuse(self) -> Connection | None:
        oldest = asyncio.get_running_loop().time() - MAX_IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and connection.idle_since >= oldest:
                return connection
            connection.close()
        return None

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, self.host, self.port)
        return connection

    def _give_back(self, connection: Connection) -> None:
        if connection.reusable and not self._retired:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.close()

    async def retire(self, seconds: float) -> None:
        """Wait until what is on its way is answered (``seconds`` at most), then close all connections."""
        self._retired = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._quiet.wait(), seconds)
        while self._idle:
            self._idle.pop().close()
