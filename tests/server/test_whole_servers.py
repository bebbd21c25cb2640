import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from bikes_project import release
from server_parts import JSON, ROW, Client
from ups import Up, is_alive, launch, refused, up

from volant.access.model import Role
from volant.access.tokens import Tokens
from volant.evidence.predictions import Predictions
from volant.evidence.reading import LogReader
from volant.wiring import commands

PREDICT = json.dumps({"dataframe_records": [{**ROW, "station": "s1"}]})


def test_without_a_champion_it_starts_and_names_the_command(fresh):
    with up(fresh.root) as server:
        assert server.ask("GET", "/health")[2] == {"live": True}
        status, _, body = server.ask("GET", "/ready")
        assert (status, body["error"]["next"]) == (503, "volant run")
        commands.run(fresh)
        server.until(lambda: "bikes@1" in json.dumps(server.ask("GET", "/ready")[2]))
        assert server.ask("POST", "/invocations", PREDICT, JSON)[2]["next"].startswith("volant approve bikes@1")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.worker_port), timeout=60)


def test_a_champion_made_by_another_process_serves_within_a_moment_and_a_stop_is_clean(project):
    with up(project.root) as server:
        release(project, 1)
        server.until(lambda: server.ready() == (1, 1))
        assert server.ask("POST", "/invocations", PREDICT, JSON)[2] == {"predictions": [12.5]}
        began = time.monotonic()
        release(project, 2)
        server.until(lambda: server.ready() == (2, 2))
        assert time.monotonic() - began < 5
        worker = server.worker_pid()
        assert server.stop() == 0
        assert not is_alive(worker)
        assert project.leases.current("loop/bikes") is None
        assert server.stderr.read_text() == "what a model prints goes to standard error\n" * server.stderr.read_text().count("\n")
    assert {prediction.version for prediction in LogReader(project.log_folder).predictions()} == {1}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_other_signals_stop_it_too(project, number):
    release(project, 1)
    with up(project.root) as server:
        server.until(server.ready)
        worker = server.worker_pid()
        assert server.stop(number) == 0
        assert not is_alive(worker)


def test_a_second_signal_ends_it_at_once_and_leaves_no_worker(project):
    release(project, 1)
    with up(project.root) as server:
        server.until(server.ready)
        worker = server.worker_pid()
        slow = json.dumps({"dataframe_records": [{**ROW, "station": "s1", "city": "slow"}] * 3})
        asking = threading.Thread(target=ask_in_vain, args=(server, slow))
        asking.start()
        time.sleep(0.2)
        os.kill(server.process.pid, signal.SIGINT)
        time.sleep(0.3)
        assert server.process.poll() is None  # it still waits for the answer
        assert server.stop(signal.SIGINT) == 128 + signal.SIGINT
        asking.join()
        wait_for_end(worker)


def labels_of(project):
    """The newest label of each subject."""
    return {label.prediction_id or label.key: label.value for label in project.labels.current("bikes", project.clock.now())}


def ask_in_vain(server, body):
    with contextlib.suppress(OSError):
        server.ask("POST", "/invocations", body, JSON)


def test_labels_are_taken_before_they_are_acknowledged_and_bad_ones_name_their_field(project):
    with up(project.root) as server:
        good = {"labels": [{"prediction_id": "a.0", "label": 3}, {"key": {"station": "s1"}, "label": 4.5}]}
        for path in ("/labels", "/api/v1/labels"):
            known = labels_of(project)
            counts = {"new": 2, "corrected": 0, "repeated": 0} if not known else {"new": 0, "corrected": 0, "repeated": 2}
            assert server.ask("POST", path, json.dumps(good), JSON)[2] == counts
            assert sorted(labels_of(project).values()) == [3.0, 4.5]
        for bad, field in (
            ({"labels": [{"prediction_id": "a.0", "label": "x"}]}, "labels[0].label"),
            ({"labels": [{"key": {"town": "s1"}, "label": 1}]}, "labels[0].key"),
            ({"label": []}, "labels"),
            ([], "labels"),
        ):
            status, _, body = server.ask("POST", "/labels", json.dumps(bad), JSON)
            assert (status, body["error"]["field"]) == (422, field)
        for hostile in (b"[" * 100_000, b"\xff", b"", b"{", b'{"labels": NaN}'):
            assert server.ask("POST", "/labels", hostile, JSON)[0] == 422
        assert server.ask("POST", "/labels", b"{}", {"Content-Type": "text/plain"})[0] == 422
        assert len(labels_of(project)) == 2


