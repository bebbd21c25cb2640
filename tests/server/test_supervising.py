import http.client
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager

import pytest
from server_parts import SLOW_ROW, Client, Launching, app_of, ask, listening

from volant.evidence.reading import LogReader
from volant.kernel.errors import UnavailableError
from volant.server.addresses import reserve
from volant.server.forward import Forwarder, inference_routes
from volant.server.standing import Champion, Phase, why_not
from volant.server.supervise import Supervisor

FIRST = Champion(version=1, epoch=1, package="sum")
SECOND = Champion(version=2, epoch=2, package="sum")
BROKEN = Champion(version=3, epoch=3, package="broken")


class Serving:
    """A supervisor behind a forwarding server, with real workers."""

    def __init__(self, loop, folder, shared):
        self.loop = loop
        self.folder = folder
        self.launch = Launching(folder, shared)
        self.shared_port = shared.getsockname()[1]
        self.supervisor = None
        self.port = None

    def want(self, champion):
        self.loop.loop.call_soon_threadsafe(self.supervisor.want, champion)

    @property
    def standing(self):
        return self.supervisor.standing

    def until(self, condition, seconds=90):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.standing
            time.sleep(0.01)

    def until_serving(self, champion):
        self.want(champion)
        self.until(lambda: (self.standing.phase, self.standing.version) == (Phase.SERVING, champion.version))

    def logged(self):
        return list(LogReader(self.folder / "log").predictions())


@pytest.fixture
def serving(loop, tmp_path):
    with open_serving(loop, tmp_path) as made:
        yield made


@contextmanager
def open_serving(loop, folder):
    with reserve("127.0.0.1", 0) as shared:
        made = Serving(loop, folder, shared)
        waits = UnavailableError("There is no model yet.", next_step="volant run")
        forwarder = Forwarder(lambda: why_not(made.standing, "bikes", made.supervisor.error, waits), max_body=10**6)

        async def build():
            return Supervisor(made.launch, lambda upstream: setattr(forwarder, "target", upstream))

        made.supervisor = loop.run(build())
        with listening(loop, app_of(inference_routes(forwarder))) as made.port:
            running = loop.loop.call_soon_threadsafe
            task = loop.run(_spawn(made.supervisor.run()))
            yield made
            running(made.supervisor.stop)
            loop.run(_joined(task))
    for worker in made.launch.started:
        assert worker.returncode is not None, "a worker was left behind"


async def _spawn(coroutine):
    import asyncio

    return asyncio.create_task(coroutine)


async def _joined(task):
    await task


class Traffic:
    """Clients that ask without a break on one connection each, and keep what they were answered."""

    def __init__(self, port, clients=4, row=None):
        self.statuses, self.acknowledged, self.trouble = [], [], []
        self._port, self._row = port, row
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exc):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self):
        client = Client(self._port)
        while not self._stop.is_set():
            try:
                status, headers, _ = client.predict(**({} if self._row is None else {"row": self._row}))
            except (OSError, http.client.HTTPException) as error:
                self.trouble.append(repr(error))
                client.close()
                continue
            self.statuses.append(status)
            if status == 200:
                self.acknowledged.append(headers["x-volant-prediction-id"])
        client.close()


def test_the_champion_is_served_on_both_ports(serving):
    assert ask(serving.port, "GET", "/ping")[0] == 503
    serving.until_serving(FIRST)
    for port in (serving.port, serving.shared_port):
        client = Client(port)
        assert client.predict()[2] == {"predictions": [12.5]}
        client.close()
    assert {prediction.version for prediction in serving.logged()} == {1}
    assert serving.standing.pid == serving.launch.started[0].pid


@pytest.mark.parametrize("which", ["port", "shared_port"])
def test_a_swap_under_traffic_fails_no_request(serving, which):
    serving.until_serving(FIRST)
    with Traffic(getattr(serving, which)) as traffic:
        for champion in (SECOND, Champion(version=1, epoch=3, package="sum"), Champion(version=4, epoch=4, package="sum")):
            time.sleep(0.2)
            serving.until_serving(champion)
        time.sleep(0.3)
    assert traffic.trouble == []
    assert set(traffic.statuses) == {200}
    logged = serving.logged()
    assert set(traffic.acknowledged) <= {prediction.id for prediction in logged}
    assert {prediction.epoch for prediction in logged} == {1, 2, 3, 4}
    by_time = sorted(logged, key=lambda prediction: prediction.at)
    assert by_time[-1].epoch == 4
    serving.until(lambda: all(worker.returncode == 0 for worker in serving.launch.started[:-1]))
    assert serving.standing.restarts == 0


