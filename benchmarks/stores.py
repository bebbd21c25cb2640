"""The stores on disk, each beside the least that the machine allows, measured in the same run.

    python benchmarks/stores.py [--runs 10000,100000]

The limit of a durable change is a bare ``sqlite3`` transaction of the same rows (WAL, ``synchronous=FULL``) and one
``write`` + ``fsync``. Budgets (DESIGN 9): top 100 of 10,000 runs by a metric in 15 ms, of 100,000 in 30 ms;
``log_metric`` in 3 ms.
"""

import argparse
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from volant.evidence.model import Label
from volant.kernel.clock import SystemClock
from volant.kernel.events import NewEvent
from volant.kernel.ids import TimeOrderedIds
from volant.tracking.model import Metric, Run, RunStatus
from volant.wiring.stores import sqlite_stores

TESTS = Path(__file__).parents[1] / "tests" / "adapters"
BUDGET_MS = {10_000: 15, 100_000: 30}
AT = 1_700_000_000_000_000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", default="10000,100000")
    sizes = [int(text) for text in parser.parse_args().runs.split(",")]
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        place = Path(folder)
        stores = opened(place / "writes")
        small_changes(stores, place)
        many_labels(stores, place)
        objects(stores, place)
        fairness(place)
        for size in sizes:
            ranking(place, size)


def opened(folder):
    clock = SystemClock()
    return sqlite_stores(folder, clock, TimeOrderedIds(clock))


def timed(act, rounds):
    """Milliseconds of each round after three to warm up: the median and the 99th percentile."""
    taken = []
    for number in range(rounds + 3):
        began = time.perf_counter()
        act(number)
        taken.append((time.perf_counter() - began) * 1000)
    kept = sorted(taken[3:])
    return statistics.median(kept), kept[min(len(kept) - 1, int(len(kept) * 0.99))]


def tell(name, found, limit=None, *, budget=None):
    median, high = found
    text = f"{name:<44} {median:9.3f} ms   p99 {high:9.3f}"
    if limit is not None:
        text += f"   {median / limit[0]:5.2f} x the bare limit ({limit[0]:.3f} ms)"
    if budget is not None:
        text += f"   budget {budget} ms: {'kept' if median <= budget else 'MISSED'}"
    print(text, flush=True)


def bare_database(path):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE event (position INTEGER PRIMARY KEY, stream TEXT, seq INTEGER, data BLOB, UNIQUE (stream, seq))")
    connection.execute("CREATE TABLE label (position INTEGER PRIMARY KEY, subject TEXT, value TEXT, known_at INTEGER)")
    connection.execute("CREATE INDEX label_of_subject ON label (subject, position)")
    return connection


