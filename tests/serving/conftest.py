"""Workers for tests."""

import pytest
from serving_workers import Worker, start


@pytest.fixture
def start_worker(tmp_path):
    """Start workers whose log is below ``tmp_path``; all are stopped afterwards."""
    started = []

    def begin(**options):
        worker = start(tmp_path, **options)
        started.append(worker)
        return worker

    yield begin
    for worker in started:
        if isinstance(worker, Worker):
            worker.stop()
        else:
            process, _ = worker
            process.stdin.close()
            process.stdout.close()
            process.wait(90)


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    """One worker for all tests of a module that leave it as they found it."""
    running = start(tmp_path_factory.mktemp("worker"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    running = start(tmp_path_factory.mktemp("classifier"), package="sign", key=(), time=None)
    yield running
    running.stop()
