"""A project under a steered clock with traffic that never stops, whose processes are killed at moments drawn by chance.

Clients repeat what was not answered under the same request id; labels are told late, and again until they were taken.
"""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from journey_parts import ENVIRONMENT, JSON, ask, is_alive, volant

from volant.kernel.clock import MINUTE_US, SECOND_US, iso
from volant.kernel.steered_clock import Steering

ENTRY = Path(__file__).parents[1] / "server" / "up_entry.py"
SETTINGS = """version: 1
project: tides
task: regression
target: level
metric: mae
data:
  source: tides.csv
  key: [station]
  time: at
  label_delay: 20s
train:
  pipeline: pipeline.py
  from: log
  holdout: {last: 40 rows}
gates:
  - {metric: mae, vs: champion, margin: 50%}
release:
  autonomy: autopilot
  steps: [{shadow: 20 rows}, {canary: 30%, rows: 60}, full]
watch: {window: {rows: 50}}
retrain:
  when: [{new_labels: 40}]
"""
STEPS = "  steps: [{shadow: 20 rows}, {canary: 30%, rows: 60}, full]\n"
PIPELINE = '''
import numpy as np
import polars as pl


class Tide:
    """The moon, and how high the sea stood lately."""

    def __init__(self, height: float) -> None:
        self.height = height

    def predict(self, rows: pl.DataFrame) -> np.ndarray:
        return rows["moon"].to_numpy() + self.height


def model(rows: pl.DataFrame, target: pl.Series) -> Tide:
    return Tide(float((target - rows["moon"])[-40:].mean()))
'''
BASE_ROWS = 240
BEGIN_US = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp() * SECOND_US)
PACE = 10.0  # seconds of the world in a second: what may be repeated (15 minutes) is longer than any restart here
LATE_US = 20 * SECOND_US
MARK = "VOLANT_TEST_WORLD"  # in the environment of every process of one world


def level(number, moon):
    """What turns out to be true: the sea rises, so that each training learns something new."""
    return moon + number / 40 + (number * 7919 % 13) / 10


def write_tides(root, *, steps=STEPS):
    """The project; its first run passes and is released by the policy."""
    root.mkdir()
    (root / "volant.yaml").write_text(SETTINGS.replace(STEPS, steps))
    (root / "pipeline.py").write_text(PIPELINE)
    begin = BEGIN_US - BASE_ROWS * MINUTE_US
    lines = (f"{n},{iso(begin + n * MINUTE_US)},{n % 5}.5,{level(n, n % 5 + 0.5)}" for n in range(BASE_ROWS))
    (root / "tides.csv").write_text("station,at,moon,level\n" + "\n".join(lines) + "\n")
    steering = Steering(root.parent / "clock", BEGIN_US)
    volant(root, "run", environment=steering.environment)
    return root


class Server:
    """A server on the store. Its lease is short, so that another one takes over soon."""

    def __init__(self, root, environment):
        self.errors = root.parent / f"up-{time.monotonic_ns()}.log"
        with self.errors.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, str(ENTRY), str(root), json.dumps({"port": 0, "lease_us": 1_500_000})],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=file,
            )
        line = self.process.stdout.readline()
        assert line, self.errors.read_text()
        self.started = json.loads(line)
        self.port = int(self.started["url"].rpartition(":")[2])

    @property
    def alive(self):
        return self.process.poll() is None

    def status(self):
        """What it says of itself; {} while it cannot be asked."""
        try:
            code, _, body = ask(self.port, "GET", "/api/v1/status")
        except (OSError, http.client.HTTPException):
            return {}
        return body["server"] if code == 200 else {}

    def serving(self):
        """Version and epoch that answer, or None."""
        code, _, body = ask(self.port, "GET", "/ready")
        return (body["version"], body["epoch"]) if code == 200 else None

    def pids(self, kind):
        """Its processes of one kind: control, worker (former ones included), arm or jobs (whatever works for them too)."""
        if kind == "control":
            return [self.process.pid] if self.alive else []
        if kind == "arm":
            arm = ((self.status().get("rollout") or {}).get("arm_pid")) if self.alive else None
            return [] if arm is None else [arm]
        lines = {pid: command(pid) for pid in descendants(self.process.pid)}
        if kind == "jobs":
            return [pid for pid, line in lines.items() if b"volant.wiring.worker" in line]
        arms = self.pids("arm")
        return [pid for pid, line in lines.items() if b"serving_worker" in line and pid not in arms]

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)
        self.end()

    def stop(self):
        if self.alive:
            os.kill(self.process.pid, signal.SIGTERM)
        self.end()

    def end(self):
        try:
            self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.process.stdout.close()


def command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def descendants(pid):
    """All processes below one."""
    found = []
    try:
        children = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    except OSError:
        return found
    for child in children:
        found += [child, *descendants(child)]
    return found


