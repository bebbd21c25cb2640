"""Cached steps, lineage and replays, the same over every adapter."""

import pytest
from stored_values import AT, step_result

from volant.kernel.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from volant.lineage.model import Edge
from volant.loop.ports import ReplayRecord


def test_a_step_result_comes_back_by_its_key(stores):
    stores.steps.put(step_result())
    assert stores.steps.get("k1") == step_result()
    assert stores.steps.get("k2") is None


def test_a_step_result_is_replaced(stores):
    stores.steps.put(step_result())
    stores.steps.put(step_result(duration_us=99))
    assert stores.steps.get("k1").duration_us == 99


def test_the_latest_result_of_a_step_is_the_last_written_whatever_the_clock_said(stores):
    stores.steps.put(step_result("k1", recorded_at=AT))
    stores.steps.put(step_result("k2", recorded_at=AT - 3_600_000_000))
    stores.steps.put(step_result("k3", step="model"))
    assert stores.steps.latest("features").key == "k2"
    stores.steps.put(step_result("k1", recorded_at=AT - 7))
    assert stores.steps.latest("features").key == "k1"
    assert stores.steps.latest("nobody") is None


def test_a_step_result_with_broken_text_is_refused(stores):
    with pytest.raises(InvalidInputError):
        stores.steps.put(step_result(step="lone \ud800"))
    assert stores.steps.get("k1") is None


def test_an_edge_is_found_from_both_ends_and_kept_once(stores):
    data, code = Edge(source="dataset:bikes@3", target="run:1", role="data"), Edge(source="pipeline:p", target="run:1", role="code")
    made = Edge(source="run:1", target="model:bikes@1", role="made")
    for _ in range(2):
        stores.lineage.add([code, data, made, data])
    assert stores.lineage.into("run:1") == (data, code)
    assert stores.lineage.out_of("run:1") == (made,)
    assert stores.lineage.into("nobody") == ()


def test_two_roles_between_the_same_nodes_are_two_edges(stores):
    edges = [Edge(source="run:1", target="gate:g", role=role) for role in ("candidate", "champion", "☂")]
    stores.lineage.add(edges)
    assert stores.lineage.into("gate:g") == tuple(edges)
    assert stores.lineage.out_of("run:1") == tuple(edges)
    stores.lineage.add([])


def replay(name: str, model: str = "bikes") -> ReplayRecord:
    return ReplayRecord(id=name, model=model, recorded_at=AT, result="ab" * 32, summary="weekly is enough ☂")


def test_replays_are_listed_last_written_first(stores):
    for name in ("b", "a", "c"):
        stores.replays.add(replay(name))
    stores.replays.add(replay("d", "other"))
    assert stores.replays.replays("bikes") == (replay("c"), replay("a"), replay("b"))
    assert stores.replays.get("d") == replay("d", "other")


def test_a_replay_never_changes(stores):
    stores.replays.add(replay("a"))
    with pytest.raises(AlreadyExistsError, match="a"):
        stores.replays.add(replay("a", "other"))
    assert stores.replays.get("a") == replay("a")
    with pytest.raises(NotFoundError):
        stores.replays.get("nobody")
