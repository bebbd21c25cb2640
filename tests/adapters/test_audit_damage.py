"""Whatever is done to the stored history behind the back of the program is reported with its place."""

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from blake3 import blake3
from stored_values import AT, new_event

from volant.kernel.audit import checkpoint_if_new, read_anchors, verify
from volant.kernel.codec import canonical, plain
from volant.kernel.errors import IntegrityError
from volant.kernel.events import Event, link
from volant.testing.clock import CountingIds, FakeClock
from volant.wiring.stores import sqlite_stores

GOLDEN = Path(__file__).parent / "golden" / "chain.json"
A, B = "model/bikes", "loop/bikes"


def write_history(events, anchors: Path | None = None) -> None:
    """Two streams of 4 and 3 events; checkpoints saw them at (2, -), (4, 2) and (4, 3)."""
    events.append(A, 0, [new_event("registered", b'{"version":1}'), new_event("proposed", b'{"version":1}')], actor="cli:ann")
    mark(events, anchors)
    events.append(A, 2, [new_event("approved", b'{"version":1}'), new_event("registered", b'{"version":2}')], actor="cli:Zo\u00eb")
    events.append(B, 0, [new_event("decided"), new_event("waited")], actor="policy")
    mark(events, anchors)
    events.append(B, 2, [new_event("decided")], actor="policy")
    mark(events, anchors)


def mark(events, anchors: Path | None) -> None:
    if anchors is None:
        events.checkpoint()
    else:
        assert checkpoint_if_new(events, anchors)


@pytest.fixture
def anchors(folder):
    return folder / "anchors"


@pytest.fixture
def history(disk, anchors):
    write_history(disk.events, anchors)
    return disk


@pytest.fixture
def tamper(history, folder):
    """Runs statements on the file with another program."""

    def run(*statements: str) -> None:
        with sqlite3.connect(folder / "volant.db") as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    assert history
    return run


def places(report) -> set[tuple[str, int]]:
    assert report.intact is not bool(report.damage)
    for damage in report.damage:
        assert damage.sentence.endswith(".")
    return {(damage.stream, damage.seq) for damage in report.damage}


def found(stores, anchors) -> set[tuple[str, int]]:
    return places(verify(stores.events, read_anchors(anchors)))


def test_an_intact_store_is_reported_as_intact(history, anchors):
    report = verify(history.events, read_anchors(anchors))
    assert (report.intact, report.damage) == (True, ())
    assert (report.streams, report.events, report.checkpoints, report.anchors) == (2, 7, 3, 3)
    assert report.heads == {name: (len(events), events[-1].chain) for name in (A, B) for events in [history.events.read(name)]}


def test_an_intact_store_in_memory_and_an_empty_one_are_intact(stores):
    assert verify(stores.events).intact
    write_history(stores.events)
    assert verify(stores.events).intact


