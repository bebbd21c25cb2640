"""Events, effects and checkpoints, the same over every adapter."""

import pytest
from stored_values import AT, new_event

from volant.kernel.codec import canonical
from volant.kernel.digests import digest
from volant.kernel.errors import ConflictError
from volant.kernel.events import GENESIS, Event, NewEvent, checkpoint_link, link


def test_events_get_dense_places_and_come_back_as_appended(stores, clock):
    first = stores.events.append("model/bikes", 0, [new_event("a", b'{"x":1}'), new_event("b")], actor="ann")
    clock.advance(5)
    second = stores.events.append("model/bikes", 2, [new_event("c", '{"city":"Zürich"}'.encode())], actor="ann ☂")
    assert stores.events.read("model/bikes") == first + second
    assert [(e.seq, e.kind, e.recorded_at, e.actor) for e in first + second] == [
        (1, "a", AT, "ann"),
        (2, "b", AT, "ann"),
        (3, "c", AT + 5, "ann ☂"),
    ]
    assert len({e.id for e in first + second}) == 3


def test_only_events_after_a_sequence_are_read(stores):
    stores.events.append("s/a", 0, [new_event("1"), new_event("2"), new_event("3")], actor="x")
    assert [e.seq for e in stores.events.read("s/a", 1)] == [2, 3]
    assert stores.events.read("s/a", 3) == ()
    assert stores.events.read("s/a", 99) == ()
    assert len(stores.events.read("s/a", -5)) == 3
    assert stores.events.read("s/nobody") == ()


@pytest.mark.parametrize("expected", [0, 1, 3, -1, 10**9])
def test_a_writer_that_saw_another_state_is_refused_and_changes_nothing(stores, expected):
    stores.events.append("s/a", 0, [new_event("1"), new_event("2")], actor="x")
    with pytest.raises(ConflictError, match="changed by someone else") as error:
        stores.events.append("s/a", expected, [new_event("3")], actor="y", effects=[("tell", b"{}")])
    assert f"event 2, not {expected}" in str(error.value)
    assert error.value.next_step
    assert len(stores.events.read("s/a")) == 2
    assert stores.events.pending_effects() == ()


def test_the_first_append_to_a_stream_expects_nothing(stores):
    with pytest.raises(ConflictError):
        stores.events.append("s/new", 1, [new_event()], actor="x")
    assert stores.events.streams() == ()


def test_streams_do_not_disturb_each_other_and_are_listed_in_order(stores):
    for stream in ("s/b", "s/a", "loop/Zürich"):
        stores.events.append(stream, 0, [new_event(stream)], actor="x")
    assert stores.events.streams() == ("loop/Zürich", "s/a", "s/b")
    assert [e.kind for e in stores.events.read("s/a")] == ["s/a"]


def test_each_event_is_chained_to_the_history_before_it(stores):
    events = stores.events.append("s/a", 0, [new_event("1"), new_event("2")], actor="x")
    assert events[0].chain == link(GENESIS, events[0])
    assert events[1].chain == link(events[0].chain, events[1])
    again = stores.events.append("s/a", 2, [new_event("3")], actor="x")
    assert again[0].chain == link(events[1].chain, again[0])


@pytest.mark.parametrize(
    "change", [{"id": "z"}, {"stream": "s/b"}, {"seq": 2}, {"kind": "2"}, {"data": b"[]"}, {"actor": "y"}, {"recorded_at": AT + 1}]
)
def test_the_chain_covers_every_stored_field(change):
    fields = {"id": "i", "stream": "s/a", "seq": 1, "kind": "1", "data": b"{}", "actor": "x", "recorded_at": AT, "chain": ""}
    assert link(GENESIS, Event(**fields)) != link(GENESIS, Event(**fields | change))


def test_event_data_is_kept_byte_for_byte(stores):
    data = b"\x00\xff not json \r\n" * 1000
    stores.events.append("s/a", 0, [NewEvent(kind="raw", data=data), NewEvent(kind="none", data=b"")], actor="x")
    assert [e.data for e in stores.events.read("s/a")] == [data, b""]


def test_effects_wait_in_order_until_they_are_done(stores):
    first = stores.events.append("s/a", 0, [new_event()], actor="x", effects=[("tell", b'{"n":1}'), ("mail", b'{"n":2}')])
    second = stores.events.append("s/a", 1, [new_event()], actor="x", effects=[("tell", b'{"n":3}')])
    pending = stores.events.pending_effects()
    assert [(e.id, e.kind, e.payload, e.recorded_at, e.done_at) for e in pending] == [
        (f"{first[-1].id}:tell", "tell", b'{"n":1}', AT, None),
        (f"{first[-1].id}:mail", "mail", b'{"n":2}', AT, None),
        (f"{second[-1].id}:tell", "tell", b'{"n":3}', AT, None),
    ]
    assert stores.events.pending_effects(limit=1) == pending[:1]
    stores.events.effect_done(pending[1].id)
    assert [e.payload for e in stores.events.pending_effects()] == [b'{"n":1}', b'{"n":3}']


def test_doing_an_effect_twice_or_an_unknown_one_is_harmless(stores):
    stores.events.append("s/a", 0, [new_event()], actor="x", effects=[("tell", b"{}")])
    (effect,) = stores.events.pending_effects()
    for _ in range(2):
        stores.events.effect_done(effect.id)
    stores.events.effect_done("nobody")
    assert stores.events.pending_effects() == ()


def test_two_effects_of_one_kind_have_ids_of_their_own(stores):
    stores.events.append("s/a", 0, [new_event()], actor="x", effects=[("tell", b"1"), ("tell", b"2")])
    assert len({e.id for e in stores.events.pending_effects()}) == 2


def test_appending_nothing_changes_nothing(stores):
    assert stores.events.append("s/a", 0, [], actor="x") == ()
    assert stores.events.streams() == ()
    with pytest.raises(ValueError, match="effects follow from events"):
        stores.events.append("s/a", 0, [], actor="x", effects=[("tell", b"{}")])
    assert stores.events.pending_effects() == ()


def test_checkpoints_name_all_heads_and_are_chained(stores, clock):
    empty = stores.events.checkpoint()
    one = stores.events.append("s/a", 0, [new_event()], actor="x")[-1]
    two = stores.events.append("s/b", 0, [new_event(), new_event()], actor="x")[-1]
    clock.advance(7)
    full = stores.events.checkpoint()
    assert stores.events.checkpoints() == (empty, full)
    assert (empty.number, empty.heads, empty.chain) == (1, {}, checkpoint_link(GENESIS, 1, AT, {}))
    assert full.heads == {"s/a": (1, one.chain), "s/b": (2, two.chain)}
    assert (full.number, full.recorded_at) == (2, AT + 7)
    assert full.chain == digest(canonical([empty.chain, 2, AT + 7, {"s/a": [1, one.chain], "s/b": [2, two.chain]}]))


def test_a_clock_that_jumps_back_does_not_reorder_events(stores, clock):
    stores.events.append("s/a", 0, [new_event("1")], actor="x")
    clock.advance(-3_600_000_000)
    stores.events.append("s/a", 1, [new_event("2")], actor="x")
    assert [e.kind for e in stores.events.read("s/a")] == ["1", "2"]
