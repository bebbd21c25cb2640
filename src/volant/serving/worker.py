"""The inference worker's process: one model, one event loop, one listening socket.

It reads a :class:`~volant.serving.spec.WorkerSpec` as the first line of its standard input, says
:class:`~volant.serving.spec.Ready` or :class:`~volant.serving.spec.Failed` as the one line of its standard output, and
serves until it is told to stop: SIGTERM or SIGINT, or the end of its input, which is how it learns that its supervisor
is gone. Further input lines are :class:`~volant.serving.spec.Update`, each answered by a
:class:`~volant.serving.spec.Done` once it holds. Whatever the model prints goes to standard error.
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
from typing import Any, BinaryIO, NamedTuple

import msgspec

from volant.access.rules import CREATE_TOKEN, is_loopback
from volant.evidence.log import LogWriter
from volant.kernel.clock import Clock
from volant.kernel.codec import canonical, decode
from volant.kernel.errors import InternalError, UnavailableError, UsageError, VolantError, to_record
from volant.kernel.ids import TimeOrderedIds
from volant.kernel.steered_clock import clock_of
from volant.serving.app import WorkerApp
from volant.serving.arm_server import ArmModel, serve_arm
from volant.serving.guard import Guard
from volant.serving.listening import ArmOrders, WorkerServer, listen_to_supervisor
from volant.serving.metrics import WorkerMetrics
from volant.serving.ports import ColumnRunner
from volant.serving.predictor import Predictor
from volant.serving.recent import RecentRequests
from volant.serving.sockets import bind
from volant.serving.spec import Done, Failed, Ready, Update, WorkerSpec


class Loaded(NamedTuple):
    """A runner and, if the package has one, sample rows as columns to warm it up with."""

    runner: ColumnRunner
    sample: Mapping[str, list[Any]] | None


Load = Callable[[WorkerSpec], Loaded]


Say = Callable[[Ready | Done], None]


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


def serve(spec: WorkerSpec, load: Load, orders: io.RawIOBase, announce: Say) -> None:
    """Load the model, then answer until the process is told to stop."""
    began = perf_counter_ns()
    if spec.arm_socket is not None:
        serve_as_arm(spec, load(spec), orders, announce, began)
        return
    listener = _listener(spec)
    loaded = load(spec)
    _one_thread_each()
    clock = clock_of(os.environ)
    guard = Guard.of(spec.tokens, spec.host, spec.allowed_hosts, clock)
    writer = LogWriter(Path(spec.log) / spec.worker, clock, sync=spec.sync)
    try:
        app, predictor, metrics = _assemble(spec, loaded, writer, guard, clock)
        gc.collect()
        gc.freeze()  # what the model holds is never garbage: full collections need not walk it
        host, port = listener.getsockname()[:2]
        ready = _ready(str(host), int(port), loaded.runner, began)
        first = Update(serial=0, tokens=spec.tokens, routing=spec.routing, open=spec.open)
        server = WorkerServer(app, announce, ready, heed=_heeding(predictor, metrics, guard), first=first)
        threading.Thread(target=listen_to_supervisor, args=(orders, server), name="supervisor", daemon=True).start()
        _run(server, [listener, *_private(spec)])
        predictor.close()
    finally:
        writer.close()


def _assemble(
    spec: WorkerSpec, loaded: Loaded, writer: LogWriter, guard: Guard, clock: Clock
) -> tuple[WorkerApp, Predictor, WorkerMetrics]:
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
    return app, predictor, metrics


def _heeding(predictor: Predictor, metrics: WorkerMetrics, guard: Guard) -> Callable[[Update], None]:
    """What an update changes. Called on the event loop."""

    def heed(update: Update) -> None:
        guard.replace(update.tokens)
        predictor.route(update.routing)
        if update.epoch is not None:
            predictor.recorder.epoch = metrics.epoch = update.epoch

    return heed


def _ready(host: str, port: int, runner: ColumnRunner, began_ns: int) -> Ready:
    signature = runner.signature
    return Ready(
        host=host,
        port=port,
        pid=os.getpid(),
        loaded_us=(perf_counter_ns() - began_ns) // 1000,
        inputs=tuple(field.name for field in signature.inputs),
        classes=signature.classes,
    )


def serve_as_arm(spec: WorkerSpec, loaded: Loaded, orders: io.RawIOBase, announce: Say, began_ns: int) -> None:
    """Be a further arm until told to stop."""
    assert spec.arm_socket is not None
    _one_thread_each()
    model = ArmModel(loaded.runner, spec.limits.max_rows)
    if loaded.sample is not None:
        model.warm_up(dict(loaded.sample))
    gc.collect()
    gc.freeze()
    path, ready = spec.arm_socket, _ready(spec.arm_socket, 0, loaded.runner, began_ns)
    with asyncio.Runner() as runner:
        loop, stopped = runner.get_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        waiter = ArmOrders(loop, stopped)
        threading.Thread(target=listen_to_supervisor, args=(orders, waiter), name="supervisor", daemon=True).start()
        runner.run(serve_arm(model, Path(path), lambda: announce(ready), stopped))


def _run(server: WorkerServer, listeners: list[socket.socket]) -> None:
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


def _one_thread_each() -> None:
    """One row has no work for a second thread, and threads that wait for each other cost a thousandfold under load."""
    with contextlib.suppress(ImportError):
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        threadpool_limits(1)


def _say(answers: BinaryIO, message: Ready | Failed | Done) -> None:
    answers.write(canonical(message) + b"\n")
    answers.flush()


def _fail(answers: BinaryIO, error: VolantError) -> None:
    _say(answers, Failed(error=to_record(error)))
    sys.exit(1)
