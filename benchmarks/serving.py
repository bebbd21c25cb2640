"""Single-row predictions per second over HTTP: Volant's worker beside LitServe and a bare ASGI application.

All three serve the same fitted scikit-learn model on the same machine in the same run, one after the other, each in one
process. Volant checks every row against the signature and writes it to the prediction log before it answers; the
others do neither. Run with ``python benchmarks/serving.py [--seconds 5]``; LitServe is skipped where it is not
installed (``uv sync --group bench``).
"""

import argparse
import asyncio
import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FEATURES = [f"x{i}" for i in range(30)]
ROW = {name: round(0.1 * i - 1.5, 2) for i, name in enumerate(FEATURES)}
BODY = json.dumps({"inputs": {name: [value] for name, value in ROW.items()}}).encode()


def fitted(kind):
    """The model that everyone serves: 30 numbers to one."""
    import numpy as np
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.linear_model import LinearRegression

    random = np.random.default_rng(7)
    x = random.normal(size=(500, len(FEATURES)))
    y = x @ random.normal(size=len(FEATURES))
    model = GradientBoostingRegressor(n_estimators=50, random_state=7) if kind == "boosting" else LinearRegression()
    model.fit(x, y)
    return Weights(model.coef_) if kind == "array" else model


class Weights:
    """A model that costs next to nothing, so that what is measured is the server."""

    def __init__(self, weights):
        self.predict = weights.__rmatmul__


def serve_volant(kind):
    """Volant's worker around the model, told what to do on standard input."""
    import numpy as np

    from volant.config.model import Task
    from volant.data.model import Dtype
    from volant.models.model import Field, Signature
    from volant.models.ports import Answer
    from volant.serving.worker import Loaded, main

    model = fitted(kind)
    inputs = tuple(Field(name=name, dtype=Dtype.FLOAT, nullable=False) for name in FEATURES)

    class Runner:
        signature = Signature(inputs=inputs, target="y", task=Task.REGRESSION)

        def predict_columns(self, columns, count):
            rows = np.empty((count, len(FEATURES)))
            for place, name in enumerate(FEATURES):
                rows[:, place] = columns[name]
            return Answer(values=model.predict(rows))

    main(lambda _spec: Loaded(Runner(), {name: [value] for name, value in ROW.items()}))


def serve_bare(kind, port):
    """An ASGI application that does nothing but read, predict and answer."""
    import numpy as np
    import orjson
    import uvicorn

    model = fitted(kind)

    async def app(scope, receive, send):
        body = b""
        if scope["method"] == "POST":
            columns = orjson.loads((await receive())["body"])["inputs"]
            rows = np.array([columns[name] for name in FEATURES]).T
            body = orjson.dumps({"predictions": model.predict(rows).tolist()})
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False, lifespan="off", http="httptools", loop="uvloop")


def serve_litserve(kind, port):
    """LitServe with its defaults, one worker."""
    from serving_litserve import run

    run(kind, port)


class Client(asyncio.Protocol):
    """One connection that always has one request on its way."""

    def __init__(self, request, taken_ns, until):
        self.request = request
        self.taken_ns = taken_ns
        self.until = until
        self.done = asyncio.get_running_loop().create_future()
        self.buffer = b""
        self.failed = 0

    def connection_made(self, transport):
        self.transport = transport
        self.send()

    def send(self):
        self.sent = time.perf_counter_ns()
        self.transport.write(self.request)

    def data_received(self, data):
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(rest) < length:
            return
        self.buffer = b""
        now = time.perf_counter_ns()
        self.taken_ns.append(now - self.sent)
        self.failed += b" 200 " not in head[:16]
        if now < self.until:
            self.send()
        else:
            self.transport.close()

    def connection_lost(self, error):  # noqa: ARG002
        if not self.done.done():
            self.done.set_result(self.failed)


async def load(port, connections, seconds):
    """Requests per second, and latencies in milliseconds: median and 99th percentile."""
    head = f"POST /invocations HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    taken = []
    began = time.perf_counter_ns()
    until = began + int(seconds * 1e9)
    loop = asyncio.get_running_loop()
    made = [loop.create_connection(lambda: Client(head.encode() + BODY, taken, until), "127.0.0.1", port) for _ in range(connections)]
    clients = [client for _, client in await asyncio.gather(*made)]
    failed = sum(await asyncio.gather(*(client.done for client in clients)))
    if failed or not taken:
        raise SystemExit(f"{failed} of {len(taken)} requests failed")
    cuts = statistics.quantiles(taken, n=100)
    return len(taken) / ((time.perf_counter_ns() - began) / 1e9), cuts[49] / 1e6, cuts[98] / 1e6


def measure(port, connections, seconds):
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(load(port, connections, min(1.0, seconds)))
        return runner.run(load(port, connections, seconds))


@contextlib.contextmanager
def server(name, kind):
    """A server process of this file and its port, ended by its own pid."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tempfile.mkdtemp(prefix="volant-bench-")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve", name, "--model", kind, "--port", str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if name == "volant" else subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    try:
        if name == "volant":
            spec = {"worker": "w", "package": "p", "objects": folder, "log": f"{folder}/log", "scratch": folder, "model": "m", "version": 1}
            process.stdin.write(json.dumps(spec | {"epoch": 1, "port": port}).encode() + b"\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            if "port" not in answer:
                raise SystemExit(str(answer))
        else:
            _wait_for(port, process)
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port, process):
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"the server ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            time.sleep(0.5)
            return
        time.sleep(0.1)
    raise SystemExit("the server did not start")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--model", choices=["array", "linear", "boosting"], default="linear")
    parser.add_argument("--serve", choices=["volant", "bare", "litserve"])
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    if given.serve == "volant":
        serve_volant(given.model)
    elif given.serve:
        {"bare": serve_bare, "litserve": serve_litserve}[given.serve](given.model, given.port)
    else:
        report(given.model, given.seconds)


def report(kind, seconds):
    names = ["volant", "bare", "litserve"]
    if importlib.util.find_spec("litserve") is None:
        names.remove("litserve")
        print("litserve is not installed (uv sync --group bench): left out")
    print(f"model: {kind}, {len(FEATURES)} numbers to one; {len(BODY)} bytes a request; {os.cpu_count()} cores")
    rates = {}
    for name in names:
        with server(name, kind) as port:
            for connections in (1, 64):
                rate, median, tail = measure(port, connections, seconds)
                rates[name, connections] = rate
                print(f"{name:9s} {connections:3d} connections {rate:9,.0f}/s   p50 {median:7.3f} ms   p99 {tail:7.3f} ms")
    for connections in (1, 64):
        for other in names[1:]:
            print(f"volant / {other} at {connections} connections: {rates['volant', connections] / rates[other, connections]:.2f}")


if __name__ == "__main__":
    if Path.cwd() != Path(__file__).parent:
        sys.path.insert(0, str(Path(__file__).parent))
    main()
