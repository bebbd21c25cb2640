import socket

import pytest
from server_parts import app_of, ask, listening

from volant.access.model import GRANTS, Permission, Role, Token
from volant.access.routes import PUBLIC, Request, Response, Route, json_response
from volant.access.tokens import secret_digest
from volant.kernel.errors import UserCodeError

TOKENS = tuple(Token(name=f"a-{role.value}", role=role, digest=secret_digest(f"vol_{role.value}"), created_at=0) for role in Role)


def echo(request: Request) -> Response:
    return json_response({"who": request.principal and request.principal.name, "body": len(request.body), "query": request.query})


def fail(_request):
    raise RuntimeError("a secret of the inside")


def fail_in_words(_request):
    raise UserCodeError("It raised.", found="<script>", details=("/inside/path", "Traceback"))


def needing(needs, method="POST"):
    return Route(method=method, path=f"/{needs.value}", needs=needs, summary="", handler=echo, max_body=1000)


ROUTES = [
    *(needing(permission) for permission in Permission),
    needing(PUBLIC),
    needing(Permission.READ, "GET"),
    Route(method="GET", path="/fails", needs=PUBLIC, summary="", handler=fail),
    Route(method="GET", path="/raises", needs=PUBLIC, summary="", handler=fail_in_words),
]


@pytest.fixture(scope="module")
def asking(loop):
    with listening(loop, app_of(ROUTES, asks=True, tokens=TOKENS)) as port:
        yield port


@pytest.fixture(scope="module")
def local(loop):
    with listening(loop, app_of(ROUTES, tokens=TOKENS)) as port:
        yield port


def bearing(secret):
    return {"Authorization": f"Bearer {secret}"}


def test_every_role_may_exactly_what_it_is_granted(asking):
    for role in Role:
        for permission in Permission:
            status, _, body = ask(asking, "POST", f"/{permission.value}", b"", bearing(f"vol_{role.value}"))
            assert status == (200 if permission in GRANTS[role] else 403), (role, permission, body)


def test_without_a_token_only_public_routes_answer(asking):
    assert ask(asking, "POST", "/public")[0] == 200
    for permission in Permission:
        status, headers, body = ask(asking, "POST", f"/{permission.value}")
        assert status == 401
        assert headers["www-authenticate"] == "Bearer"
        assert body["error"]["code"] == "unauthenticated"


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer ", "Bearer vol_wrong", "Basic dXNlcg==", "vol_admin", "Bearer vol_admin, Bearer vol_admin"]
)
def test_a_wrong_token_opens_nothing(asking, value):
    assert ask(asking, "POST", "/read", b"", {"Authorization": value})[0] == 401


def test_two_tokens_in_one_request_open_nothing(asking):
    with socket.create_connection(("127.0.0.1", asking)) as raw:
        raw.sendall(b"GET /read HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer vol_admin\r\nAuthorization: Bearer x\r\n\r\n")
        assert b" 401 " in raw.recv(1000).split(b"\r\n")[0]


def test_the_login_cookie_is_a_token(asking):
    assert ask(asking, "GET", "/read", headers={"Cookie": "a=b; volant_token=vol_viewer"})[2]["who"] == "a-viewer"
    assert ask(asking, "GET", "/read", headers={"Cookie": "volant_token=vol_nobody"})[0] == 401


def test_on_loopback_without_tokens_the_local_person_is_admin(local):
    assert ask(local, "POST", "/admin")[2]["who"] == "local"
    assert ask(local, "POST", "/approve", b"", bearing("vol_viewer"))[0] == 403
    assert ask(local, "POST", "/read", b"", bearing("vol_wrong"))[0] == 401
    assert ask(local, "GET", "/read", headers={"Cookie": "volant_token=old"})[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "localhost@evil.example"])
def test_a_foreign_host_is_refused_everywhere(local, host):
    for path in ("/read", "/public", "/nothing"):
        status, _, body = ask(local, "GET", path, headers={"Host": host})
        assert status in {403, 422}
        assert body["error"]["field"] == "Host"


