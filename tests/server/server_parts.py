"""Parts of a server on real sockets of 127.0.0.1, in an event loop of their own thread; and real worker processes."""

import asyncio
import http.client
import json
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

from volant.access.model import Role
from volant.access.tokens import TokenBook
from volant.server.addresses import listen
from volant.server.app import App
from volant.server.guard import Guard
from volant.server.listening import HttpServer, loop_factory
from volant.server.metrics import ControlMetrics
from volant.server.table import RouteTable
from volant.serving.process import start_worker
from volant.serving.spec import WorkerSpec
from volant.testing.clock import FakeClock

WORKER_ENTRY = Path(__file__).parents[1] / "serving" / "worker_entry.py"
WORKER = (sys.executable, str(WORKER_ENTRY))
ROW = {"temp": 10.5, "hum": None, "season": 2, "city": "Lyon", "holiday": False, "day": "2026-01-01"}
SLOW_ROW = {**ROW, "city": "slow"}
JSON = {"Content-Type": "application/json"}


class LoopThread:
    """An event loop in a thread."""

    def __init__(self):
        self._runner = asyncio.Runner(loop_factory=loop_factory())
        self.loop = self._runner.get_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def run(self, coroutine, seconds=90):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(seconds)

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self._runner.close()


@contextmanager
def listening(loop, app, **settings):
    """Serve an ASGI application; gives its port."""
    started = threading.Event()
    with listen("127.0.0.1", 0) as listener:
        server = HttpServer(app, started.set, **settings)
        task = asyncio.run_coroutine_threadsafe(server.serve(sockets=[listener]), loop.loop)
        assert started.wait(60)
        try:
            yield listener.getsockname()[1]
        finally:
            server.stop()
            task.result(20)


def app_of(routes, *, asks=False, tokens=(), hosts=("localhost", "127.0.0.1")):
    guard = Guard(TokenBook(FakeClock(), tokens), asks=asks, hosts=frozenset(hosts))
    return App(RouteTable(routes), guard, ControlMetrics())


class Client:
    """One keep-alive connection."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method, path, body=None, headers=None):
        """Status, headers in lower case, parsed body (bytes where it is no JSON)."""
        self.connection.request(method, path, body=body, headers=headers or {})
        answer = self.connection.getresponse()
        raw = answer.read()
        try:
            content = json.loads(raw)
        except ValueError:
            content = raw
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content

    def predict(self, row=ROW, **headers):
        return self.ask("POST", "/invocations", json.dumps({"dataframe_records": [row]}), JSON | headers)

    def close(self):
        self.connection.close()


def ask(port, method, path, body=None, headers=None):
    client = Client(port)
    try:
        return client.ask(method, path, body, headers)
    finally:
        client.close()


class Launching:
    """Launches worker processes around the models of ``worker_entry.py``; the champion's package names the model."""

    def __init__(self, folder, shared=None, command=WORKER):
        self.folder = folder
        self.shared = shared
        self.command = command
        self.started = []
        self.delay = 0.0

    async def __call__(self, champion, private, *, accept=True):
        await asyncio.sleep(self.delay)
        spec = WorkerSpec(
            worker=f"w{len(self.started)}-{champion.version}",
            package=champion.package,
            objects=str(self.folder / "objects"),
            log=str(self.folder / "log"),
            scratch=str(self.folder / "tmp"),
            model="bikes",
            version=champion.version,
            epoch=champion.epoch,
            open=accept,
        )
        worker = await start_worker(spec, environment=ENVIRONMENT, listener=self.shared, private=private, command=self.command)
        self.started.append(worker)
        return worker


ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
ROLES = tuple(Role)
