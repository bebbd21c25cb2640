"""What the wheel itself costs: from evidence complete to promoted, without user code, imports and waiting.

The simulated city: history, days of logged predictions, their labels. One look of the automation notices, freezes the data,
trains, packs, tests against the champion, registers and promotes. It is done in this process, whose imports are done by the first
turn; a second thread looks every millisecond what it is at. Left out: what runs in ``pipeline.py`` and in its estimator (the
steps, and every prediction of the gate), imports, and waiting for the champion's answers from a process of its own.

Run with ``python benchmarks/loop_overhead.py [--turns 3]``. The budget is 2 seconds.
"""

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Self

from volant.testing.city import HISTORY_DAYS, SEED, TARGET, simulate, write_questions, write_rides, write_truth
from volant.wiring import commands
from volant.wiring.project import open_project

BUDGET_SECONDS = 2.0
EVERY_SECONDS = 0.001
DAYS = 15
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
RETRAIN = "retrain:\n  when: [{new_labels: 100}]\n"
USER, IMPORTS, WAITING = "user code", "imports", "waiting for the champion"
# The first of these that is found in a stack, from the outside in, names what is being done.
LEFT_OUT = (
    (IMPORTS, "importlib._bootstrap>", None),
    (WAITING, "wiring/child.py", None),
    (USER, "/city/pipeline.py", None),
    (USER, "/city/.volant/tmp/", None),
    (USER, "/sklearn/", None),
)
PARTS = (
    ("freeze the data", "loop/freezing.py", None),
    ("run the steps and pack", "loop/fitting.py", "fit"),
    ("describe the run", "loop/cycle.py", "_describe"),
    ("judge", "loop/releasing.py", "_judge"),
    ("register", "loop/releasing.py", "_register"),
    ("decide and promote", "loop/releasing.py", "_decide"),
    ("tables and splits", "loop/table.py", None),
    ("remember the answer", "wiring/remembered.py", None),
    ("audit checkpoint", "kernel/audit.py", None),
    ("notice and decide to retrain", "loop/turning.py", None),
)


def city(root: Path) -> None:
    """A project with a champion that releases what passes, at once."""
    write_rides(root / "rides.csv", simulate(HISTORY_DAYS, seed=SEED))
    columns = {"target": TARGET, "time": "hour", "key": ["station", "hour"], "label_delay": "24h"}
    commands.init(root, "city", environment=ENVIRONMENT, data="rides.csv", metric="mae", **columns)
    path = root / "city" / "volant.yaml"
    text = path.read_text().replace("autonomy: propose", "autonomy: autopilot").replace("latency_p99: 100ms", "latency_p99: 60s")
    lines = [line for line in text[: text.index("retrain:")].splitlines() if "steps:" not in line]
    path.write_text("\n".join(lines) + "\n" + RETRAIN)
    commands.run(open_project(root / "city", environment=ENVIRONMENT))


def feed(root: Path, first_day: int) -> None:
    """Days of predictions by the champion, and their labels."""
    rides = simulate(DAYS, seed=SEED, first_day=first_day)
    write_questions(root / "later.csv", rides)
    write_truth(root / "truth.csv", rides)
    project = open_project(root / "city", environment=ENVIRONMENT)
    commands.predict(project, "@champion", str(root / "later.csv"), str(root / "answers.csv"))
    commands.add_labels(project, str(root / "truth.csv"), ["station", "hour"], column=TARGET, known_at_column="known_at")


def look(root: Path) -> dict:
    """One look in this process, as the server's child does it."""
    from volant.wiring.verbs.looping import look as verb

    return verb(root / "city", ENVIRONMENT, {}, lambda _text, _share=None: None)


class Watcher:
    """Seconds of this thread by what it was at."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._watched = threading.get_ident()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        before = time.perf_counter()
        while not self._end.wait(EVERY_SECONDS):
            part = _part(sys._current_frames().get(self._watched))  # noqa: SLF001 - how a profiler that samples looks
            now = time.perf_counter()
            self.seconds[part] += now - before
            before = now


def _part(frame: object) -> str:
    stack = []
    while frame is not None:
        stack.append((frame.f_code.co_filename, frame.f_code.co_name))
        frame = frame.f_back
    stack.reverse()
    for parts in (LEFT_OUT, PARTS):
        for part, place, function in parts:
            if any(place in file and function in {None, name} for file, name in stack):
                return part
    return "anything else"


def turn(root: Path) -> tuple[Counter[str], dict]:
    """Seconds of one look by part, and what it did."""
    with Watcher() as watcher:
        found = look(root)
    return watcher.seconds, found


def main() -> None:
    """The first turn pays the imports and does not count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3)
    turns = parser.parse_args().turns
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        city(root)
        measured = []
        for number in range(turns + 1):
            feed(root, HISTORY_DAYS + number * DAYS)
            seconds, found = turn(root)
            assert found["end"] is not None, found
            assert found["end"]["error"] is None, found["end"]["error"]
            print(f"turn {number}: version {found['end']['version']}, {found['run']['state']}; {sum(seconds.values()):.2f} s in all")
            measured += [seconds] if number else []
    _report(measured)


def _report(measured: list[Counter[str]]) -> None:
    left_out = {part for part, _, _ in LEFT_OUT}
    parts = sorted({part for seconds in measured for part in seconds}, key=lambda part: (part in left_out, part))
    print(f"\n{'part':32}median s")
    for part in parts:
        print(f"{part:32}{statistics.median(seconds[part] for seconds in measured):8.3f}{'   left out' if part in left_out else ''}")
    overheads = [sum(value for part, value in seconds.items() if part not in left_out) for seconds in measured]
    print(f"\noverhead: {statistics.median(overheads):.2f} s (worst {max(overheads):.2f}); budget {BUDGET_SECONDS:.0f} s")


if __name__ == "__main__":
    main()
