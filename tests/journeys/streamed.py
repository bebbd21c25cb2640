"""History played as live traffic: rows are asked for when they happen, labels are told when they become known.

Time is steered: it moves on only when the server has nothing more to do, so a training costs no time in the world and
two runs of the same history meet the same moments.
"""

import contextlib
import json
import time
from typing import NamedTuple

import polars as pl
from journey_parts import JSON, edit, query, served, volant

from volant.kernel.clock import DAY_US, HOUR_US
from volant.kernel.steered_clock import Steering

FIRST_BIKES = 3476  # rows before the stream begins: 12 of 60 equal windows
FIRST_ELEC2 = 9060


class Row(NamedTuple):
    """A row of the future: when it happens, how it is asked for, and what turns out to be true."""

    at: int
    key: str | None
    asked: dict
    label: object


class Stream:
    """One project with its server under a steered clock. ``answers`` holds what was answered to each row, in order.

    ``stride`` rows are played before the server is given the time to act on them (``on_its_way`` at most while a version is
    on its way into traffic), in requests of ``batch`` rows. Labels name the row by its key, or by the prediction where there
    is none.
    """

    def __init__(self, root, rows, *, delay_us=DAY_US, stride=48, on_its_way=48, batch=12):
        self.root = root
        self.rows = rows
        self.delay_us = delay_us
        self.stride = stride
        self.on_its_way = on_its_way
        self.batch = batch
        self.steering = Steering(root.parent / f"{root.name}.clock", rows[0].at - HOUR_US)
        self.answers = []
        self.names = []
        self.told = 0
        self.server = None

    @contextlib.contextmanager
    def serving(self):
        """The server, until the end of the block."""
        with served(self.root, log_folder=self.root.parent, environment=self.steering.environment) as server:
            self.server = server
            server.until(lambda: server.serving() is not None)
            self.settle()
            yield self

    def settle(self, seconds=120):
        """Wait until the server has nothing to do."""
        deadline = time.monotonic() + seconds
        while not (found := self.status())["settled"]:
            assert time.monotonic() < deadline, found
            time.sleep(0.05)

    def status(self):
        return self.server.ask("GET", "/api/v1/server")[2]

    def play(self, count=None, *, tell=lambda row: row.label, send=lambda row: row.asked, until=lambda: False):
        """Play the next rows, all by default, or until something has come about. ``tell`` gives the label that is told for a
        row (None: none is), ``send`` the columns that are sent. Returns whether it came about.
        """
        begin = len(self.answers)
        end = len(self.rows) if count is None else min(begin + count, len(self.rows))
        while begin < end:
            part = self.rows[begin : min(begin + self._pace(), end)]
            begin += len(part)
            self.steering.set(part[-1].at)
            self._tell_labels(part[-1].at, tell)
            for at in range(0, len(part), self.batch):
                self.ask([send(row) for row in part[at : at + self.batch]])
            self.settle()
            if until():
                return True
        return False

    def _pace(self):
        """How many rows are played before the server may act on them: few while a version is on its way into traffic."""
        return min(self.stride, self.on_its_way) if self.rollout() in {"shadow", "canary"} else self.stride

    def ask(self, rows, **headers):
        status, found, body = self.server.post("/invocations", {"dataframe_records": rows}, **headers)
        assert status == 200, body
        self.answers += body["predictions"]
        self.names += [f"{found['x-volant-prediction-id']}.{position}" for position in range(len(rows))]

    def _tell_labels(self, now, tell):
        """The labels that have become known by now."""
        due = self.told
        while due < len(self.answers) and self.rows[due].at + self.delay_us <= now:
            due += 1
        labels = [self.label(number, value) for number in range(self.told, due) if (value := tell(self.rows[number])) is not None]
        self.told = due
        if labels:
            self.tell(labels)

    def label(self, number, value):
        """What is told about a row."""
        key = self.rows[number].key
        return {"label": value, **({"prediction_id": self.names[number]} if key is None else {"key": [key]})}

    def tell(self, labels):
        status, _, body = self.server.ask("POST", "/labels", json.dumps({"labels": labels}), JSON)
        assert status == 200, body

    def volant(self, *words, expect=0):
        """A command that lives in the same time."""
        return volant(self.root, *words, expect=expect, environment=self.steering.environment)

    @property
    def labels(self):
        """What turned out to be true of the rows that were asked for."""
        return [row.label for row in self.rows[: len(self.answers)]]

    def decisions(self):
        """What the automation decided, oldest first."""
        rows = query(self.root, "SELECT data FROM event WHERE stream LIKE 'loop/%' AND kind = 'decided' ORDER BY position")
        return [json.loads(data) for (data,) in rows]

    def rollout(self):
        """How the newest rollout stands."""
        return self.status()["rollout"]["phase"]


