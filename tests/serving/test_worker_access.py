"""Who may ask a worker: tokens and their roles, Host, Origin."""

import json

import pytest
from serving_workers import ROW
from worker_entry import BINARY

from volant.access.model import Permission, Role, Token
from volant.config.model import ServeConfig
from volant.kernel.codec import canonical
from volant.kernel.digests import digest
from volant.serving.app import Public, WorkerApp
from volant.serving.guard import Guard
from volant.serving.metrics import WorkerMetrics
from volant.serving.spec import Update, WorkerSpec
from volant.testing.clock import FakeClock


def token(name, role, **changes):
    return Token(**{"name": name, "role": role, "digest": digest(name.encode()), "created_at": 0} | changes)


TOKENS = (
    token("robot", Role.SERVICE),
    token("viewer", Role.VIEWER),
    token("old", Role.ADMIN, expires_at=1),
    token("gone", Role.ADMIN, revoked_at=1),
)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    from serving_workers import start

    worker = start(tmp_path_factory.mktemp("guarded"), tokens=TOKENS)
    yield worker
    worker.stop()


def predict(worker, **headers):
    return worker.post({"instances": [ROW]}, **headers)


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        ("", 401),
        ("Bearer", 401),
        ("Bearer ", 401),
        ("Basic robot", 401),
        ("Bearer nobody", 401),
        ("Bearer old", 401),
        ("Bearer gone", 401),
        ("Bearer " + digest(b"robot"), 401),
        ("Bearer viewer", 403),
        ("Bearer robot", 200),
        ("bearer robot", 200),
    ],
)
def test_a_prediction_needs_a_live_token_whose_role_may(guarded, authorization, status):
    headers = {} if authorization is None else {"Authorization": authorization}
    got, answer_headers, body = predict(guarded, **headers)
    assert got == status
    assert ("www-authenticate" in answer_headers) == (status == 401)
    if status != 200:
        assert body["error"]
        assert "robot" not in json.dumps(body)


def test_health_needs_no_token_and_metrics_needs_reading(guarded):
    assert guarded.ask("GET", "/v2/health/ready")[0] == 200
    assert guarded.ask("GET", "/metrics")[0] == 401
    assert guarded.ask("GET", "/metrics", headers={"Authorization": "Bearer viewer"})[0] == 200
    assert guarded.ask("GET", "/metrics", headers={"Authorization": "Bearer robot"})[0] == 403


def test_an_unauthenticated_body_is_not_read_or_judged(guarded):
    assert guarded.post(b"not json")[0] == 401


def test_tokens_can_be_replaced_while_serving(start_worker):
    worker = start_worker(tokens=TOKENS)
    assert predict(worker, Authorization="Bearer robot")[0] == 200
    worker.process.stdin.write(b"nonsense\n" + canonical(Update(tokens=(token("new", Role.SERVICE),))) + b"\n")
    worker.process.stdin.flush()
    for _ in range(200):
        if predict(worker, Authorization="Bearer new")[0] == 200:
            break
    assert predict(worker, Authorization="Bearer robot")[0] == 401
    assert predict(worker, Authorization="Bearer new")[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil:80", "", "evil@x", "[::1", "127.0.0.2"])
@pytest.mark.parametrize("path", ["/invocations", "/health", "/metrics", "/v2/health/live", "/nowhere"])
def test_a_foreign_host_name_is_refused_on_every_route(worker, host, path):
    assert worker.ask("GET", path, headers={"Host": host})[0] in {403, 422}


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:9"])
def test_our_own_names_are_answered(worker, host):
    assert worker.ask("GET", "/health", headers={"Host": host})[0] == 200


@pytest.mark.parametrize(("origin", "status"), [("http://evil.example", 403), ("null", 403), ("http://localhost:3000", 403), ("own", 200)])
def test_pages_of_other_sites_are_refused(worker, origin, status):
    assert predict(worker, Origin=f"http://127.0.0.1:{worker.port}" if origin == "own" else origin)[0] == status
    assert predict(worker, Sec_Fetch_Site="same-origin" if origin == "own" else "cross-site")[0] == status


def test_further_names_can_be_allowed(start_worker):
    worker = start_worker(allowed_hosts=("model.example",))
    assert worker.ask("GET", "/health", headers={"Host": "model.example:443"})[0] == 200
    assert worker.ask("GET", "/health", headers={"Host": "other.example"})[0] == 403


def test_every_route_declares_who_may_ask():
    spec = WorkerSpec(
        worker="w", package="p", objects="/o", log="/l", scratch="/s", model="bikes", version=1, epoch=1, limits=ServeConfig()
    )
    guard = Guard.of(TOKENS, "127.0.0.1", (), FakeClock())
    app = WorkerApp(spec, BINARY, predictor=None, guard=guard, metrics=WorkerMetrics(spec), state=lambda: (0, 0))
    routes = {f"{method} {path}": route.permission for path, methods in app.routes.items() for method, route in methods.items()}
    assert all(isinstance(permission, Permission | Public) for permission in routes.values())
    public = {name for name, permission in routes.items() if permission is Public.ANYONE}
    assert {name for name in routes if name.startswith("POST")} & public == set()
    assert {name.split("/")[-1] for name in public} == {"version", "ready", "v2", "live", "health", "ping"}
