"""Seeing cheaply what changed in a store since the last look, the same over every adapter."""

import pytest
from stored_values import AT

from volant.evidence.model import Label
from volant.gates.model import GateReport, Verdict
from volant.kernel.events import NewEvent
from volant.monitoring.model import LiveReport
from volant.monitoring.ports import Covered

SECOND = 1_000_000


def append(stores, stream, seq=0, count=1):
    stores.events.append(stream, seq, [NewEvent(kind="seen", data=b"{}")] * count, actor="ada")


def label(key, value=1.0):
    return Label(key=key, value=value, known_at=AT, recorded_at=AT, source="test")


def report(name, model):
    return GateReport(
        id=name,
        model=model,
        version=1,
        package="p" * 64,
        champion=None,
        champion_package=None,
        run_id="r",
        dataset=model,
        dataset_version=1,
        holdout_rows=0,
        holdout_from_us=None,
        holdout_to_us=None,
        excluded_rows=0,
        predictions="",
        verdict=Verdict.PASS,
        checks=(),
        baselines={},
        seed=0,
        recorded_at=AT,
    )


def live(model, **changes):
    given = {"epoch": 1, "version": 1, "metric": "mae", "lower_is_better": True, "recorded_at": AT, "labels": 4, "lines": 1}
    return LiveReport(**{"model": model, "reference": None, "windows": (), **given, **changes})


def test_streams_with_new_events_are_named_once_and_then_no_more(stores):
    position, streams = stores.events.changed(None)
    assert streams == frozenset()
    append(stores, "model/bikes", count=2)
    append(stores, "loop/bikes")
    position, streams = stores.events.changed(position)
    assert streams == {"model/bikes", "loop/bikes"}
    assert stores.events.changed(position) == (position, frozenset())
    append(stores, "loop/bikes", seq=1)
    later, streams = stores.events.changed(position)
    assert (streams, later > position) == ({"loop/bikes"}, True)


def test_the_latest_events_come_newest_first_over_all_streams(stores):
    assert stores.events.latest(5) == ()
    append(stores, "model/bikes", count=2)
    append(stores, "loop/bikes")
    append(stores, "model/bikes", seq=2)
    assert [(event.stream, event.seq) for event in stores.events.latest(3)] == [("model/bikes", 3), ("loop/bikes", 1), ("model/bikes", 2)]
    assert [(event.stream, event.seq) for event in stores.events.latest(9, skip=3)] == [("model/bikes", 1)]
    assert stores.events.latest(0) == stores.events.latest(5, skip=4) == ()


def test_heads_and_the_newest_checkpoint_are_found_without_a_walk_over_all(stores):
    assert (stores.events.heads(), stores.events.last_checkpoint()) == ({}, None)
    append(stores, "model/bikes", count=2)
    append(stores, "loop/bikes")
    last = {stream: stores.events.read(stream)[-1] for stream in ("loop/bikes", "model/bikes")}
    assert stores.events.heads() == {stream: (event.seq, event.chain) for stream, event in last.items()}
    first, second = stores.events.checkpoint(), stores.events.checkpoint()
    assert (first.heads, second.number) == (stores.events.heads(), 2)
    assert stores.events.last_checkpoint() == second == stores.events.checkpoints()[-1]


def test_models_with_new_or_corrected_labels_are_named(stores):
    assert stores.labels.changed(None) == (0, frozenset())
    stores.labels.add("bikes", [label("a"), label("b")])
    stores.labels.add("trams", [label("a")])
    position, models = stores.labels.changed(0)
    assert stores.labels.changed(None) == (position, frozenset())
    assert models == {"bikes", "trams"}
    stores.labels.add("bikes", [label("a")])  # repeated: nothing new
    assert stores.labels.changed(position) == (position, frozenset())
    stores.labels.add("trams", [label("a", 2.0)])
    assert stores.labels.changed(position)[1] == {"trams"}


def test_models_with_new_gate_reports_are_named(stores):
    stores.gates.add(report("one", "bikes"))
    position, models = stores.gates.changed(0)
    assert models == {"bikes"}
    assert stores.gates.changed(None) == (position, frozenset())
    assert stores.gates.changed(position) == (position, frozenset())
    stores.gates.add(report("two", "trams"))
    assert stores.gates.changed(position)[1] == {"trams"}


def test_a_mark_differs_once_windows_or_the_live_report_change(stores):
    assert stores.windows.marks() == {}
    stores.windows.commit("bikes", Covered(), "basis", {"log": 3}, [])
    first = stores.windows.marks()
    assert set(first) == {"bikes"}
    assert stores.windows.marks() == first
    stores.windows.keep_live(live("trams"))
    both = stores.windows.marks()
    assert both["bikes"] == first["bikes"]
    stores.windows.keep_live(live("trams", recorded_at=AT + 1))
    assert stores.windows.marks()["trams"] != both["trams"]
    stores.windows.commit("bikes", stores.windows.covered("bikes"), "basis", {"log": 4}, [])
    assert stores.windows.marks()["bikes"] != first["bikes"]


@pytest.mark.parametrize("name", ["bikes", "", "é" * 200])
def test_every_name_leaves_room_for_what_a_report_was_computed_from(stores, name):
    stores.windows.keep_live(live(name, metric="mae", labels=1_000_000_000, labels_known=2_000_000_000, asked="a" * 64))
    before = stores.windows.marks()
    stores.windows.keep_live(live(name, metric="mae", labels=1_000_000_000, labels_known=2_000_000_000, asked="b" * 64))
    assert stores.windows.marks() != before


def test_running_leases_are_found_by_the_beginning_of_their_names(stores, clock):
    stores.leases.acquire("loop/bikes", "one", 10 * SECOND)
    stores.leases.acquire("loop/trams", "two", 20 * SECOND)
    stores.leases.acquire("loops", "three", 20 * SECOND)
    assert [(lease.name, lease.holder) for lease in stores.leases.running("loop/")] == [("loop/bikes", "one"), ("loop/trams", "two")]
    clock.advance(10 * SECOND)
    assert [lease.name for lease in stores.leases.running("loop/")] == ["loop/trams"]
    stores.leases.release("loop/trams", "two")
    assert stores.leases.running("loop/") == ()


def test_the_mark_of_a_store_differs_once_anybody_changed_anything(stores):
    import threading

    first = stores.tx.mark()
    assert stores.tx.mark() == first
    append(stores, "model/bikes")  # by this thread
    second = stores.tx.mark()
    assert second != first
    assert stores.events.changed(0)[1] == {"model/bikes"}
    assert stores.tx.mark() == second
    other = threading.Thread(target=append, args=(stores, "loop/bikes"))
    other.start()
    other.join()
    assert stores.tx.mark() != second