def test_a_request_that_is_on_its_way_is_answered_by_the_worker_it_went_to(serving):
    serving.until_serving(FIRST)
    with Traffic(serving.port, clients=1, row=SLOW_ROW) as traffic:
        time.sleep(0.3)
        serving.until_serving(SECOND)
    assert traffic.trouble == []
    assert set(traffic.statuses) == {200}


def test_a_killed_worker_comes_back_and_nothing_acknowledged_is_lost(serving):
    serving.until_serving(FIRST)
    with Traffic(serving.port) as traffic:
        for turn in range(2):
            time.sleep(0.3)
            pid = serving.standing.pid
            os.kill(pid, signal.SIGKILL)
            serving.until(lambda pid=pid: serving.standing.phase is Phase.SERVING and serving.standing.pid != pid)
            assert serving.standing.restarts == turn + 1
            known = len(traffic.acknowledged)
            serving.until(lambda known=known: len(traffic.acknowledged) > known + 10)
    assert traffic.trouble == []  # the control process answered everything
    assert set(traffic.statuses) <= {200, 503}
    logged = {prediction.id for prediction in serving.logged()}
    assert set(traffic.acknowledged) <= logged


def test_while_the_worker_is_loaded_again_the_answer_says_so(serving):
    serving.until_serving(FIRST)
    serving.launch.delay = 1.0
    os.kill(serving.standing.pid, signal.SIGKILL)
    serving.until(lambda: serving.standing.phase is not Phase.SERVING)
    status, headers, body = ask(serving.port, "POST", "/invocations", b"{}", {"Content-Type": "application/json"})
    assert (status, headers["retry-after"]) == (503, "1")
    assert "bikes@1 is being started again" in body["error"]
    assert "signal 9" in body["error"]


def test_a_champion_that_cannot_start_is_tried_again_and_said(serving):
    serving.want(BROKEN)
    serving.until(lambda: serving.standing.error is not None)
    assert serving.standing.phase is Phase.WAITING
    assert "no such package" in serving.standing.error
    serving.until_serving(FIRST)
    assert serving.standing.error is None


def test_a_new_champion_that_cannot_start_leaves_the_old_one_serving(serving):
    serving.until_serving(FIRST)
    with Traffic(serving.port, clients=1) as traffic:
        serving.want(BROKEN)
        serving.until(lambda: serving.standing.error is not None)
        time.sleep(0.8)  # longer than the first delay: it is tried again
        assert (serving.standing.phase, serving.standing.version, serving.standing.wanted) == (Phase.SERVING, 1, 3)
    assert set(traffic.statuses) == {200}
    serving.until_serving(SECOND)


def test_a_champion_that_changes_again_while_it_is_loaded_is_not_served(serving):
    serving.until_serving(FIRST)
    serving.launch.delay = 0.5
    serving.want(SECOND)
    time.sleep(0.1)
    serving.until_serving(Champion(version=4, epoch=4, package="sum"))
    assert {worker.returncode for worker in serving.launch.started} == {0, None} or len(serving.launch.started) == 2
    client = Client(serving.port)
    client.predict()
    client.close()
    assert {prediction.version for prediction in serving.logged()} == {4}


def test_a_worker_that_dies_while_its_successor_is_loaded_is_replaced_by_it(serving):
    serving.until_serving(FIRST)
    serving.launch.delay = 0.5
    serving.want(SECOND)
    time.sleep(0.1)
    os.kill(serving.standing.pid, signal.SIGKILL)
    serving.until(lambda: serving.standing.version == 2)
    assert serving.standing.restarts == 1


def test_a_program_that_is_no_worker_is_refused_and_reaped(serving):
    serving.launch.command = (sys.executable, "-c", "print('hello', flush=True); import time; time.sleep(60)")
    serving.want(FIRST)
    serving.until(lambda: serving.standing.error is not None)
    serving.launch.command = (sys.executable, "-c", "raise SystemExit(7)")
    serving.want(SECOND)
    serving.until(lambda: "ended before it was ready" in (serving.standing.error or ""))


def test_stopping_lets_the_worker_finish_its_answer(loop, tmp_path):
    with open_serving(loop, tmp_path) as serving:
        serving.until_serving(FIRST)
        answers = []
        client = Client(serving.port)
        asking = threading.Thread(target=lambda: answers.append(client.predict(SLOW_ROW)[0]))
        asking.start()
        time.sleep(0.3)
    asking.join()
    client.close()
    assert answers == [200]
    assert serving.launch.started[0].returncode == 0