def small_changes(stores, place):
    bare = bare_database(place / "bare.db")
    raw = os.open(place / "raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def synced(_):
        os.write(raw, b"x" * 4096)
        os.fsync(raw)

    def bare_insert(number):
        bare.execute("BEGIN IMMEDIATE")
        bare.execute("INSERT INTO event (stream, seq, data) VALUES ('s', ?, ?)", (number, b'{"n":1}'))
        bare.execute("COMMIT")

    def append(number):
        stores.events.append("s/bench", number, [NewEvent(kind="n", data=b'{"n":1}')], actor="bench")

    stores.runs.create(run_of(0))

    def log(number):
        stores.runs.log_metrics(run_of(0).id, [Metric(key="mae", value=number / 7, step=number, timestamp_us=AT + number)])

    def bare_batch(number):
        bare.execute("BEGIN IMMEDIATE")
        bare.executemany("INSERT INTO event (stream, seq, data) VALUES (?, ?, '1.5')", [(f"m{i}", number) for i in range(1000)])
        bare.execute("COMMIT")

    def log_batch(number):
        points = [Metric(key=f"m{i}", value=i / 7, step=number, timestamp_us=AT) for i in range(1000)]
        stores.runs.log_metrics(run_of(0).id, points)

    tell("write + fsync of 4 KiB", timed(synced, 300))
    limit = timed(bare_insert, 300)
    tell("bare sqlite3: one row, durable", limit)
    tell("append an event", timed(append, 300), limit)
    tell("log_metrics of one point", timed(log, 300), limit, budget=3)
    batch = timed(bare_batch, 30)
    tell("bare sqlite3: 1000 rows in one transaction", batch)
    tell("log_metrics of 1000 points", timed(log_batch, 30), batch, budget=8)
    bare.close()
    os.close(raw)


def many_labels(stores, place):
    bare = bare_database(place / "bare_labels.db")
    keys = [f'["s{number % 50}","2026-01-01T{number:08d}"]' for number in range(100_000)]
    random.Random(7).shuffle(keys)
    began = time.perf_counter()
    bare.execute("BEGIN IMMEDIATE")
    bare.executemany("INSERT INTO label (subject, value, known_at) VALUES (?, '1', ?)", [(key, AT) for key in keys])
    bare.execute("COMMIT")
    limit = (time.perf_counter() - began) * 1000
    labels = [Label(key=key, value=1, known_at=AT, recorded_at=AT) for key in keys]
    for name, value in (("add 100,000 labels", 1), ("the same again", 1), ("correct all of them", 2)):
        batch = labels if value == 1 else [Label(key=key, value=2, known_at=AT, recorded_at=AT) for key in keys]
        began = time.perf_counter()
        stores.labels.add("bench", batch)
        taken = (time.perf_counter() - began) * 1000
        tell(name, (taken, taken), (limit, limit))
    bare.close()


def objects(stores, place):
    (place / "loose").mkdir()
    folder = os.open(place / "loose", os.O_RDONLY)

    def bare(number):
        with (place / "loose" / str(number)).open("xb") as file:
            file.write(b"%d" % number * 2000)
            file.flush()
            os.fsync(file.fileno())
        os.fsync(folder)

    limit = timed(bare, 100)
    tell("bare file of 8 KB, durable", limit)
    tell("put an object of 8 KB", timed(lambda number: stores.objects.put(b"%d" % number * 2000), 100), limit)
    tell("put one that is there", timed(lambda _: stores.objects.put(b"0" * 2000), 100), limit)
    os.close(folder)


def fairness(place):
    for count in (2, 8):
        command = [sys.executable, str(TESTS / "store_entry.py"), "take_turns", str(place / f"fair{count}"), "3"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        writers = [subprocess.Popen(command, text=True, **pipes) for _ in range(count)]
        for writer in writers:
            assert writer.stdout.readline() == "ready\n"
        for writer in writers:
            writer.stdin.write("go\n")
            writer.stdin.flush()
        turns = sorted(int(writer.communicate(timeout=60)[0].split()[1]) for writer in writers)
        print(
            f"{count} writers on one stream for 3 s: {sum(turns) / 3:.0f} changes/s; busiest to idlest {turns[-1] / max(1, turns[0]):.2f}"
        )


def run_of(number):
    return Run(
        id=f"{number:032x}",
        revision=1,
        experiment=f"e{number % 3}",
        name=f"run {number}",
        status=RunStatus.FINISHED,
        started_at=AT + number,
    )


def ranking(place, size):
    """Runs with three metrics, three parameters and two tags each, written directly in one transaction."""
    stores, chance = opened(place / f"runs{size}"), random.Random(7)
    began = time.perf_counter()
    with stores.tx.transaction():
        for number in range(size):
            run = run_of(number)
            stores.runs.create(run)
            points = [Metric(key=key, value=chance.random(), timestamp_us=AT) for key in ("mae", "rmse")]
            points.append(Metric(key="same", value=1.0, timestamp_us=AT))
            stores.runs.log_metrics(run.id, points if number % 10 else points[1:])
            stores.runs.log_params(run.id, {"rate": "0.1", "depth": "6", "seed": str(number)})
            stores.runs.set_tags(run.id, {"team": "a", "kind": "bench"})
    print(f"{size:,} runs logged in {time.perf_counter() - began:.1f} s ({(time.perf_counter() - began) / size * 1e6:.0f} us a run)")
    bare = sqlite3.connect(place / f"runs{size}" / "volant.db")
    walk = "SELECT run_id FROM latest_metric WHERE key = 'mae' AND is_nan = 0 ORDER BY value DESC LIMIT 100"
    limit = timed(lambda _: bare.execute(walk).fetchall(), 50)
    for name, budget, options in (
        ("highest", BUDGET_MS.get(size), {"order_by_metric": "mae"}),
        ("lowest in one experiment", BUDGET_MS.get(size), {"experiment": "e1", "order_by_metric": "mae", "descending": False}),
        ("all equal", None, {"order_by_metric": "same"}),
        ("page at the end, without the metric", None, {"order_by_metric": "mae", "offset": size - 100}),
        ("newest", None, {}),
    ):
        tell(f"100 of {size:,}: {name}", timed(lambda _, options=options: stores.runs.search(**options), 30), limit, budget=budget)
    bare.close()
    stores.tx.close()


if __name__ == "__main__":
    main()