def test_a_port_in_use_ends_with_6_and_says_who_holds_it(project):
    with up(project.root) as server:
        code, text = refused(project.root, port=server.port)
        assert code == 6
        assert f"Port {server.port} of 127.0.0.1 is in use" in text
        assert f"pid {server.process.pid}" in text
        assert "--port" in text
        code, text = refused(project.root, worker_port=server.port)
        assert code == 6
        assert "--worker-port" in text
        assert server.ask("GET", "/health")[0] == 200


def test_of_two_on_one_store_both_serve_one_leads_and_the_other_takes_over(project):
    release(project, 1)
    with up(project.root, lease_us=1_500_000) as first, up(project.root, lease_us=1_500_000) as second:
        assert (first.started["leads"], second.started["leads"]) == (True, False)
        assert second.started["leader"] == f"pid {first.process.pid} at {first.started['url']}"
        for server in (first, second):
            server.until(server.ready)
            assert server.ask("POST", "/invocations", PREDICT, JSON)[0] == 200
        first.kill()
        assert b"\nvolant_leader 0\n" in second.ask("GET", "/metrics")[2]
        second.until(lambda: b"\nvolant_leader 1\n" in second.ask("GET", "/metrics")[2])
        assert project.leases.current("loop/bikes").holder.startswith(f"pid {second.process.pid} ")


def test_beyond_loopback_it_does_not_start_without_a_token(project):
    code, text = refused(project.root, host="0.0.0.0")
    assert code == 2
    assert "volant tokens create NAME --role admin" in text
    code, _ = refused(project.root, require_token=True)
    assert code == 2


def test_with_a_token_required_both_ports_ask_for_it_and_heed_its_end(project):
    tokens = Tokens(project.tokens, project.clock)
    _, secret = tokens.create("ci", Role.SERVICE)
    _, reader = tokens.create("reader", Role.VIEWER)
    release(project, 1)
    with up(project.root, host="0.0.0.0") as server:
        server.until(server.ready)
        bearing = {**JSON, "Authorization": f"Bearer {secret}"}
        cookie = {**JSON, "Cookie": f"volant_token={secret}"}
        worker = Client(server.worker_port)
        for ask in (server.ask, worker.ask):
            assert ask("POST", "/invocations", PREDICT, JSON)[0] == 401
            assert ask("POST", "/invocations", PREDICT, {**JSON, "Authorization": f"Bearer {reader}"})[0] == 403
            assert ask("POST", "/invocations", PREDICT, bearing)[0] == 200
            assert ask("GET", "/health")[0] == 200
        assert server.ask("POST", "/invocations", PREDICT, cookie)[0] == 200
        assert server.ask("GET", "/metrics", headers={"Authorization": f"Bearer {reader}"})[0] == 200
        _, fresh = tokens.create("later", Role.SERVICE)
        tokens.revoke("ci")
        new = {**JSON, "Authorization": f"Bearer {fresh}"}
        server.until(lambda: server.ask("POST", "/invocations", PREDICT, bearing)[0] == 401)
        server.until(lambda: worker.ask("POST", "/invocations", PREDICT, bearing)[0] == 401)
        server.until(lambda: server.ask("POST", "/invocations", PREDICT, new)[0] == 200)
        worker.close()


