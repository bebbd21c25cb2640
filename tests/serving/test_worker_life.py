"""Starting, stopping, crashing and restarting a worker: nothing acknowledged is lost."""

import http.client
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from serving_workers import ENTRY, ROW, start

from volant.evidence.frames import SEGMENT_SUFFIX
from volant.evidence.model import Outcome
from volant.serving.sockets import bind


def test_a_worker_that_is_told_to_stop_ends_with_zero_and_lets_a_running_answer_finish(start_worker):
    worker = start_worker()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(worker.post({"instances": [ROW | {"city": "slow"}] * 300})))
    thread.start()
    time.sleep(0.3)
    assert worker.stop() == 0
    thread.join()
    assert [status for status, _, _ in answers] == [200]
    assert worker.logged()[-1].outcome is Outcome.OK


def test_a_worker_ends_when_its_supervisor_is_gone(start_worker):
    worker = start_worker()
    worker.process.stdin.close()
    assert worker.process.wait(90) == 0


def test_a_killed_supervisor_leaves_no_worker_behind(tmp_path):
    script = f"""
import sys, json
sys.path.insert(0, {str(ENTRY.parent)!r})
from pathlib import Path
from serving_workers import start
worker = start(Path({str(tmp_path)!r}))
print(worker.process.pid, flush=True)
import time
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the worker outlived its supervisor")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"package": "broken"}, "internal"),
        ({"host": "not an address"}, "usage"),
        ({"host": "0.0.0.0"}, "usage"),
        ({"fd": 77}, "unavailable"),
        ({"log": "/proc/nowhere"}, "unavailable"),
    ],
)
def test_a_worker_that_cannot_serve_says_why_and_ends(start_worker, changes, code):
    process, said = start_worker(**changes)
    assert said["error"]["code"] == code
    assert process.wait(90) == 1


def test_a_taken_port_is_a_conflict(start_worker):
    with bind("127.0.0.1", 0) as taken:
        _, said = start_worker(port=taken.getsockname()[1])
    assert said["error"]["code"] == "conflict"


def test_two_workers_cannot_share_a_log_folder(start_worker):
    start_worker(worker="same")
    _, said = start_worker(worker="same")
    assert said["error"]["code"] == "conflict"


def traffic(port, acknowledged, stop):
    """Send rows until told to stop, remembering the id of every answer that arrived."""
    number = 0
    while not stop.is_set():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            while not stop.is_set():
                number += 1
                body = json.dumps({"instances": [ROW | {"temp": float(number)}]})
                connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    acknowledged.append(answer.getheader("X-Volant-Prediction-Id"))
        except (OSError, http.client.HTTPException):
            time.sleep(0.01)
        finally:
            connection.close()


def test_five_kills_under_traffic_lose_nothing_that_was_acknowledged(start_worker):
    acknowledged, stop = [], threading.Event()
    port = None
    threads = []
    for _ in range(5):
        worker = start_worker(port=port or 0)
        if port is None:
            port = worker.port
            threads = [threading.Thread(target=traffic, args=(port, acknowledged, stop)) for _ in range(4)]
            for thread in threads:
                thread.start()
        so_far = len(acknowledged)
        while len(acknowledged) < so_far + 60:
            time.sleep(0.01)
        assert worker.stop(signal.SIGKILL) == -signal.SIGKILL
    stop.set()
    for thread in threads:
        thread.join()
    assert len(acknowledged) >= 300
    logged = [p.id for p in worker.logged()]
    assert set(acknowledged) <= set(logged)
    assert len(logged) == len(set(logged))


def test_a_request_id_is_recognised_by_the_next_worker(start_worker):
    first = start_worker()
    status, headers, body = first.post({"instances": [ROW]}, X_Request_Id="survivor")
    assert first.stop(signal.SIGKILL) == -signal.SIGKILL
    second = start_worker(version=4, epoch=3)
    again = second.post({"instances": [ROW]}, X_Request_Id="survivor")
    assert (status, body) == (again[0], again[2])
    assert headers["x-volant-prediction-id"] == again[1]["x-volant-prediction-id"]
    assert second.post({"instances": [ROW | {"temp": 0.0}]}, X_Request_Id="survivor")[0] == 409
    assert len(second.logged()) == 1


@pytest.mark.parametrize(("point", "logged"), [("log.before_write", 0), ("log.written", 1)])
def test_a_kill_between_prediction_and_answer_acknowledges_nothing(start_worker, point, logged):
    worker = start_worker(environment={"VOLANT_CRASH_AT": point})
    with pytest.raises((OSError, http.client.HTTPException)):
        worker.post({"instances": [ROW]}, X_Request_Id="once")
    assert len(worker.logged()) == logged
    assert start_worker().post({"instances": [ROW]}, X_Request_Id="once")[0] == 200
    assert len(worker.logged()) == 1


def test_a_full_disk_is_a_503_and_the_worker_recovers(start_worker):
    worker = start_worker()
    assert worker.post({"instances": [ROW]})[0] == 200
    (file,) = worker.log.glob(f"*/*{SEGMENT_SUFFIX}")
    unlimited = resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, (file.stat().st_size + 10, resource.RLIM_INFINITY))
    status, _, body = worker.post({"instances": [ROW]}, X_Request_Id="full")
    assert (status, body["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert str(worker.log) not in body["error"]
    assert worker.ask("GET", "/v2/health/live")[0] == 200
    resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, unlimited)
    assert worker.post({"instances": [ROW]}, X_Request_Id="full")[0] == 200
    assert len(worker.logged()) == 2


def test_a_model_that_ends_the_process_acknowledges_nothing(start_worker):
    worker = start_worker()
    with pytest.raises((OSError, http.client.HTTPException)):
        worker.post({"instances": [ROW | {"city": "exit"}]})
    assert worker.process.wait(90) == 3
    assert worker.logged() == []


def test_what_the_model_prints_does_not_reach_the_supervisors_line(tmp_path):
    worker = start(tmp_path, stderr=subprocess.PIPE)
    worker.post({"instances": [ROW]})
    os.kill(worker.process.pid, signal.SIGTERM)
    out, errors = worker.process.communicate(timeout=120)
    assert out == b""
    assert b"what a model prints" in errors
