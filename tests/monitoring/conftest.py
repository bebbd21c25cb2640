"""A clock that stands still, and stores in memory and on disk under it."""

import pytest

from volant.testing.clock import CountingIds, FakeClock
from volant.wiring.stores import memory_stores, sqlite_stores


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture(params=["memory", "sqlite"])
def stores(request, tmp_path, clock):
    ids = CountingIds()
    opened = memory_stores(clock, ids) if request.param == "memory" else sqlite_stores(tmp_path / "state", clock, ids)
    yield opened
    if request.param == "sqlite":
        opened.tx.close()
