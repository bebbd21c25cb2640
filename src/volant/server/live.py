"""``GET /events``: what changes, told to open pages as it changes (server-sent events).

One look at the store serves all listeners, and there is none while nobody listens. A message names models and topics, never
what they hold: a page asks again for what it shows, with its reader's own permissions.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable
from typing import Any

from volant.access.model import Permission
from volant.access.routes import Route
from volant.kernel.clock import Clock
from volant.kernel.errors import UnavailableError

ROUND_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0  # proxies close connections that say nothing
LONGEST_SECONDS = 300.0  # then the page asks anew, and whether it may is looked at again
SLOWEST_SECONDS = 20.0  # a reader that takes nothing for so long is let go
MOST_LISTENERS = 64
MOST_MODELS = 200  # named in one message; more are told as "any"
RETRY_MS = 2000
HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
)

Changed = dict[str, frozenset[str]]


class Live:
    """Listeners, and what they have not been told yet. An ASGI application; used from the event loop.

    ``look`` says what changed since it was asked last, ``prepare`` is done once at the start, beside serving.
    """

    def __init__(
        self,
        look: Callable[[], Changed],
        clock: Clock,
        *,
        prepare: Callable[[], object] = lambda: None,
        round_seconds: float = ROUND_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        longest_seconds: float = LONGEST_SECONDS,
        most: int = MOST_LISTENERS,
    ) -> None:
        self._look = look
        self._clock = clock
        self._prepare = prepare
        self._round_seconds = round_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._longest_seconds = longest_seconds
        self._most = most
        self._listeners: set[_Listener] = set()
        self._called = asyncio.Event()
        self._closed = False
        self._number = 0
        self._changed_at = 0

    @property
    def listeners(self) -> int:
        """How many pages listen."""
        return len(self._listeners)

    def route(self) -> Route:
        """The declaration."""
        summary = "What changes, as it changes, for open pages (server-sent events)."
        return Route(method="GET", path="/events", needs=Permission.READ, summary=summary, stream=self, lasting=True)

    def close(self) -> None:
        """End every stream, and take no more."""
        self._closed = True
        for listener in self._listeners:
            listener.wake.set()

    async def run(self) -> None:
        """Look and tell while somebody listens, until cancelled. What fails is reported once and tried again."""
        trouble, prepared = "", False
        while True:
            try:
                self._tell(await asyncio.to_thread(self._look))
                if not prepared:
                    await asyncio.to_thread(self._prepare)
                trouble, prepared = "", True
            except Exception as error:  # noqa: BLE001 - whatever it is, pages stay as they are and serving goes on
                if str(error) != trouble:
                    print(f"Open pages cannot be told what changes: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the server's own log
                trouble = str(error)
            await asyncio.sleep(self._round_seconds)
            if prepared:
                await self._called.wait()

    def _tell(self, changed: Changed) -> None:
        if not changed:
            return
        self._number += 1
        self._changed_at = self._clock.now()
        for listener in self._listeners:
            listener.note(changed, self._number)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI entry. ``UnavailableError`` where too many listen already; their pages then ask now and then."""
        if self._closed or len(self._listeners) >= self._most:
            raise UnavailableError(
                "No further page can be told what changes.",
                found="the server is stopping" if self._closed else f"{len(self._listeners)} pages listen",
                next_step="the page asks by itself now and then",
            )
        listener = _Listener()
        self._listeners.add(listener)
        self._called.set()
        leaving = asyncio.create_task(_left(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
            if scope["method"] != "HEAD":
                await self._serve(listener, leaving, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            return  # it takes nothing any more; the connection is closed
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                self._called.clear()
            leaving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await leaving

    async def _serve(self, listener: "_Listener", leaving: "asyncio.Task[None]", send: Any) -> None:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._longest_seconds
        hello = {"changed_at": self._changed_at, "now": self._clock.now()}
        await _write(send, b"retry: %d\n" % RETRY_MS + _event("hello", self._number, hello))
        while not self._closed and not leaving.done() and loop.time() < ends_at:
            patience = min(self._heartbeat_seconds, ends_at - loop.time())
            told = await listener.wait(leaving, max(patience, 0.0))
            if self._closed or leaving.done():
                return
            await _write(send, b": still here\n\n" if told is None else _event("changed", *told))


class _Listener:
    """One open page: what it has not been told yet, put together, however slowly it reads."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self._pending: dict[str, set[str]] = {}
        self._number = 0

    def note(self, changed: Changed, number: int) -> None:
        """Keep what changed until it is told."""
        for model, topics in changed.items():
            self._pending.setdefault(model, set()).update(topics)
        self._number = number
        self.wake.set()

    async def wait(self, leaving: "asyncio.Task[None]", seconds: float) -> tuple[int, dict[str, Any]] | None:
        """What is to be told, or None after ``seconds`` without any, or where the reader left."""
        woken = asyncio.create_task(self.wake.wait())
        try:
            await asyncio.wait({woken, leaving}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
        self.wake.clear()
        if not self._pending:
            return None
        pending, self._pending = self._pending, {}
        named = {model: sorted(topics) for model, topics in pending.items()} if len(pending) <= MOST_MODELS else None
        return self._number, {"any": named is None, "changed": named or {}}


async def _left(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _write(send: Any, body: bytes) -> None:
    async with asyncio.timeout(SLOWEST_SECONDS):
        await send({"type": "http.response.body", "body": body, "more_body": True})


def _event(name: str, number: int, value: object) -> bytes:
    return f"event: {name}\nid: {number}\ndata: {json.dumps(value, separators=(',', ':'))}\n\n".encode()
