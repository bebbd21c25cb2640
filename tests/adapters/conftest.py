"""The stores of both adapters, under a test's clock and ids."""

import pytest

from volant.testing.clock import CountingIds, FakeClock
from volant.wiring.stores import memory_stores, sqlite_stores


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def ids():
    return CountingIds()


@pytest.fixture(params=["memory", "sqlite"])
def stores(request, tmp_path, clock, ids):
    """One of each port; a test that takes this runs over each adapter."""
    if request.param == "memory":
        yield memory_stores(clock, ids)
        return
    opened = sqlite_stores(tmp_path / "state", clock, ids)
    yield opened
    opened.tx.close()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def disk(folder, clock, ids):
    """The stores on disk."""
    opened = sqlite_stores(folder, clock, ids)
    yield opened
    opened.tx.close()
