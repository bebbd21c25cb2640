"""Changes of champion that are served leave the outbox."""

import pytest

from volant.adapters.memory.database import MemoryDatabase
from volant.adapters.memory.events import MemoryEvents
from volant.kernel.codec import canonical
from volant.kernel.events import NewEvent
from volant.registry.rules import CHAMPION_CHANGED
from volant.server.outbox import settle_champion_changes
from volant.testing.clock import CountingIds, FakeClock


@pytest.fixture
def events():
    made = MemoryEvents(MemoryDatabase(FakeClock(), CountingIds()))
    for epoch in (1, 2, 3):
        payload = canonical({"model": "bikes", "version": epoch, "epoch": epoch})
        approved = NewEvent(kind="approved", data=payload)
        made.append("model/bikes", epoch - 1, [approved], actor="ada", effects=[(CHAMPION_CHANGED, payload), ("mail", b"{}")])
    return made


def waiting(events):
    return [effect.kind for effect in events.pending_effects()]


def test_what_is_served_or_was_overtaken_is_done(events):
    assert settle_champion_changes(events, "bikes", 2) == 2
    assert waiting(events).count(CHAMPION_CHANGED) == 1
    assert settle_champion_changes(events, "bikes", 2) == 0


def test_other_effects_and_other_models_are_left_alone(events):
    assert settle_champion_changes(events, "cars", 3) == 0
    assert settle_champion_changes(events, "bikes", 3) == 3
    assert waiting(events) == ["mail"] * 3


def test_while_nothing_is_served_nothing_is_done(events):
    assert settle_champion_changes(events, "bikes", None) == 0
    assert len(waiting(events)) == 6
