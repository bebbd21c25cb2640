import pytest
from server_parts import LoopThread


@pytest.fixture
def loop():
    thread = LoopThread()
    yield thread
    thread.close()
