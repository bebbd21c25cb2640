"""A registry over the stores of both adapters."""

import pytest

from volant.registry.service import Registry
from volant.testing.clock import CountingIds, FakeClock
from volant.wiring.stores import memory_stores, sqlite_stores


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture(params=["memory", "sqlite"])
def stores(request, tmp_path, clock):
    if request.param == "memory":
        yield memory_stores(clock, CountingIds())
        return
    opened = sqlite_stores(tmp_path / "state", clock, CountingIds())
    yield opened
    opened.tx.close()


@pytest.fixture
def registry(stores):
    return Registry(tx=stores.tx, events=stores.events, models=stores.models, gates=stores.gates)
