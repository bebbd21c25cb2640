"""A process of its own that writes to a store, and says on standard output what was acknowledged.

``python store_entry.py ACTION FOLDER [ARGUMENT]``
"""

import itertools
import os
import sys
import time
from pathlib import Path

from registry_parts import approve_next

from volant.evidence.model import Label
from volant.kernel.clock import SystemClock
from volant.kernel.errors import ConflictError
from volant.kernel.events import NewEvent
from volant.kernel.ids import TimeOrderedIds
from volant.wiring.stores import Stores, sqlite_stores


def open_stores(folder: str) -> Stores:
    clock = SystemClock()
    return sqlite_stores(Path(folder), clock, TimeOrderedIds(clock))


def say(text: object) -> None:
    os.write(1, f"{text}\n".encode())


def put_objects(stores: Stores, _: str) -> None:
    for number in itertools.count():
        say(stores.objects.put(f"object {number}".encode() * 5000))


def append_events(stores: Stores, _: str) -> None:
    """Two events a time, each time with one effect; says the last sequence."""
    for seq in itertools.count(0, 2):
        event = NewEvent(kind="n", data=f'{{"after":{seq}}}'.encode())
        say(stores.events.append("s/a", seq, [event, event], actor="x", effects=[("tell", event.data)])[-1].seq)


def add_labels(stores: Stores, _: str) -> None:
    for number in itertools.count():
        stores.labels.add("bikes", [Label(key=f"{number}-{i}", value=i, known_at=1, recorded_at=1) for i in range(50)])
        say(number)


def approve(stores: Stores, _: str) -> None:
    for number in itertools.count(1):
        say(approve_next(stores, number).epoch)


def half_a_transaction(stores: Stores, _: str) -> None:
    with stores.tx.transaction():
        stores.events.append("s/a", len(stores.events.read("s/a")), [NewEvent(kind="half", data=b"{}")] * 500, actor="x")
        stores.labels.add("bikes", [Label(key=str(i), value=i, known_at=1, recorded_at=1) for i in range(20_000)])
        say("inside")
        time.sleep(600)


def share_a_stream(stores: Stores, seconds: str) -> None:
    """Append with retries until the time is over; says how many events are its own."""
    count, me = 0, f"w{os.getpid()}"
    say("ready")
    sys.stdin.readline()
    until = time.monotonic() + float(seconds)
    while time.monotonic() < until:
        try:
            stores.events.append("s/shared", len(stores.events.read("s/shared")), [NewEvent(kind="n", data=b"{}")], actor=me)
            count += 1
        except ConflictError:
            continue
    say(f"{me} {count}")


def take_turns(stores: Stores, seconds: str) -> None:
    """Append inside a transaction that reads first: never a conflict, and turns come in order."""
    count, seen, me = 0, 0, f"w{os.getpid()}"
    say("ready")
    sys.stdin.readline()
    until = time.monotonic() + float(seconds)
    while time.monotonic() < until:
        with stores.tx.transaction():
            seen += len(stores.events.read("s/shared", seen))
            stores.events.append("s/shared", seen, [NewEvent(kind="n", data=b"{}")], actor=me)
        count += 1
    say(f"{me} {count}")


def only_open(stores: Stores, _: str) -> None:
    say(stores.events.streams())


ACTIONS = {
    action.__name__: action
    for action in (put_objects, append_events, add_labels, approve, half_a_transaction, share_a_stream, take_turns, only_open)
}

if __name__ == "__main__":
    ACTIONS[sys.argv[1]](open_stores(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "")