def bike_frame(folder):
    """Hourly demand with a time of its own, without what adds up to the target."""
    frame = pl.read_csv(folder / "bike_hourly.csv", try_parse_dates=True)
    hour = (pl.col("dteday").cast(pl.Datetime) + pl.duration(hours=pl.col("hr"))).alias("hour")
    return frame.select(hour, pl.exclude("instant", "dteday", "casual", "registered"))


def bike_rows(frame):
    """The rows of the stream, each with its hour as key."""
    frame = frame[FIRST_BIKES:].with_columns(pl.col("hour").dt.strftime("%Y-%m-%dT%H:%M:%SZ").alias("text"))
    times = frame["hour"].to_physical().to_list()
    asked = frame.select(pl.col("text").alias("hour"), pl.exclude("hour", "text", "cnt")).to_dicts()
    return [Row(at, row["hour"], row, label) for at, row, label in zip(times, asked, frame["cnt"].to_list(), strict=True)]


def bike_project(folder, data, **settings):
    """A project over the first rows of the file, its version 1 released, and the rows that follow."""
    frame = bike_frame(data)
    frame[:FIRST_BIKES].write_csv(folder / "first.csv")
    words = ("--data", "first.csv", "--target", "cnt", "--time", "hour", "--key", "hour", "--label-delay", "24h")
    volant(folder, "init", "bikes", *words)
    configure(folder / "bikes", **settings)
    return folder / "bikes", bike_rows(frame)


def elec2_project(folder, data, **settings):
    """The same for prices that have neither key nor time: labels name predictions, and a row is half an hour."""
    frame = pl.read_csv(data / "elec2.csv")
    frame[:FIRST_ELEC2].write_csv(folder / "first.csv")
    words = ("--data", "first.csv", "--target", "class", "--tick", "30m", "--label-delay", "24h", "--metric", "error")
    volant(folder, "init", "prices", *words)
    configure(folder / "prices", **settings)
    asked = frame[FIRST_ELEC2:].drop("class").to_dicts()
    labels = frame["class"][FIRST_ELEC2:].to_list()
    half_hour = HOUR_US // 2
    return folder / "prices", [
        Row((FIRST_ELEC2 + number) * half_hour, None, row, label) for number, (row, label) in enumerate(zip(asked, labels, strict=True))
    ]


def configure(root, *, holdout, when, steps, window="{keep: all}", guard="{}"):
    """Autopilot with these settings; latency is judged by the rollout, not by how busy this machine is."""
    path = root / "volant.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("retrain:"))
    changed = [f"  holdout: {{last: {holdout}}}" if "holdout:" in line else line for line in lines[:begin]]
    changed = [f"  window: {window}" if line.startswith("  window:") else line for line in changed]
    changed += ["watch: {window: {rows: 96}}", "retrain:", f"  when: {when}", f"  guard: {guard}", ""]
    path.write_text("\n".join(changed), encoding="utf-8")
    edit(path, "latency_p99: 100ms", "latency_p99: 60s")
    edit(path, "autonomy: propose ", f"steps: {steps}\n  time_limit: 60d\n  autonomy: autopilot ")


def released(root, rows, **settings):
    """A stream over the project whose version 1 is let out before the first row."""
    stream = Stream(root, rows, **settings)
    stream.volant("run")
    return stream