class World:
    """A project, its clock, its servers and the people that use it. ``answered`` maps request ids to (number, value, prediction
    id), ``labelled`` numbers to labels that were taken.
    """

    def __init__(self, root, *, pause=0.04):
        self.root = root
        self.name = f"{root}-{time.monotonic_ns()}"
        self.patience = 15.0  # seconds until a person ends a rollout that waits for more evidence than there will be
        self.steering = Steering(root.parent / "clock", BEGIN_US, rate=PACE)
        self.environment = {**ENVIRONMENT, **self.steering.environment, MARK: self.name}
        self.servers = []
        self.answered, self.labelled, self.bad = {}, {}, []
        self.kills = []
        self._pause = pause
        self._numbers = iter(range(BASE_ROWS, 10**9))
        self._lock = threading.Lock()
        self._told = {}
        self._asking, self._awake, self._telling = threading.Event(), threading.Event(), threading.Event()
        self._waiting = set()
        self._threads = []
        self._real = time.monotonic()

    def now(self):
        """The world's time."""
        return BEGIN_US + int((time.monotonic() - self._real) * SECOND_US * PACE)

    def begin(self, clients=4):
        """A server, and people."""
        self._real = time.monotonic()
        self.steering.set(BEGIN_US, rate=PACE)
        server = self.start()
        self.until(server.serving)
        self._asking.set()
        self._awake.set()
        self._telling.set()
        work = [*(lambda client=client: self._ask_on(client) for client in range(clients)), self._tell_on, self._decide_on]
        self._threads = [threading.Thread(target=each, daemon=True) for each in work]
        for thread in self._threads:
            thread.start()

    def start(self):
        """One more server."""
        self.servers.append(Server(self.root, self.environment))
        return self.servers[-1]

    def live(self):
        return [server for server in self.servers if server.alive]

    def until(self, condition, seconds=240):
        """Wait for something to come about while people go on."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert self.live(), self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)
        return found

    def said(self):
        """What the servers had to say lately."""
        return [*self.bad[:3], *(server.errors.read_text()[-1500:] for server in self.servers[-2:])]

    def stop_telling(self):
        """No more labels; what was answered until now stays without."""
        self._telling.clear()

    def ask(self, *, go_on):
        """Whether people ask. When they stop, each request that was begun is answered first."""
        if go_on:
            self._awake.set()
            return
        self._awake.clear()
        self.until(lambda: not self._waiting)

    def close(self):
        """The end, in order."""
        self._asking.clear()
        for thread in self._threads:
            thread.join(60)
        for server in self.servers:
            if not server.process.stdout.closed:
                server.stop()

    def left_over(self):
        """Processes of this world that still live."""
        wanted = f"{MARK}={self.name}".encode()
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal() and int(folder.name) != os.getpid():
                with contextlib.suppress(OSError):
                    if wanted in (folder / "environ").read_bytes().split(b"\0") and is_alive(int(folder.name)):
                        found.append((int(folder.name), command(folder.name)))
        return found

    def _ask_on(self, client):
        while self._asking.is_set():
            with self._lock:
                number = next(self._numbers)
            self._waiting.add(client)
            if self._awake.is_set():
                self._ask(f"{client}-{number}", number)
            self._waiting.discard(client)
            time.sleep(self._pause)

    def _ask(self, name, number):
        """One request, again and again until it is answered."""
        moon = number % 5 + 0.5
        body = json.dumps({"dataframe_records": [{"station": number, "at": iso(self.now()), "moon": moon}]})
        while self._asking.is_set():
            answer = self._post("/invocations", body, {"X-Request-Id": name})
            if answer is not None:
                value, identifier = answer[1]["predictions"][0], answer[0]["x-volant-prediction-id"]
                self.answered[name] = (number, value, identifier)
                self._told[number] = (self.now() + LATE_US, level(number, moon))
                return

    def _tell_on(self):
        while self._asking.is_set():
            time.sleep(0.2)
            now = self.now()
            due = {number: told[1] for number, told in list(self._told.items()) if told[0] <= now}
            if not due or not self._telling.is_set():
                continue
            body = json.dumps({"labels": [{"key": {"station": number}, "label": value} for number, value in due.items()]})
            if self._post("/api/v1/labels", body, {}) is not None:
                self.labelled.update(due)
                for number in due:
                    del self._told[number]

    def _decide_on(self):
        """A person completes what takes too long: an arm that was killed has failed, and few rows cannot show that it is well."""
        seen, since = None, time.monotonic()
        while self._asking.is_set():
            time.sleep(0.3)
            found = self._get("/api/v1/models/tides/rollout")
            if found.get("rollout") != seen or not found.get("active"):
                seen, since = found.get("rollout"), time.monotonic()
            elif time.monotonic() - since > self.patience:
                self._post(f"/api/v1/models/tides/versions/{found['version']}/promote", json.dumps({"reason": "long enough"}), {}, {409})

    def _get(self, path):
        """The answer's body, or {}."""
        try:
            status, _, body = ask(self.live()[-1].port, "GET", path)
        except (OSError, http.client.HTTPException, IndexError):
            return {}
        return body if status == 200 else {}

    def _post(self, path, body, headers, harmless=frozenset()):
        """Headers and body of a 200; None where it has to be sent again."""
        servers = self.live()
        try:
            status, found, answer = ask(servers[-1].port, "POST", path, body, {**JSON, **headers})
        except (OSError, http.client.HTTPException, IndexError):
            time.sleep(0.03)
            return None
        if status == 200:
            return found, answer
        if status not in {502, 503} | harmless:
            self.bad.append((path, status, answer))
        time.sleep(0.03)
        return None
