"""Running a server: everything started in order, stopped in order, and nothing left behind."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from volant.access.routes import ErrorPage, Route
from volant.access.rules import is_live, must_ask
from volant.kernel.codec import Value
from volant.server.addresses import listen, reserve
from volant.server.control import STANDARD, Address, Commands, Control
from volant.server.errors import plain_page
from volant.server.leadership import TTL_US
from volant.server.listening import HttpServer, loop_factory

if TYPE_CHECKING:
    from volant.wiring.project import Project

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Started(Value, frozen=True, kw_only=True):
    """Said once when requests are answered; ``leader`` is who decides, this server or another."""

    url: str
    worker_url: str
    asks_for_tokens: bool
    leads: bool
    leader: str | None


def serve(
    project: "Project",
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    worker_port: int = 0,
    pages: Sequence[Route] = (),
    error_page: ErrorPage = plain_page,
    require_token: bool = False,
    allow_hosts: Sequence[str] = (),
    on_ready: Callable[[Started], None] | None = None,
    commands: Commands = STANDARD,
    lease_us: int = TTL_US,
) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP. Port 0 means any free one; ``on_ready`` hears which. When this server dies,
    another on the same store takes over after at most ``lease_us`` and a third.

    Raises ``UsageError`` where a token would be needed and there is none, ``ConflictError`` naming the port where it
    is in use.
    """
    now = project.clock.now()
    live = sum(is_live(token, now) for token in project.tokens.tokens())
    asks = must_ask(host, require_token=require_token, live_tokens=live)
    with (
        listen(host, port) as listener,
        reserve(host, worker_port) as worker_socket,
    ):
        address = Address(host=host, port=listener.getsockname()[1], worker_port=worker_socket.getsockname()[1])
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(
                _serve(
                    lambda: Control(
                        project,
                        address,
                        worker_socket,
                        asks=asks,
                        allow_hosts=allow_hosts,
                        pages=pages,
                        error_page=error_page,
                        commands=commands,
                        lease_us=lease_us,
                    ),
                    listener,
                    on_ready,
                )
            )


async def _serve(build: Callable[[], Control], listener: socket.socket, on_ready: Callable[[Started], None] | None) -> None:
    control = build()
    await control.leadership.ask()
    await control.heed(await asyncio.to_thread(control.watch.look))
    server = HttpServer(control.app, lambda: _announce(control, on_ready), stopping=control.live.close)
    _stop_on_signals(server)
    tasks = _Tasks(
        supervision=asyncio.create_task(control.supervisor.run()),
        watch=asyncio.create_task(control.watch.run(control.heed)),
        rollouts=asyncio.create_task(control.rollouts.run()),
        weighing=asyncio.create_task(control.weighing.run()),
        leadership=asyncio.create_task(control.leadership.run()),
        chores=asyncio.create_task(control.chores.run()),
        wheel=asyncio.create_task(control.wheel.run()),
        suites=asyncio.create_task(control.suites.run()),
        telling=asyncio.create_task(control.telling.run()),
        live=asyncio.create_task(control.live.run()),
    )
    end = asyncio.create_task(_end_with_any(server, tasks))
    try:
        await server.serve(sockets=[listener])
    finally:
        end.cancel()
        await _stop(control, tasks)


class _Tasks(NamedTuple):
    """What goes on beside answering requests."""

    supervision: "asyncio.Task[None]"
    watch: "asyncio.Task[None]"
    rollouts: "asyncio.Task[None]"
    weighing: "asyncio.Task[None]"
    leadership: "asyncio.Task[None]"
    chores: "asyncio.Task[None]"
    wheel: "asyncio.Task[None]"
    suites: "asyncio.Task[None]"
    telling: "asyncio.Task[None]"
    live: "asyncio.Task[None]"


def _stop_on_signals(server: HttpServer) -> None:
    """The first signal stops in order, a second one at once: children end with their input, and what was acknowledged is
    safe. SIGHUP counts too, unless it is ignored, as under nohup.
    """
    loop = asyncio.get_running_loop()

    def heed(number: signal.Signals) -> None:
        if server.should_exit:
            os._exit(128 + number)
        server.stop()

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, heed, number)


async def _end_with_any(server: HttpServer, tasks: _Tasks) -> None:
    """None of them ends before the server does, unless it failed; a server must not look well while nothing is looked after."""
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True


async def _stop(control: Control, tasks: _Tasks) -> None:
    """The worker drains first, then its log is sealed, then the lease is given up. Raises what a task failed with."""
    control.supervisor.stop()
    cancelled = (tasks.watch, tasks.chores, tasks.wheel, tasks.suites, tasks.telling, tasks.rollouts, tasks.weighing, tasks.live)
    for task in cancelled:
        task.cancel()
    ended = [*await asyncio.gather(tasks.supervision, *cancelled, return_exceptions=True)]
    await control.rollouts.close()
    await control.wheel_jobs.close()
    await control.chores.finish()
    await control.jobs.close()
    tasks.leadership.cancel()
    ended += await asyncio.gather(tasks.leadership, return_exceptions=True)
    await asyncio.to_thread(control.leadership.release)
    control.app.close()
    for failure in ended:
        if isinstance(failure, Exception):
            raise failure


def _announce(control: Control, on_ready: Callable[[Started], None] | None) -> None:
    if on_ready is not None:
        leads = control.leadership.held
        address = control.address
        on_ready(
            Started(
                url=address.url,
                worker_url=address.worker_url,
                asks_for_tokens=control.asks,
                leads=leads,
                leader=control.leadership.holder if leads else control.leadership.leader(),
            )
        )
