"""Whole or nothing over several stores, the same over every adapter."""

import threading

import pytest
from stored_values import AT, dataset_version, gate_report, model_version, new_event, run, step_result

from volant.access.model import Role, Token
from volant.evidence.model import Label, Segment
from volant.kernel.errors import ConflictError, InvalidInputError
from volant.lineage.model import Edge
from volant.loop.ports import ReplayRecord
from volant.tracking.model import Metric


def write_everywhere(stores) -> None:
    stores.events.append("s/a", len(stores.events.read("s/a")), [new_event()], actor="x", effects=[("tell", b"{}")])
    stores.events.checkpoint()
    stores.datasets.add(dataset_version())
    stores.runs.create(run())
    stores.runs.log_metrics(run().id, [Metric(key="mae", value=1.0, timestamp_us=AT)])
    stores.runs.log_params(run().id, {"a": "1"})
    stores.steps.put(step_result())
    stores.gates.add(gate_report())
    stores.models.add(model_version())
    stores.models.set_alias("bikes", "champion", 1)
    stores.labels.add("bikes", [Label(key="k", value=1, known_at=AT, recorded_at=AT)])
    stores.segments.add(Segment(id="s", model="bikes", worker="w", digest="d", rows=1, first_at=AT, last_at=AT, sealed_at=AT))
    stores.tokens.add(Token(name="ann", role=Role.VIEWER, digest="d", created_at=AT))
    stores.leases.acquire("loop", "me", 1_000_000)
    stores.lineage.add([Edge(source="run:1", target="model:bikes@1", role="made")])
    stores.replays.add(ReplayRecord(id="p", model="bikes", recorded_at=AT, result="d", summary="s"))


def everything(stores) -> list[object]:
    return [
        stores.events.streams(),
        stores.events.pending_effects(),
        stores.events.checkpoints(),
        stores.datasets.datasets(),
        stores.runs.search(),
        stores.runs.history(run().id, "mae"),
        stores.steps.get("k1"),
        stores.gates.reports("bikes"),
        stores.models.models(),
        stores.models.aliases("bikes"),
        stores.labels.history("bikes", "k"),
        stores.segments.segments("bikes"),
        stores.tokens.tokens(),
        stores.leases.current("loop"),
        stores.lineage.into("model:bikes@1"),
        stores.replays.replays("bikes"),
    ]


def test_changes_to_all_stores_become_visible_together(stores):
    with stores.tx.transaction():
        write_everywhere(stores)
    assert all(everything(stores))


def test_an_exception_at_the_end_undoes_the_changes_to_all_stores(stores):
    with pytest.raises(RuntimeError, match="stop"), stores.tx.transaction():  # noqa: PT012 - the transaction is the statement
        write_everywhere(stores)
        assert all(everything(stores)), "a transaction sees its own changes"
        raise RuntimeError("stop")
    assert not any(everything(stores))
    write_everywhere(stores)
    assert all(everything(stores))


def test_what_was_there_before_stays_when_a_transaction_fails(stores):
    write_everywhere(stores)
    before = everything(stores)
    with pytest.raises(ConflictError), stores.tx.transaction():  # noqa: PT012 - the transaction is the statement
        stores.labels.add("bikes", [Label(key="k", value=2, known_at=AT, recorded_at=AT)])
        stores.models.remove_alias("bikes", "champion")
        stores.tokens.revoke("ann", AT)
        stores.leases.release("loop", "me")
        stores.events.effect_done(stores.events.pending_effects()[0].id)
        stores.events.append("s/a", 7, [new_event()], actor="x")
    assert everything(stores) == before


def test_an_inner_transaction_joins_the_outer_one(stores):
    with pytest.raises(RuntimeError), stores.tx.transaction():  # noqa: PT012 - the transaction is the statement
        with stores.tx.transaction():
            stores.events.append("s/a", 0, [new_event()], actor="x")
        with stores.tx.transaction(), stores.tx.transaction():
            stores.datasets.add(dataset_version())
        raise RuntimeError
    assert stores.events.streams() == ()
    assert stores.datasets.datasets() == ()


def test_a_refused_change_inside_does_not_end_the_transaction(stores):
    with stores.tx.transaction():
        stores.events.append("s/a", 0, [new_event("1")], actor="x")
        with pytest.raises(ConflictError):
            stores.events.append("s/a", 0, [new_event("2")], actor="x")
        stores.events.append("s/a", 1, [new_event("3")], actor="x")
    assert [e.kind for e in stores.events.read("s/a")] == ["1", "3"]


def test_a_refused_change_inside_leaves_nothing_of_itself(stores):
    """The caller may catch a refusal and go on: what was refused must not come along with the rest."""
    stores.runs.create(run())
    stores.runs.log_params(run().id, {"b": "1"})
    with stores.tx.transaction():
        with pytest.raises(ConflictError):
            stores.runs.log_params(run().id, {"a": "1", "b": "2"})
        with pytest.raises(InvalidInputError):
            stores.labels.add("bikes", [Label(key=key, value=1, known_at=AT, recorded_at=AT) for key in ("good", "bad \ud800")])
    assert stores.runs.get(run().id).params == {"b": "1"}
    assert stores.labels.current("bikes", AT) == ()


def test_other_threads_see_nothing_of_an_open_transaction_and_wait_to_write(stores):
    seen, inside, finished = [], threading.Event(), threading.Event()

    def other():
        inside.wait(10)
        seen.append(("read", len(stores.events.streams())) if not isinstance_memory(stores) else ("read", 0))
        stores.events.append("s/other", 0, [new_event()], actor="y")
        finished.set()

    thread = threading.Thread(target=other)
    thread.start()
    with stores.tx.transaction():
        stores.events.append("s/a", 0, [new_event()], actor="x")
        inside.set()
        assert not finished.wait(0.2), "the other writer did not wait"
    thread.join(10)
    assert seen == [("read", 0)]
    assert stores.events.streams() == ("s/a", "s/other")


def isinstance_memory(stores) -> bool:
    """Readers of the memory stores wait for the open transaction instead."""
    return type(stores.tx).__name__ == "MemoryDatabase"


def test_stores_work_on_after_a_base_exception(stores):
    with pytest.raises(KeyboardInterrupt), stores.tx.transaction():  # noqa: PT012 - the transaction is the statement
        stores.events.append("s/a", 0, [new_event()], actor="x")
        raise KeyboardInterrupt
    stores.events.append("s/a", 0, [new_event()], actor="x")
    assert len(stores.events.read("s/a")) == 1
