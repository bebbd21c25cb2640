import re
import socket

import pytest
from server_parts import ask, listening

from volant.access.model import GRANTS, Role
from volant.access.routes import PUBLIC, Permission
from volant.access.tokens import Tokens
from volant.server.control import Address, Control
from volant.server.openapi import describe

OPEN_TO_ALL = {
    "GET /health",
    "GET /ready",
    "GET /ping",
    "GET /version",
    "GET /v2",
    "GET /v2/health/live",
    "GET /v2/health/ready",
    "GET /api/v1/openapi.json",
    "GET /login",
    "POST /login",
    "POST /logout",
}


class Walked:
    """A control process that asks for tokens, its table, and one secret per role."""

    def __init__(self, control, port, secrets):
        self.routes = control.app.table.routes
        self.port = port
        self.secrets = secrets

    def ask(self, route, secret=None, **headers):
        path = re.sub(r"\{[^}]+\}", "1", route.path)
        bearing = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        return ask(self.port, route.method, path, b"" if route.method == "POST" else None, bearing | headers)


@pytest.fixture
def walked(loop, fresh):
    project = fresh
    tokens = Tokens(project.tokens, project.clock)
    secrets = {role: tokens.create(role.value, role)[1] for role in Role}
    with socket.socket() as worker_socket:
        worker_socket.bind(("127.0.0.1", 0))

        async def build():
            control = Control(project, Address(host="127.0.0.1", port=1, worker_port=2), worker_socket, asks=True)
            control.book.replace(tokens.live())
            return control

        control = loop.run(build())
        with listening(loop, control.app) as port:
            yield Walked(control, port, secrets)


def test_only_what_is_listed_here_is_open_to_all(walked):
    assert {f"{route.method} {route.path}" for route in walked.routes if route.needs is PUBLIC} == OPEN_TO_ALL


def test_every_other_route_asks_for_a_token(walked):
    closed = [route for route in walked.routes if route.needs is not PUBLIC]
    assert len(closed) >= 18
    for route in closed:
        status, _, body = walked.ask(route)
        assert (status, body["error"]["code"]) == (401, "unauthenticated"), route
        assert walked.ask(route, "vol_wrong")[0] == 401, route


def test_every_route_refuses_roles_that_lack_its_permission(walked):
    for route in walked.routes:
        if route.needs is PUBLIC:
            continue
        for role in Role:
            if route.needs not in GRANTS[role]:
                assert walked.ask(route, walked.secrets[role])[0] == 403, (route, role)


def test_every_route_that_changes_something_refuses_pages_of_other_sites(walked):
    for route in walked.routes:
        assert route.method in {"GET", "POST"}
        if route.method == "POST":
            assert walked.ask(route, walked.secrets[Role.ADMIN], Origin="http://evil.example")[0] == 403, route


def test_every_route_refuses_foreign_hosts(walked):
    for route in walked.routes:
        assert walked.ask(route, walked.secrets[Role.ADMIN], Host="evil.example")[0] == 403, route


def test_decisions_need_the_permission_to_approve_and_labels_the_one_to_label(walked):
    needs = {f"{route.method} {route.path}": route.needs for route in walked.routes}
    for verb in ("approve", "reject"):
        assert needs[f"POST /api/v1/models/{{model}}/versions/{{number}}/{verb}"] is Permission.APPROVE
    assert needs["POST /labels"] is needs["POST /api/v1/labels"] is Permission.LABEL
    assert needs["POST /invocations"] is Permission.PREDICT
    assert needs["GET /metrics"] is Permission.READ


def test_the_description_names_every_route_for_programs(walked):
    status, _, document = ask(walked.port, "GET", "/api/v1/openapi.json")
    assert status == 200
    assert document == describe(walked.routes)
    described = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    declared = {f"{route.method} {route.path.replace(':path}', '}')}" for route in walked.routes if "log" not in route.path}
    assert described == declared
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["x-permission"] in {"public", *Permission}
        assert (operation["security"] == []) is (operation["x-permission"] == "public")


def test_bodies_of_decisions_are_read_strictly(walked):
    secret = {"Authorization": f"Bearer {walked.secrets[Role.APPROVER]}", "Content-Type": "application/json"}
    path = "/api/v1/models/bikes/versions/1/approve"
    for body, field in (
        (b"{}", "reason"),
        (b'{"reason": ""}', "reason"),
        (b'{"reason": "  "}', "reason"),
        (b'{"reason": 1}', "reason"),
        (b'{"reason": "' + b"x" * 2001 + b'"}', "reason"),
        (b'{"reason": "ok", "overide": true}', "overide"),
        (b'{"reason": "ok", "override": "yes"}', "override"),
        (b"[]", None),
        (b"{", None),
    ):
        status, _, answer = ask(walked.port, "POST", path, body, secret)
        assert (status, answer["error"]["field"]) == (422, field)
    assert ask(walked.port, "POST", path, b'{"reason": "' + b"x" * 70_000 + b'"}', secret)[0] == 413
    for number in ("x", "0", "-1"):
        wrong = f"/api/v1/models/bikes/versions/{number}/approve"
        assert ask(walked.port, "POST", wrong, b'{"reason": "ok"}', secret)[0] == 422
    assert ask(walked.port, "POST", "/api/v1/models/cars/versions/1/approve", b'{"reason": "ok"}', secret)[0] == 404