class Traffic:
    """Clients that predict and label without a break while servers come and go; what was acknowledged is kept."""

    def __init__(self, port, clients=3):
        self.predictions, self.labels, self.statuses = [], [], set()
        self.port = port
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exc):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number):
        client, count = Client(self.port), 0
        while not self._stop.is_set():
            try:
                status, headers, _ = client.ask("POST", "/invocations", PREDICT, JSON)
                self.statuses.add(status)
                if status != 200:
                    time.sleep(0.01)
                    continue
                prediction = headers["x-volant-prediction-id"]
                self.predictions.append(prediction)
                count += 1
                label = {"prediction_id": f"{prediction}.0", "label": number * 1_000_000 + count}
                if client.ask("POST", "/labels", json.dumps({"labels": [label]}), JSON)[0] == 200:
                    self.labels.append((label["prediction_id"], label["label"]))
            except (OSError, http.client.HTTPException):
                client.close()
                time.sleep(0.02)
        client.close()


def test_five_kills_of_the_whole_server_under_traffic_lose_nothing_acknowledged(project):
    release(project, 1)
    server = started(project.root, 0)
    port, worker_port = server.port, server.worker_port
    try:
        with Traffic(port) as traffic:
            for _ in range(5):
                labelled_more(server, traffic)
                worker = server.worker_pid()
                server.kill()
                server.process.stdout.close()
                server = started(project.root, port, worker_port)  # at once: what is left of the old one must not be in the way
                wait_for_end(worker)
            labelled_more(server, traffic)
        assert server.stop() == 0
    finally:
        server.end()
    assert traffic.statuses <= {200, 503}
    assert len(traffic.predictions) > 150
    assert_kept(project, traffic)


def test_kills_of_the_worker_alone_under_traffic_lose_nothing_acknowledged(project):
    release(project, 1)
    with up(project.root) as server, Traffic(server.port) as traffic:
        for _ in range(3):  # each start after a death waits longer
            labelled_more(server, traffic)
            worker = server.worker_pid()
            os.kill(worker, signal.SIGKILL)
            server.until(lambda dead=worker: server.ready() and server.worker_pid() not in {None, dead}, seconds=60)
        labelled_more(server, traffic)
    assert traffic.statuses <= {200, 503}
    assert_kept(project, traffic)


def assert_kept(project, traffic):
    """What was acknowledged is there, once; the chain is whole."""
    logged = Predictions(project.log_folder, project.objects, project.segments).table("bikes")["prediction_id"].to_list()
    assert {f"{prediction}.0" for prediction in traffic.predictions} <= set(logged)
    assert len(logged) == len(set(logged))
    assert set(traffic.labels) <= set(labels_of(project).items())
    assert commands.audit_verify(project)["intact"]


def labelled_more(server, traffic):
    server.until(server.ready)
    known = len(traffic.labels)
    server.until(lambda: len(traffic.labels) > known + 30)


def wait_for_end(pid):
    deadline = time.monotonic() + 90
    while is_alive(pid):
        assert time.monotonic() < deadline, "the worker outlived its server"
        time.sleep(0.02)


def started(root, port, worker_port=0):
    process, stderr = launch(root, port=port, worker_port=worker_port)
    line = process.stdout.readline()
    assert line, stderr.read_text()
    return Up(process, json.loads(line), stderr)


def test_the_control_process_is_light(project):
    with up(project.root) as server:
        names = ("Pss:", "Rss:")
        lines = Path(f"/proc/{server.process.pid}/smaps_rollup").read_text().splitlines()
        sizes = {line.split()[0]: int(line.split()[1]) / 1024 for line in lines if line.startswith(names)}
        assert sizes["Pss:"] < 150
        maps = Path(f"/proc/{server.process.pid}/maps").read_text()
        assert not any(heavy in maps for heavy in ("numpy", "polars", "scipy", "sklearn", "pandas", "pyarrow"))


def test_serving_imports_nothing_heavy():
    code = "import sys, volant.server.run; print([m for m in sys.modules if m.split('.')[0] in sys.argv[1:]])"
    heavy = ["numpy", "polars", "scipy", "sklearn", "pandas", "pyarrow", "plotly", "starlette", "rich", "jinja2"]
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "[]"
