"""Projects as people have them: made by commands, driven by commands, served by real servers on free ports of 127.0.0.1."""

import contextlib
import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

VOLANT = (sys.executable, "-m", "volant.cli")
JSON = {"Content-Type": "application/json"}
DATA = Path(__file__).parents[2] / ".." / "shared" / "data"

# One thread for each of the many processes: the tests share few cores, and threads that wait for each other spin.
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "VOLANT_USER": "ann", "OMP_NUM_THREADS": "1"}
ENVIRONMENT |= {name: os.environ[name] for name in ("PYTHONPATH", "VIRTUAL_ENV") if name in os.environ}


class Done:
    """A command that ended."""

    def __init__(self, code, out, err):
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def error(self):
        """What a failed ``--json`` command says: what, found, next, field, details."""
        return self.json["error"]


def start(folder, *words, environment=None, **settings):
    """A command's process, its output piped."""
    given = {**ENVIRONMENT, **(environment or {})}
    return subprocess.Popen([*VOLANT, *words], cwd=folder, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **settings)


def volant(folder, *words, expect=0, environment=None):
    """Run a command to its end as a person would, with ``--json``; its exit code must be ``expect`` (None: any)."""
    with start(folder, *words, "--json", "-q", environment=environment) as process:
        out, err = process.communicate(timeout=300)
    done = Done(process.returncode, out.decode(), err.decode())
    assert expect is None or done.code == expect, f"volant {' '.join(words)}: exit {done.code}\n{done.out[-1500:]}\n{done.err[-1500:]}"
    return done


def ask(port, method, path, body=None, headers=None):
    """Status, headers in lower case, parsed body (bytes where it is no JSON)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
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


class Server:
    """A running ``volant up``."""

    def __init__(self, process, started, errors):
        self.process = process
        self.started = started
        self.errors = errors
        self.port = int(started["url"].rpartition(":")[2])
        self.worker_port = int(started["worker_url"].rpartition(":")[2])

    def ask(self, method, path, body=None, headers=None):
        return ask(self.port, method, path, body, headers)

    def post(self, path, payload, **headers):
        return self.ask("POST", path, json.dumps(payload), JSON | headers)

    def predict(self, rows):
        """Answers to rows (dicts) and the id of the request; row i is the prediction ``{id}.{i}``."""
        status, headers, body = self.post("/invocations", {"dataframe_records": rows})
        assert status == 200, body
        return body["predictions"], headers["x-volant-prediction-id"]

    def serving(self):
        """The version that serves, or None."""
        status, _, body = self.ask("GET", "/ready")
        return body["version"] if status == 200 else None

    def until(self, condition, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.errors.read_text()
            assert time.monotonic() < deadline, self.errors.read_text()
            time.sleep(0.05)

    def worker_pid(self):
        """The serving worker, a child of the control process."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii").split()
        lines = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
        return next((pid for pid, line in lines.items() if b"serving_worker" in line), None)

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(90)

    def stop(self):
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.process.stdout.close()


def launch(root, *options, environment=None, log_folder=None):
    """Start ``volant up`` and wait until it says where it listens."""
    errors = (log_folder or root) / f"up-{time.monotonic_ns()}.log"
    with errors.open("wb") as file:
        process = subprocess.Popen(
            [*VOLANT, "up", "--port", "0", "--json", *options],
            cwd=root,
            env={**ENVIRONMENT, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=file,
        )
    text = b""
    for line in process.stdout:
        text += line
        if line == b"}\n":
            return Server(process, json.loads(text), errors)
    process.wait(90)
    process.stdout.close()
    raise AssertionError(f"volant up ended with {process.returncode}: {text.decode()} {errors.read_text()}")


@contextlib.contextmanager
def served(root, *options, **settings):
    """A server for a while."""
    server = launch(root, *options, **settings)
    try:
        yield server
    finally:
        server.stop()


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def query(root, statement, *values):
    """Rows of the project's database, read past Volant."""
    with contextlib.closing(sqlite3.connect(f"file:{root / '.volant' / 'volant.db'}?mode=ro", uri=True)) as connection:
        return connection.execute(statement, values).fetchall()


def tree(folder):
    """Every file below a folder with its bytes: to show that nothing was left behind."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def edit(path, before, after):
    """Change a text that occurs in a file."""
    text = path.read_text(encoding="utf-8")
    assert before in text, f"{before!r} is not in {path}"
    path.write_text(text.replace(before, after), encoding="utf-8")


# A model without scikit-learn: a run of it takes a second, and a constant it imports can be changed.
PLAIN_PIPELINE = '''"""Demand is the mean of its hour, on open and other days."""

import numpy as np
import polars as pl

from opening import SHIFT


class Means:
    """What was usual at an hour."""

    def __init__(self, usual: dict[float, float], anywhere: float) -> None:
        self.usual = usual
        self.anywhere = anywhere

    def predict(self, frame: pl.DataFrame) -> np.ndarray:
        return np.array([self.usual.get(slot, self.anywhere) for slot in frame["slot"]])


def features(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select((pl.col("hour").dt.hour() + 24 * pl.col("open").cast(pl.Int64) + SHIFT).cast(pl.Float64).alias("slot"))


def model(features: pl.DataFrame, target: pl.Series, *, learning_rate: float = 0.1) -> Means:
    slots = features.with_columns(target.alias("demand")).group_by("slot").agg(pl.col("demand").mean()).sort("slot")
    return Means(dict(zip(slots["slot"], slots["demand"], strict=True)), float(target.mean()) + 0 * learning_rate)
'''