EDITS = {
    "data": """UPDATE event SET data = CAST('{"version":9}' AS BLOB)""",
    "one byte of data": """UPDATE event SET data = CAST('{"version":1} ' AS BLOB)""",
    "actor": "UPDATE event SET actor = 'cli:eve'",
    "time": "UPDATE event SET recorded_at = recorded_at + 1",
    "kind": "UPDATE event SET kind = 'rejected'",
    "id": "UPDATE event SET id = 'other'",
    "chain": "UPDATE event SET chain = lower(hex(zeroblob(32)))",
    "number": "UPDATE event SET seq = 99",
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("seq", [1, 3, 4])
def test_an_edited_event_is_reported_at_its_place(tamper, history, anchors, edit, seq):
    tamper(f"{EDITS[edit]} WHERE stream = '{A}' AND seq = {seq}")
    assert (A, seq) in found(history, anchors)
    assert {stream for stream, _ in found(history, anchors)} == {A}


def test_an_edit_whose_chain_was_recomputed_is_seen_by_the_checkpoint(tamper, history, anchors):
    """Someone who knows the format edits the last event and gives it a matching chain value."""
    events = history.events.read(A)
    fields = {name: getattr(events[3], name) for name in Event.__struct_fields__} | {"actor": "cli:eve"}
    tamper(f"UPDATE event SET actor = 'cli:eve', chain = '{link(events[2].chain, Event(**fields))}' WHERE id = '{events[3].id}'")
    assert found(history, anchors) == {(A, 4)}


@pytest.mark.parametrize("seq", [1, 2, 3])
def test_an_event_deleted_in_the_middle_is_reported(tamper, history, anchors, seq):
    tamper(f"DELETE FROM event WHERE stream = '{A}' AND seq = {seq}")
    assert (A, seq) in found(history, anchors)
    assert {stream for stream, _ in found(history, anchors)} == {A}


def test_a_stream_renumbered_after_a_deletion_is_reported(tamper, history, anchors):
    tamper(f"DELETE FROM event WHERE stream = '{A}' AND seq = 2", f"UPDATE event SET seq = seq - 1 WHERE stream = '{A}' AND seq > 2")
    assert (A, 2) in found(history, anchors)


@pytest.mark.parametrize(("kept", "place"), [(3, 4), (1, 2)])
def test_a_stream_cut_at_its_end_is_reported_where_it_ends(tamper, history, anchors, kept, place):
    tamper(f"DELETE FROM event WHERE stream = '{A}' AND seq > {kept}")
    assert found(history, anchors) == {(A, place)}


def test_a_deleted_stream_is_reported_by_its_name(tamper, history, anchors):
    tamper(f"DELETE FROM event WHERE stream = '{B}'")
    assert found(history, anchors) == {(B, 1)}


def test_two_streams_that_were_swapped_are_both_reported(tamper, history, anchors):
    tamper(
        "UPDATE event SET stream = 'x' WHERE stream = 'model/bikes'",
        "UPDATE event SET stream = 'model/bikes' WHERE stream = 'loop/bikes'",
        "UPDATE event SET stream = 'loop/bikes' WHERE stream = 'x'",
    )
    assert {(A, 1), (B, 1)} <= found(history, anchors)


def test_two_events_that_were_swapped_are_reported(tamper, history, anchors):
    tamper(*(f"UPDATE event SET seq = {to} WHERE stream = '{A}' AND seq = {at}" for at, to in ((2, 99), (3, 2), (99, 3))))
    assert (A, 2) in found(history, anchors)


def test_an_event_put_in_at_the_end_is_reported(tamper, history, anchors):
    tamper(
        "INSERT INTO event (id, stream, seq, kind, data, actor, recorded_at, chain) "
        f"SELECT 'forged', stream, 5, kind, data, actor, recorded_at, chain FROM event WHERE stream = '{A}' AND seq = 4"
    )
    assert found(history, anchors) == {(A, 5)}


CHECKPOINT_EDITS = [
    """UPDATE checkpoint SET heads = CAST('{}' AS BLOB) WHERE number = 2""",
    """UPDATE checkpoint SET heads = CAST('not json' AS BLOB) WHERE number = 2""",
    """UPDATE checkpoint SET heads = CAST('[1]' AS BLOB) WHERE number = 2""",
    """UPDATE checkpoint SET heads = x'ff00' WHERE number = 2""",
    """UPDATE checkpoint SET heads = CAST('{"ghost":[0,"x"],"model/bikes":[-1,"y"]}' AS BLOB) WHERE number = 2""",
    "UPDATE checkpoint SET recorded_at = recorded_at - 1 WHERE number = 2",
    "UPDATE checkpoint SET chain = 'x' WHERE number = 2",
    "DELETE FROM checkpoint WHERE number = 2",
    "UPDATE checkpoint SET number = 9 WHERE number = 2",
]


@pytest.mark.parametrize("edit", CHECKPOINT_EDITS)
def test_an_edited_or_missing_checkpoint_is_reported(tamper, history, anchors, edit):
    tamper(edit)
    assert ("checkpoints", 2) in found(history, anchors)


@pytest.mark.parametrize(("kept", "place"), [(2, {3}), (1, {2, 3}), (0, {1, 2, 3})])
def test_checkpoints_cut_at_their_end_are_shown_by_the_anchors(tamper, history, anchors, kept, place):
    tamper(f"DELETE FROM checkpoint WHERE number > {kept}")
    assert found(history, anchors) == {("checkpoints", number) for number in place}
    assert verify(history.events).intact, "nothing else can show it"


def test_a_checkpoint_forged_with_a_right_chain_is_shown_by_its_anchor(tamper, history, anchors, clock):
    tamper("DELETE FROM checkpoint WHERE number = 3", f"DELETE FROM event WHERE stream = '{B}' AND seq = 3")
    clock.advance(1)
    history.events.checkpoint()
    assert verify(history.events).intact
    assert found(history, anchors) == {("checkpoints", 3)}


def test_a_store_put_back_to_an_earlier_copy_is_shown_by_the_anchors(folder, anchors, clock, ids, tmp_path):
    stores = sqlite_stores(folder, clock, ids)
    stores.events.append(A, 0, [new_event()], actor="x")
    checkpoint_if_new(stores.events, anchors)
    stores.tx.close()
    shutil.copy(folder / "volant.db", tmp_path / "copy.db")
    stores.events.append(A, 1, [new_event()], actor="x")
    checkpoint_if_new(stores.events, anchors)
    stores.tx.close()
    for name in ("volant.db", "volant.db-wal", "volant.db-shm"):
        (folder / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "copy.db", folder / "volant.db")
    restored = sqlite_stores(folder, clock, ids)
    assert found(restored, anchors) == {("checkpoints", 2)}
    clock.advance(1)
    restored.events.append(A, 1, [new_event("another past")], actor="x")
    checkpoint_if_new(restored.events, anchors)
    assert found(restored, anchors) == {("checkpoints", 2)}, "a new checkpoint of the same number is another one"
    restored.tx.close()


def test_a_lost_database_is_shown_by_the_anchors(history, folder, anchors, clock, ids):
    history.tx.close()
    (folder / "volant.db").unlink()
    again = sqlite_stores(folder, clock, ids)
    assert found(again, anchors) == {("checkpoints", 1), ("checkpoints", 2), ("checkpoints", 3)}
    again.tx.close()


def test_a_checkpoint_is_taken_only_when_something_happened(history, anchors):
    assert not checkpoint_if_new(history.events, anchors)
    history.events.append("s/new", 0, [new_event()], actor="x")
    assert checkpoint_if_new(history.events, anchors)
    assert not checkpoint_if_new(history.events, anchors)
    assert [anchor.number for anchor in read_anchors(anchors)] == [1, 2, 3, 4]


def test_a_checkpoint_that_a_crash_left_without_its_anchor_is_anchored_later(history, anchors):
    history.events.append("s/new", 0, [new_event()], actor="x")
    made = history.events.checkpoint()
    for _ in range(2):
        assert not checkpoint_if_new(history.events, anchors)
        assert [anchor.number for anchor in read_anchors(anchors)] == [1, 2, 3, 4]
    assert read_anchors(anchors)[-1].chain == made.chain
    assert found(history, anchors) == set()


@pytest.mark.parametrize("torn", [b"{", b'{"chain":"ab', b'{"chain":"ab","number":4}', b"\xff" * 50])
def test_an_anchor_that_a_crash_cut_short_is_dropped_by_the_next_one(history, anchors, torn):
    with anchors.open("ab") as file:
        file.write(torn)
    assert [anchor.number for anchor in read_anchors(anchors)] == [1, 2, 3]
    history.events.append("s/new", 0, [new_event()], actor="x")
    assert checkpoint_if_new(history.events, anchors)
    assert [anchor.number for anchor in read_anchors(anchors)] == [1, 2, 3, 4]
    assert found(history, anchors) == set()


def test_anchors_that_cannot_be_read_are_an_error_not_a_pass(history, anchors):
    anchors.write_bytes(b"rubbish\n" + anchors.read_bytes())
    with pytest.raises(IntegrityError, match="anchors"):
        found(history, anchors)


def test_no_anchors_are_no_damage(history, tmp_path):
    assert read_anchors(tmp_path / "nothing") == ()
    assert verify(history.events).intact


def test_events_appended_while_verifying_do_not_look_like_a_cut(folder, clock, anchors):
    stores, stop, rounds = sqlite_stores(folder, clock, CountingIds()), threading.Event(), []

    def append() -> None:
        seq = 0
        while not stop.is_set():
            stores.events.append(A, seq, [new_event()], actor="x")
            checkpoint_if_new(stores.events, anchors)
            seq += 1

    writer = threading.Thread(target=append)
    writer.start()
    try:
        while writer.is_alive() and (not rounds or rounds[-1].events < 150):
            rounds.append(verify(stores.events, read_anchors(anchors)))
    finally:
        stop.set()
        writer.join(30)
    assert [report.damage for report in rounds if not report.intact] == []
    assert len(rounds) > 10
    stores.tx.close()


def test_the_chain_format_is_that_of_the_golden_file(stores, clock):
    """Whoever changes the format breaks every stored history: this file was written once and never changes."""
    write_history(stores.events)
    record = {
        "events": [{**plain(event), "data": event.data.decode()} for stream in (A, B) for event in stores.events.read(stream)],
        "checkpoints": list(stores.events.checkpoints()),
    }
    assert clock.now() == AT
    assert canonical(record) + b"\n" == GOLDEN.read_bytes()


def test_the_golden_chain_can_be_recomputed_with_nothing_but_blake3_and_json():
    """What an auditor without Volant would do (docs/explanation/audit.md)."""
    stored = json.loads(GOLDEN.read_bytes())
    previous, heads = {}, {}
    for event in stored["events"]:
        before = previous.get(event["stream"], "0" * 64)
        head = [before, event["id"], event["stream"], str(event["seq"]), event["kind"], event["actor"], str(event["recorded_at"])]
        assert event["chain"] == blake3("\x1f".join(head).encode() + b"\x1e" + event["data"].encode()).hexdigest()
        previous[event["stream"]] = event["chain"]
        heads[event["stream"], event["seq"]] = event["chain"]
    before = "0" * 64
    for made in stored["checkpoints"]:
        assert all(heads[stream, seq] == chain for stream, (seq, chain) in made["heads"].items())
        text = json.dumps([before, made["number"], made["recorded_at"], made["heads"]], sort_keys=True, separators=(",", ":"))
        assert made["chain"] == blake3(text.encode()).hexdigest()
        before = made["chain"]


def test_the_chain_is_the_same_in_another_process_with_another_hash_seed(tmp_path):
    program = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[1]);"
        "from test_audit_damage import write_history, FakeClock, CountingIds, sqlite_stores;"
        "s = sqlite_stores(pathlib.Path(sys.argv[2]), FakeClock(), CountingIds()); write_history(s.events);"
        "print(s.events.checkpoints()[-1].chain)"
    )
    command = [sys.executable, "-c", program, str(Path(__file__).parent), str(tmp_path / "other")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "123", "PYTHONUTF8": "1"})
    mine = sqlite_stores(tmp_path / "mine", FakeClock(), CountingIds())
    write_history(mine.events)
    assert said.stdout.strip() == mine.events.checkpoints()[-1].chain
    mine.tx.close()
