"""A project whose versions differ in how they behave in production, and traffic that never stops."""

import json
import os
import signal
import threading
import time
from pathlib import Path

from bikes_project import HEADER, RIDES, SETTINGS, opened, release
from server_parts import ENVIRONMENT, ROW

from volant.wiring import commands
from volant.wiring.verbs.retracing import replay_lived

STEPS = "release: {steps: [{shadow: 30 rows}, {canary: 20%, rows: 150}, {canary: 50%, rows: 150}, full]}\n"
# Long enough to be interrupted, and to be decided by harm.
LIVE_STEPS = "release: {steps: [{canary: 30%, rows: 100000}, full]}\n"
PIPELINE = '''
import time

import numpy as np
import polars as pl


class Sum:
    """temp + season + offset; may fail where temp is a multiple of twenty, and may take its time."""

    def __init__(self, offset: float, fails: bool, delay: float) -> None:
        self.offset, self.fails, self.delay = offset, fails, delay

    def predict(self, rows: pl.DataFrame) -> np.ndarray:
        time.sleep(self.delay)
        if self.fails and (rows["temp"] % 20 == 0).any():
            raise ValueError("no prediction for this temperature")
        return (rows["temp"] + rows["season"]).to_numpy() + self.offset


def model(rows: pl.DataFrame, target: pl.Series, *, offset: float = 0.0, fails: bool = False, delay: float = 0.0) -> Sum:
    return Sum(offset + 0.0 * target.mean(), fails, delay)
'''
EQUAL, FAILING, SLOW = 2, 3, 4
VERSIONS = ({"offset": 0.0}, {"offset": 1.0}, {"fails": True, "offset": 2.0}, {"delay": 0.05, "offset": 3.0})


def write_rollouts(root: Path) -> Path:
    """A project with four versions, none released."""
    root.mkdir()
    (root / "volant.yaml").write_text(SETTINGS)
    (root / "pipeline.py").write_text(PIPELINE)
    rides = RIDES.replace("0.5,", "0.25,")  # no training row has a temperature that fails
    (root / "rides.csv").write_text(HEADER + rides)
    for params in VERSIONS:
        commands.run(opened(root), set_params=params)
    return root


def start(project, version, **changes):
    """Begin a rollout that a person approved against the gate, which judged all versions without a champion."""
    given = {"actor": "ann", "approver": "ann", "reason": "to see", "override": True, "time_limit_us": 10**12} | changes
    return project.rollouts.start("bikes", version, steps=project.config.release.steps, **given)


def with_steps(project, steps):
    path = project.root / "volant.yaml"
    path.write_text(path.read_text() + steps)
    project = opened(project.root)
    release(project, 1)
    return project


class Traffic:
    """Requests without end from a few threads, each with a key and an id of its own."""

    def __init__(self, server, threads=3):
        self.server = server
        self.sent = 0
        self.answered = {}
        self.asked_at = {}
        self.bad = []
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(threads)]

    def _run(self, thread):
        number = 0
        while not self._end.is_set():
            number += 1
            self._ask(f"{thread}-{number}", float(number % 100))

    def _ask(self, name, temp):
        body = json.dumps({"dataframe_records": [{**ROW, "station": name, "city": "Paris", "temp": temp}]})
        headers = {"Content-Type": "application/json", "X-Request-Id": name}
        self.asked_at[name] = time.monotonic()
        while not self._end.is_set():
            try:
                status, _, answer = self.server().ask("POST", "/invocations", body, headers)
            except OSError:
                time.sleep(0.02)  # the server is being replaced: the request is sent again under the same id
                continue
            if status == 200:
                self.answered[name] = answer["predictions"][0] - temp - ROW["season"]
                return
            if status != 503:
                self.bad.append((status, answer))
                return
            time.sleep(0.02)

    def answers_since(self, moment):
        """What was answered to requests that were sent after it."""
        return [value for name, value in list(self.answered.items()) if self.asked_at[name] > moment]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join()


class Truth:
    """Labels for what was answered, batch by batch: temperature and season, as the champion says."""

    def __init__(self, server, traffic):
        self._server, self._traffic = server, traffic
        self._told = set()

    def tell(self):
        new = [name for name in list(self._traffic.answered) if name not in self._told]
        labels = [{"key": {"station": name}, "label": float(int(name.split("-")[1]) % 100 + ROW["season"])} for name in new]
        status, _, answer = self._server.ask("POST", "/api/v1/labels", json.dumps({"labels": labels}), {"Content-Type": "application/json"})
        assert status == 200, answer
        self._told.update(new)


def arm_pid(server):
    return server.ask("GET", "/api/v1/status")[2]["server"]["rollout"]["arm_pid"]


def kill(pid):
    os.kill(pid, signal.SIGKILL)


def assert_comes_out_again(project):
    """Every decision that was lived is made once more by the same rules, on what was kept and on the log."""
    found = replay_lived(project.root, ENVIRONMENT, {}, lambda _text, _share=None: None)
    assert found["same"], [line for line in found["decisions"] if not line["same"]]
    assert any(line["checked"] and line["kind"] == "rollout" for line in found["decisions"])
