"""Several processes and threads that write to one database at once."""

import os
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from stored_values import new_event
from test_crashes import start

from volant.adapters.db.sqlite.writer_queue import WriterQueue
from volant.kernel.audit import verify
from volant.kernel.errors import ConflictError, UnavailableError
from volant.kernel.ids import TimeOrderedIds
from volant.wiring.stores import sqlite_stores

FAIR = 4  # the busiest writer gets at most so many times the turns of the one that waits most


def together(action: str, folder, count: int, seconds: str) -> dict[str, int]:
    """Start writers at the same moment; how many events each says are its own."""
    processes = [start(action, folder, seconds) for _ in range(count)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0] * count
    return {name: int(number) for name, number in said}


@pytest.mark.parametrize("count", [2, 8])
@pytest.mark.parametrize("action", ["share_a_stream", "take_turns"])
def test_processes_that_append_to_one_stream_lose_nothing_and_get_their_turns(disk, folder, action, count):
    counts = together(action, folder, count, "1.0")
    events = disk.events.read("s/shared")
    assert Counter(event.actor for event in events) == Counter(counts)
    assert [event.seq for event in events] == list(range(1, sum(counts.values()) + 1))
    assert verify(disk.events).intact
    if action == "take_turns":  # who reads outside of its turn may see its place taken, and no queue can help
        assert max(counts.values()) <= FAIR * min(counts.values()) + 10, counts


@pytest.mark.parametrize("count", [2, 8])
def test_threads_that_append_to_one_stream_lose_nothing(stores, count):
    def append(worker: int) -> None:
        done = 0
        while done < 20:
            try:
                stores.events.append("s/a", len(stores.events.read("s/a")), [new_event()], actor=f"t{worker}")
                done += 1
            except ConflictError:
                continue

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(append, range(count)))
    assert Counter(event.actor for event in stores.events.read("s/a")) == {f"t{worker}": 20 for worker in range(count)}
    assert verify(stores.events).intact


def test_processes_that_open_a_new_database_at_once_all_get_it(tmp_path):
    for attempt in range(3):
        processes = [start("only_open", tmp_path / str(attempt)) for _ in range(4)]
        assert [process.communicate(timeout=120)[0] for process in processes] == ["()\n"] * 4
        assert [process.returncode for process in processes] == [0] * 4


def test_a_writer_that_hangs_is_named_when_patience_ends(tmp_path):
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with WriterQueue(tmp_path / "lock").turn():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(10)
    with pytest.raises(UnavailableError, match=f"process {os.getpid()}"), WriterQueue(tmp_path / "lock", patience_seconds=0.05).turn():
        pytest.fail("two writers had a turn at once")
    leave.set()
    thread.join(10)
    with WriterQueue(tmp_path / "lock", patience_seconds=1).turn():
        pass


def test_writers_that_gave_up_waiting_do_not_stop_those_behind_them(tmp_path):
    order, lock = [], tmp_path / "lock"

    def queue(name: str, patience: float) -> None:
        try:
            with WriterQueue(lock, patience_seconds=patience).turn():
                order.append(name)
        except UnavailableError:
            order.append(f"{name} gave up")

    with WriterQueue(lock).turn():
        threads = []
        for name, patience in (("first", 0.1), ("second", 10), ("third", 0.1), ("fourth", 10)):
            threads.append(threading.Thread(target=queue, args=(name, patience)))
            threads[-1].start()
            threading.Event().wait(0.02)
        for waiting in (threads[0], threads[2]):
            waiting.join(10)
        order.append("released")
    for thread in threads:
        thread.join(10)
    assert sorted(order[:2]) == ["first gave up", "third gave up"]
    assert order[2] == "released"
    assert sorted(order[3:]) == ["fourth", "second"]


def test_a_child_forked_during_a_turn_does_not_keep_the_lock(tmp_path):
    with WriterQueue(tmp_path / "lock").turn():
        ready, hold = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            os.write(ready[1], b"x")
            os.close(hold[1])
            os.read(hold[0], 1)
            os._exit(0)
        os.read(ready[0], 1)
    try:
        with WriterQueue(tmp_path / "lock", patience_seconds=1).turn():
            pass
    finally:
        os.close(hold[1])
        os.waitpid(child, 0)
        for end in (*ready, hold[0]):
            os.close(end)


def test_a_forked_child_reads_and_writes_with_a_connection_of_its_own(folder, clock):
    disk = sqlite_stores(folder, clock, TimeOrderedIds(clock))
    disk.events.append("s/a", 0, [new_event("parent")], actor="x")
    child = os.fork()
    if child == 0:
        try:
            disk.events.append("s/a", 1, [new_event("child")], actor="y")
            disk.tx.close()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - said by the exit status
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    disk.events.append("s/a", 2, [new_event("parent")], actor="x")
    assert [e.kind for e in disk.events.read("s/a")] == ["parent", "child", "parent"]
    assert verify(disk.events).intact
    disk.tx.close()


def test_threads_that_end_leave_no_open_files(disk):
    def files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    def use() -> None:
        disk.events.streams()

    use()
    before = files()
    for _ in range(30):
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
    assert files() <= before + 3


def test_a_tool_that_holds_the_file_is_waited_for(folder, clock, ids):
    stores = sqlite_stores(folder, clock, ids)
    program = (
        f"import sqlite3, time; c = sqlite3.connect({str(folder / 'volant.db')!r}, isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); time.sleep(0.5); c.execute('COMMIT')"
    )
    holder = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    stores.events.append("s/a", 0, [new_event()], actor="x")
    holder.communicate(timeout=10)
    stores.tx.close()
