"""How a worker listens: to clients through uvicorn, and to its supervisor's orders, which may close and open its doors.

A worker that is kept warm holds the shared socket without accepting on it, so that it can take over within milliseconds.
"""

import asyncio
import io
import os
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Protocol

import msgspec
import uvicorn

from volant.kernel.codec import decode
from volant.serving.app import WorkerApp
from volant.serving.sockets import BACKLOG
from volant.serving.spec import Done, Ready, Update

DRAIN_SECONDS = 10
KEEP_ALIVE_SECONDS = 75
ACCEPTED_SECONDS = 0.2
IDLE_SECONDS = 1.0


class Orderly(Protocol):
    """Who heeds a supervisor. Both methods are called from the thread that listens."""

    def order(self, update: Update) -> None:
        """Let an update hold."""
        ...

    def stop(self) -> None:
        """The supervisor is gone."""
        ...


class WorkerServer(uvicorn.Server):
    """Says when it listens, and that it is no longer ready once it is told to stop."""

    def __init__(
        self,
        app: WorkerApp,
        announce: Callable[[Ready | Done], None],
        ready: Ready,
        *,
        heed: Callable[[Update], None],
        first: Update,
    ) -> None:
        super().__init__(_configuration(app))
        self._app = app
        self._announce = announce
        self._ready = ready
        self._heed = heed
        self._first = first
        self._shared: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._early: list[Update] = []
        self._open = first.open
        self._tasks: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. The first socket is shared with other workers: a second handle to it outlives a closed door."""
        assert sockets
        self._shared = sockets[0].dup()
        self._app.staying = self._open
        await super().startup(sockets=sockets if self._open else sockets[1:])
        self._loop = asyncio.get_running_loop()
        self._heed(self._first)
        self._announce(self._ready)
        for update in self._early:
            self._do(update)

    def order(self, update: Update) -> None:
        """See :class:`Orderly`."""
        if self._loop is None:
            self._early.append(update)
        else:
            self._loop.call_soon_threadsafe(self._do, update)

    def _do(self, update: Update) -> None:
        self._heed(update)
        if update.open != self._open and not self.should_exit:
            self._open = update.open
            task = asyncio.get_running_loop().create_task(self._turn_door(update))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._announce(Done(serial=update.serial))

    async def _turn_door(self, update: Update) -> None:
        if update.open:
            await self._open_door()
        else:
            self._close_door()
        self._announce(Done(serial=update.serial))
        if not update.open:
            await self._see_out()

    async def _open_door(self) -> None:
        assert self._shared is not None
        config = self.config

        def protocol() -> asyncio.Protocol:
            return config.http_protocol_class(config=config, server_state=self.server_state, app_state=self.lifespan.state)  # type: ignore[call-arg]

        again = self._shared.dup()
        self.servers.insert(0, await asyncio.get_running_loop().create_server(protocol, sock=again, backlog=config.backlog))
        self._app.staying = True

    def _close_door(self) -> None:
        """Accept nothing more on the shared socket; the worker's own stays open."""
        self.servers.pop(0).close()
        self._app.staying = False

    async def _see_out(self) -> None:
        """Connections end with their next answer; those that ask nothing for a while are closed."""
        await asyncio.sleep(IDLE_SECONDS)
        if not self._open:
            for connection in list(self.server_state.connections):
                connection.shutdown()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See ``uvicorn.Server``."""
        self._app.ready = self._app.staying = False
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, and let what was accepted a moment ago send its request before idle connections are closed.

        Each connection ends with its next answer; those that ask nothing for a while are closed.
        """
        for server in self.servers:
            server.close()
        await asyncio.sleep(ACCEPTED_SECONDS)
        for _ in range(round((IDLE_SECONDS - ACCEPTED_SECONDS) / 0.05)):
            if self.server_state.connections:
                await asyncio.sleep(0.05)
        await super().shutdown(sockets=sockets)

    def stop(self) -> None:
        """Drain and end; may be called from any thread."""
        self._app.ready = self._app.staying = False
        self.should_exit = True


class ArmOrders:
    """A further arm's obedience: it knows one order, to stop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
        self._loop = loop
        self._stopped = stopped

    def order(self, update: Update) -> None:
        """Nothing of an update concerns an arm."""

    def stop(self) -> None:
        """See :class:`Orderly`."""
        self._loop.call_soon_threadsafe(self._stopped.set)


def listen_to_supervisor(orders: io.RawIOBase, server: Orderly) -> None:
    """Take updates until the input ends; then stop, and if draining does not end, end the process."""
    for line in orders:
        try:
            server.order(decode(line, Update))
        except msgspec.DecodeError as error:
            print(f"The worker could not read an update: {error}", file=sys.stderr, flush=True)  # noqa: T201
    server.stop()
    threading.Event().wait(DRAIN_SECONDS + 5)
    os._exit(1)


def _configuration(app: WorkerApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
