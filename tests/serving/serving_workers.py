"""Real worker processes on free ports of 127.0.0.1, stopped by their own pid."""

import http.client
import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from volant.config.model import ServeConfig
from volant.evidence.keys import KeyColumn
from volant.evidence.reading import LogReader
from volant.kernel.codec import canonical
from volant.serving.spec import WorkerSpec

ENTRY = Path(__file__).with_name("worker_entry.py")
ROW = {"temp": 10.5, "hum": None, "season": 2, "city": "Lyon", "holiday": False, "day": "2026-01-01"}


class Worker:
    """A running worker and a connection to it."""

    def __init__(self, process, ready, log):
        self.process = process
        self.ready = ready
        self.log = log
        self.port = ready["port"]

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, method, path, body=None, headers=None):
        """Status, headers in lower case and parsed body (text where it is no JSON)."""
        connection = self.connect()
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        try:
            content = json.loads(raw)
        except ValueError:
            content = raw
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content

    def post(self, payload, path="/invocations", **headers):
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, body, {"Content-Type": "application/json"} | named)

    def logged(self):
        return list(LogReader(self.log).predictions())

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        self.process.stdin.close()
        code = self.process.wait(90)
        self.process.stdout.close()
        return code


_numbers = itertools.count(1)


def start(folder, *, environment=None, stderr=subprocess.DEVNULL, **changes):
    """Start a worker and wait until it is ready; its first line where it fails."""
    fields = {
        "worker": f"w{next(_numbers)}",
        "package": "sum",
        "objects": str(folder / "objects"),
        "log": str(folder / "log"),
        "scratch": str(folder / "scratch"),
        "model": "bikes",
        "version": 3,
        "epoch": 2,
        "limits": ServeConfig(max_body_bytes=200_000, max_rows=1000),
        "key": (KeyColumn(name="station", dtype="string"), KeyColumn(name="day", dtype="date")),
        "time": KeyColumn(name="day", dtype="date"),
    }
    spec = WorkerSpec(**fields | changes)
    process = subprocess.Popen(
        [sys.executable, str(ENTRY)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
    )
    process.stdin.write(canonical(spec) + b"\n")
    process.stdin.flush()
    line = json.loads(process.stdout.readline())
    return Worker(process, line, folder / "log") if "port" in line else (process, line)
