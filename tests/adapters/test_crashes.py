"""Processes that are killed: what they were told is kept, what they were not told is there whole or not at all."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from registry_parts import approve_next, registry_of

from volant.adapters.objects.local import LocalObjects
from volant.evidence.model import Label
from volant.kernel.audit import verify
from volant.kernel.digests import digest
from volant.kernel.events import NewEvent
from volant.wiring.stores import sqlite_stores

HERE = Path(__file__).parent


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]), **changes}


def start(action: str, folder, argument: str = "", **changes: str) -> subprocess.Popen:
    command = [sys.executable, str(HERE / "store_entry.py"), action, str(folder), argument]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(**changes))


def crash_at(point: str, action: str, folder) -> list[str]:
    """Run until the process kills itself at the point; what it said before."""
    process = start(action, folder, VOLANT_CRASH_AT=point)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    return said.split()


@pytest.fixture
def reopened(folder, clock, ids):
    """Opens the stores after the crash, as a restart would."""
    opened = []

    def reopen():
        opened.append(sqlite_stores(folder, clock, ids))
        return opened[-1]

    yield reopen
    for stores in opened:
        stores.tx.close()


@pytest.mark.parametrize("point", ["objects.written", "objects.renamed", "objects.written:4", "objects.renamed:4"])
def test_a_crash_while_storing_an_object_leaves_it_whole_or_absent(folder, point):
    said = crash_at(point, "put_objects", folder)
    place, count = folder / "objects", int(point.partition(":")[2] or 1) - 1
    assert len(said) == count
    half = list((place / "tmp").iterdir())
    assert len(half) == (1 if point.startswith("objects.written") else 0)
    store = LocalObjects(place)
    assert list((place / "tmp").iterdir()) == [], "opening sweeps what the dead process left"
    data = [f"object {number}".encode() * 5000 for number in range(count + 1)]
    for name, content in zip(said, data, strict=False):
        assert store.get(name) == content
    assert store.has(digest(data[-1])) is point.startswith("objects.renamed")
    assert store.get(store.put(data[-1])) == data[-1]


@pytest.mark.parametrize("point", ["events.appended", "events.committed", "events.appended:5", "events.committed:5"])
def test_a_crash_while_appending_leaves_all_of_an_append_or_nothing(folder, reopened, point):
    said = crash_at(point, "append_events", folder)
    rounds = int(point.partition(":")[2] or 1)
    whole = rounds if point.startswith("events.committed") else rounds - 1
    assert said == [str(2 * number) for number in range(1, rounds)]
    events = reopened().events
    assert [e.seq for e in events.read("s/a")] == list(range(1, 2 * whole + 1))
    assert [e.payload for e in events.pending_effects()] == [f'{{"after":{2 * n}}}'.encode() for n in range(whole)]
    assert verify(events).intact
    events.append("s/a", 2 * whole, [NewEvent(kind="next", data=b"{}")], actor="y")
    assert verify(events).intact


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_crash_after_an_approval_keeps_it_with_its_alias_and_effect(folder, reopened, rounds):
    said = crash_at(f"approve.committed:{rounds}", "approve", folder)
    assert said == [str(n) for n in range(1, rounds)]
    stores = reopened()
    state = registry_of(stores).state("bikes")
    assert (state.champion, state.epoch) == (rounds, rounds)
    assert stores.models.aliases("bikes") == {"champion": rounds}
    assert len(stores.events.pending_effects()) == rounds
    assert verify(stores.events).intact
    assert approve_next(stores, rounds + 1).epoch == rounds + 1


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_crash_anywhere_inside_an_approval_leaves_no_half_of_it(folder, reopened, count):
    """Registering and approving append twice; each may be the one that is cut."""
    crash_at(f"events.appended:{count}", "approve", folder)
    stores = reopened()
    state, done = registry_of(stores).state("bikes"), (count - 1) // 2
    assert (state.champion or 0, state.epoch) == (done, done)
    assert sorted(state.versions) == sorted(v.number for v in stores.models.versions("bikes")) == list(range(1, count // 2 + 1))
    aliases = stores.models.aliases("bikes")
    assert aliases.get("champion") == state.champion
    assert len(stores.events.pending_effects()) == done
    assert verify(stores.events).intact


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_crash_after_labels_were_stored_keeps_them_and_sending_them_again_repeats_them(folder, reopened, rounds):
    said = crash_at(f"labels.committed:{rounds}", "add_labels", folder)
    assert said == [str(n) for n in range(rounds - 1)]
    labels = reopened().labels
    assert labels.count("bikes", 1) == 50 * rounds
    again = [Label(key=f"{rounds - 1}-{i}", value=i, known_at=1, recorded_at=1) for i in range(50)]
    assert labels.add("bikes", again).repeated == 50


def test_kill_9_during_a_transaction_leaves_nothing_and_lets_the_next_writer_in(folder, reopened):
    stores = reopened()
    stores.events.append("s/a", 0, [NewEvent(kind="before", data=b"{}")], actor="x")
    process = start("half_a_transaction", folder)
    assert process.stdout.readline() == "inside\n"
    assert [e.kind for e in stores.events.read("s/a")] == ["before"], "readers do not wait and see nothing of it"
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    process.communicate()
    stores.events.append("s/a", 1, [NewEvent(kind="after", data=b"{}")], actor="x")
    assert [e.kind for e in stores.events.read("s/a")] == ["before", "after"]
    assert stores.labels.count("bikes", 1) == 0
    assert verify(stores.events).intact


def test_writers_killed_at_any_moment_lose_nothing_they_said(folder, reopened):
    """Eight times kill -9 in the middle of work, each time on top of what the last one left."""
    seq = 0
    for round_ in range(8):
        process = start("share_a_stream", folder, "60")
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("go\n")
        process.stdin.flush()
        events = reopened().events
        while len(events.read("s/shared")) < seq + 3 + round_:
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)
        now = len(events.read("s/shared"))
        assert now >= seq + 3
        seq = now
        assert verify(events).intact
    assert [e.seq for e in reopened().events.read("s/shared")] == list(range(1, seq + 1))
