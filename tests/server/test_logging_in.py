import pytest
from server_parts import app_of, ask, listening

from volant.access.model import Permission, Role, Token
from volant.access.routes import Response, Route
from volant.access.tokens import TokenBook, secret_digest
from volant.server.login import own_path, routes
from volant.testing.clock import FakeClock

TOKEN = Token(name="ada", role=Role.APPROVER, digest=secret_digest("vol_ada"), created_at=0)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def whoami(request):
    return Response(body=request.principal.name.encode())


@pytest.fixture(scope="module")
def port(loop):
    page = Route(
        method="GET",
        path="/page",
        needs=Permission.READ,
        summary="",
        handler=lambda request: Response(body=request.principal.name.encode()),
    )
    book = TokenBook(FakeClock(), [TOKEN])
    with listening(loop, app_of([*routes(book), page], asks=True, tokens=[TOKEN])) as number:
        yield number


def test_a_posted_token_becomes_a_cookie_that_opens_pages(port):
    status, headers, _ = ask(port, "POST", "/login", "token=vol_ada&next=%2Fpage", FORM)
    assert (status, headers["location"]) == (303, "/page")
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert ask(port, "GET", "/page", headers={"Cookie": cookie.split(";")[0]})[2] == b"ada"


@pytest.mark.parametrize("body", ["token=vol_wrong", "token=", "", "next=/page", "token=" + "x" * 5000])
def test_a_wrong_token_sets_no_cookie(port, body):
    status, headers, _ = ask(port, "POST", "/login", body, FORM)
    assert status in {401, 422}
    assert "set-cookie" not in headers


def test_the_form_is_public_and_cannot_be_made_to_hold_markup(port):
    status, headers, page = ask(port, "GET", "/login?next=/%22%3E%3Cscript%3E")
    assert status == 200
    assert headers["content-type"].startswith("text/html")
    assert b"<script>" not in page


def test_a_foreign_page_cannot_log_a_browser_in(port):
    assert ask(port, "POST", "/login", "token=vol_ada", {**FORM, "Origin": "http://evil.example"})[0] == 403


def test_logging_out_forgets_the_cookie(port):
    status, headers, _ = ask(port, "POST", "/logout")
    assert status == 303
    assert "Max-Age=0" in headers["set-cookie"]


@pytest.mark.parametrize("text", ["//evil.example", "/\\evil.example", "http://evil.example", "", "page", "/a\r\nset-cookie: x", "/é"])
def test_a_login_leads_to_no_other_site(text):
    assert own_path(text) == "/"


def test_a_login_leads_back_to_where_it_was_asked_for():
    assert own_path("/models/bikes?x=1#gate") == "/models/bikes?x=1#gate"
