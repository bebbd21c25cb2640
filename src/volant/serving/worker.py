"""The inference worker's process: one model, one event loop, one listening socket.

It reads a :class:`~volant.serving.spec.WorkerSpec` as the first line of its standard input, says
:class:`~volant.serving.spec.Ready` or :class:`~volant.serving.spec.Failed` as the one line of its standard output, and
serves until it is told to stop: SIGTERM or SIGINT, or the end of its input, which is how it learns that its supervisor
is gone. Further input lines are :class:`~volant.serving.spec.Update`. Whatever the model prints goes to standard error.
"""

import asyncio
import contextlib
import gc
import io
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter_ns
from types import FrameType
from typing import Any, BinaryIO, NamedTuple

import msgspec
import uvicorn

from volant.access.rules import CREATE_TOKEN, is_loopback
from volant.evidence.log import LogWriter
from volant.kernel.clock import Clock, SystemClock
from volant.kernel.codec import canonical, decode
from volant.kernel.errors import InternalError, UnavailableError, UsageError, VolantError, to_record
from volant.kernel.ids import TimeOrderedIds
from volant.serving.app import WorkerApp
from volant.serving.guard import Guard
from volant.serving.metrics import WorkerMetrics
from volant.serving.ports import ColumnRunner
from volant.serving.predictor import Predictor
from volant.serving.recent import RecentRequests
from volant.serving.sockets import BACKLOG, bind
from volant.serving.spec import Failed, Ready, Update, WorkerSpec

DRAIN_SECONDS = 10
KEEP_ALIVE_SECONDS = 75
ACCEPTED_SECONDS = 0.2
IDLE_SECONDS = 1.0


class Loaded(NamedTuple):
    """A runner and, if the package has one, sample rows as columns to warm it up with."""

    runner: ColumnRunner
    sample: Mapping[str, list[Any]] | None


Load = Callable[[WorkerSpec], Loaded]


def main(load: Load) -> None:
    """Serve until told to stop; the process then ends with 0. Ends with 1 after saying why it cannot serve."""
    answers = os.fdopen(os.dup(1), "wb")
    orders = open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115 - a buffer's lock would outlive the loop
    os.dup2(2, 1)
    # uvicorn raises the signal again after draining; by then there is nothing left to end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    try:
        spec = decode(orders.readline(), WorkerSpec)
        serve(spec, load, orders, lambda ready: _say(answers, ready))
    except msgspec.DecodeError as error:
        _fail(answers, UsageError("The worker's specification cannot be read.", found=str(error)[:300]))
    except VolantError as error:
        _fail(answers, error)
    except Exception as error:  # noqa: BLE001 - the supervisor must hear of any defect
        trace = tuple(traceback.format_exc().rstrip().splitlines())
        _fail(answers, InternalError(f"The worker could not start: {error!r}", details=trace))


def serve(spec: WorkerSpec, load: Load, orders: io.RawIOBase, announce: Callable[[Ready], None]) -> None:
    """Load the model, then answer until the process is told to stop."""
    began = perf_counter_ns()
    listener = _listener(spec)
    loaded = load(spec)
    _one_thread_each()
    clock = SystemClock()
    guard = Guard.of(spec.tokens, spec.host, spec.allowed_hosts, clock)
    writer = LogWriter(Path(spec.log) / spec.worker, clock, sync=spec.sync)
    try:
        app, predictor = _assemble(spec, loaded, writer, guard, clock)
        gc.collect()
        gc.freeze()  # what the model holds is never garbage: full collections need not walk it
        host, port = listener.getsockname()[:2]
        ready = Ready(host=host, port=port, pid=os.getpid(), loaded_us=(perf_counter_ns() - began) // 1000)
        server = _Server(_configuration(app), app, lambda: announce(ready))
        threading.Thread(target=_listen_to_supervisor, args=(orders, server, guard), name="supervisor", daemon=True).start()
        _run(server, [listener, *_private(spec)])
        predictor.close()
    finally:
        writer.close()


def _assemble(spec: WorkerSpec, loaded: Loaded, writer: LogWriter, guard: Guard, clock: Clock) -> tuple[WorkerApp, Predictor]:
    recent = RecentRequests()
    recent.restore(Path(spec.log), spec.model, clock.now())
    metrics = WorkerMetrics(spec)
    predictor = Predictor(spec, loaded.runner, writer=writer, recent=recent, metrics=metrics, clock=clock, ids=TimeOrderedIds(clock))
    if loaded.sample is not None:
        predictor.warm_up(dict(loaded.sample))
    app = WorkerApp(
        spec,
        loaded.runner.signature,
        predictor=predictor,
        guard=guard,
        metrics=metrics,
        state=lambda: (writer.failures, len(recent)),
    )
    return app, predictor


class _Server(uvicorn.Server):
    """Says when it listens, and that it is no longer ready once it is told to stop."""

    def __init__(self, config: uvicorn.Config, app: WorkerApp, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._app = app
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._announce()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._app.ready = False
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
        self._app.ready = False
        self.should_exit = True


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


def _run(server: _Server, listeners: list[socket.socket]) -> None:
    factory = server.config.get_loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(server.serve(sockets=listeners))


def _listener(spec: WorkerSpec) -> socket.socket:
    try:
        listener = bind(spec.host, spec.port) if spec.fd is None else socket.socket(fileno=spec.fd)
    except OSError as error:
        raise UnavailableError("The worker got no socket to listen on.", found=str(error)) from error
    address = str(listener.getsockname()[0])
    if spec.tokens is None and not is_loopback(address):
        listener.close()
        raise UsageError(
            f"A worker on {address} must ask for tokens.",
            found="no tokens, and an address that others can reach",
            next_step=f"{CREATE_TOKEN}   (or bind to 127.0.0.1)",
        )
    return listener


def _private(spec: WorkerSpec) -> list[socket.socket]:
    return [] if spec.private_fd is None else [socket.socket(fileno=spec.private_fd)]


def _listen_to_supervisor(orders: io.RawIOBase, server: _Server, guard: Guard) -> None:
    """Take updates until the input ends; then stop, and if draining does not end, end the process."""
    for line in orders:
        try:
            guard.replace(decode(line, Update).tokens)
        except msgspec.DecodeError as error:
            print(f"The worker could not read an update: {error}", file=sys.stderr, flush=True)  # noqa: T201
    server.stop()
    threading.Event().wait(DRAIN_SECONDS + 5)
    os._exit(1)


def _one_thread_each() -> None:
    """One row has no work for a second thread, and threads that wait for each other cost a thousandfold under load."""
    with contextlib.suppress(ImportError):
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        threadpool_limits(1)


def _say(answers: BinaryIO, message: Ready | Failed) -> None:
    answers.write(canonical(message) + b"\n")
    answers.flush()


def _fail(answers: BinaryIO, error: VolantError) -> None:
    _say(answers, Failed(error=to_record(error)))
    sys.exit(1)
