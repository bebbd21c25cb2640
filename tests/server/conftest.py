import pytest
from server_parts import LoopThread


@pytest.fixture(scope="module")
def loop():
    thread = LoopThread()
    yield thread
    thread.close()
