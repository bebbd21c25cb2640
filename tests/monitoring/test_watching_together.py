"""Several watchers over one store on disk, while the log grows, is sealed, and some of them are killed."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from watched_rows import SECOND, START, prediction

from volant.config.model import Amount
from volant.evidence.frames import frame
from volant.evidence.log import encode
from volant.evidence.predictions import Predictions
from volant.evidence.sealing import Sealer
from volant.kernel.errors import ConflictError
from volant.monitoring.summary import total
from volant.monitoring.watching import Watch
from volant.testing.clock import CountingIds, FakeClock
from volant.wiring.stores import sqlite_stores

ENTRY = """
import sys
from pathlib import Path
from volant.config.model import Amount
from volant.evidence.predictions import Predictions
from volant.monitoring.watching import Watch
from volant.testing.clock import CountingIds, FakeClock
from volant.wiring.stores import sqlite_stores
folder = Path(sys.argv[1])
stores = sqlite_stores(folder / "state", FakeClock(), CountingIds())
watch = Watch(Predictions(folder / "log", stores.objects, stores.segments), stores.windows, size=Amount(rows=20))
print("ready", flush=True)
while True:
    watch.advance("bikes")
"""


def write(folder, number, rows, *, per_file=25):
    """``rows`` predictions, some to each of many files whose names do not come twice."""
    for start in range(0, rows, per_file):
        path = folder / "log" / f"w{number}" / f"{start + 1:020d}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        ids = range(number * 10_000 + start, number * 10_000 + min(start + per_file, rows))
        lines = [prediction(n, at=START + (n % 10_000) * SECOND) for n in ids]
        path.write_bytes(b"".join(frame(encode(p)) for p in lines))


def test_watchers_at_once_count_every_row_once(tmp_path):
    stores = sqlite_stores(tmp_path / "state", FakeClock(START), CountingIds())
    watch = Watch(Predictions(tmp_path / "log", stores.objects, stores.segments), stores.windows, size=Amount(rows=20))
    done = threading.Event()

    def look():
        while not done.is_set():
            try:
                watch.advance("bikes")
            except ConflictError:
                continue

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(1, 5):
        write(tmp_path, number, 100)
        Sealer(tmp_path / "log", stores.objects, stores.segments, FakeClock(START)).seal(0)
    done.set()
    for thread in threads:
        thread.join()
    watch.advance("bikes")
    assert total(stores.windows.latest("bikes", 1, "champion", 1000)).rows == 400
    stores.tx.close()


def test_a_watcher_that_is_killed_loses_and_doubles_nothing(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    write(tmp_path, 1, 200)
    killed = subprocess.Popen([sys.executable, "-c", ENTRY, str(tmp_path)], stdout=subprocess.PIPE, env=environment)
    assert killed.stdout.readline() == b"ready\n"
    for number in (2, 3):
        write(tmp_path, number, 200)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait(90)
    killed.stdout.close()
    stores = sqlite_stores(Path(tmp_path / "state"), FakeClock(START), CountingIds())
    Watch(Predictions(tmp_path / "log", stores.objects, stores.segments), stores.windows, size=Amount(rows=20)).advance("bikes")
    windows = stores.windows.latest("bikes", 1, "champion", 1000)
    assert total(windows).rows == 600
    assert sum(stores.windows.covered("bikes").lines.values()) == 600
    stores.tx.close()