def test_two_host_headers_are_refused(local):
    with socket.create_connection(("127.0.0.1", local)) as raw:
        raw.sendall(b"GET /read HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
        assert b" 4" in raw.recv(1000).split(b"\r\n")[0]


def test_a_foreign_page_cannot_change_anything(local):
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        for path in ("/admin", "/public"):
            assert ask(local, "POST", path, b"", headers)[0] == 403
    assert ask(local, "POST", "/admin", b"", {"Origin": f"http://127.0.0.1:{local}", "Sec-Fetch-Site": "same-origin"})[0] == 200


def test_answers_carry_security_headers_and_no_server_name(local):
    for path in ("/read", "/nothing", "/fails"):
        headers = ask(local, "GET", path)[1]
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


def test_bodies_over_the_limit_are_refused_before_and_while_they_are_read(local):
    assert ask(local, "POST", "/read", b"x" * 1000)[2]["body"] == 1000
    assert ask(local, "POST", "/read", b"x" * 1001)[0] == 413
    assert ask(local, "POST", "/read", (b"x" * 100 for _ in range(30)))[0] == 413


def test_a_head_without_end_is_refused(local):
    with socket.create_connection(("127.0.0.1", local)) as raw:
        raw.settimeout(60)
        raw.sendall(b"GET /read HTTP/1.1\r\nHost: localhost\r\n")
        answer = b""
        try:
            for number in range(100):
                raw.sendall(b"X-%d: %s\r\n" % (number, b"a" * 4000))
            answer = raw.recv(1000)
        except (ConnectionResetError, BrokenPipeError):
            pass
        assert answer == b"" or b" 400 " in answer


def test_a_defect_is_told_without_its_inside(local, capfd):
    status, _, body = ask(local, "GET", "/fails")
    assert (status, body["error"]["code"]) == (500, "internal")
    assert "secret of the inside" not in str(body)
    assert "secret of the inside" in capfd.readouterr().err


def test_errors_are_json_for_programs_and_a_page_for_browsers(local, asking):
    status, _, body = ask(local, "GET", "/raises")
    assert status == 500
    assert body == {"error": {"code": "user_code", "what": "It raised.", "found": "<script>", "next": None, "field": None}}
    status, headers, page = ask(local, "GET", "/raises", headers={"Accept": "text/html"})
    assert status == 500
    assert headers["content-type"].startswith("text/html")
    assert b"&lt;script&gt;" in page
    assert b"<script>" not in page
    status, headers, _ = ask(asking, "GET", "/read", headers={"Accept": "text/html"})
    assert (status, headers["location"]) == (303, "/login?next=/read")


def test_an_unknown_address_and_method_say_so(local):
    assert ask(local, "GET", "/nothing")[0] == 404
    status, headers, _ = ask(local, "DELETE", "/read")
    assert (status, headers["allow"]) == (405, "GET, POST")
    assert ask(local, "GET", "/read/../read")[0] == 404
    status, _, body = ask(local, "HEAD", "/read")
    assert (status, body) == (200, b"")


def test_queries_are_read_without_failing(local):
    assert ask(local, "GET", "/read?a=1&a=2&b=")[2]["query"] == {"a": "2", "b": ""}
    assert ask(local, "GET", "/read?%ff=%fe&&=")[0] == 200
    assert ask(local, "GET", "/read?" + "&".join(f"a{n}=1" for n in range(500)))[2]["query"] == {}


def test_a_connection_that_never_finishes_its_head_is_closed(loop):
    with listening(loop, app_of(ROUTES), head_seconds=0.3) as port, socket.create_connection(("127.0.0.1", port)) as raw:
        raw.settimeout(60)
        raw.sendall(b"GET /read HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 200")
        raw.sendall(b"GET /read HTTP/1.1\r\nHost: loc")
        while raw.recv(1000):
            pass
        with socket.create_connection(("127.0.0.1", port)) as silent:
            silent.settimeout(60)
            assert silent.recv(10) == b""
