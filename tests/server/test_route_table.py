import pytest

from volant.access.routes import PUBLIC, Response, Route
from volant.kernel.errors import InternalError, InvalidInputError, NotFoundError
from volant.server.table import MethodNotAllowedError, RouteTable


def route(method, path):
    return Route(method=method, path=path, needs=PUBLIC, summary=path, handler=lambda _request: Response())


TABLE = RouteTable(
    [
        route("GET", "/"),
        route("GET", "/runs"),
        route("POST", "/runs"),
        route("GET", "/runs/{id}"),
        route("GET", "/runs/newest"),
        route("GET", "/models/{model}/versions/{number}"),
        route("POST", "/models/{model}/versions/{number}/approve"),
        route("GET", "/static/{name:path}"),
        route("GET", "/static/{kind}/info"),
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "declared", "params"),
    [
        ("GET", b"/", "/", {}),
        ("HEAD", b"/runs", "/runs", {}),
        ("GET", b"/runs/abc", "/runs/{id}", {"id": "abc"}),
        ("GET", b"/runs/newest", "/runs/newest", {}),
        ("GET", b"/models/b%20k/versions/3", "/models/{model}/versions/{number}", {"model": "b k", "number": "3"}),
        ("GET", b"/static/a/b/c.js", "/static/{name:path}", {"name": "a/b/c.js"}),
        ("GET", b"/static/js/info", "/static/{kind}/info", {"kind": "js"}),
        ("GET", b"/runs/a%2Fb", "/runs/{id}", {"id": "a/b"}),
    ],
)
def test_paths_find_their_route(method, path, declared, params):
    found, values = TABLE.find(method, path)
    assert (found.path, values) == (declared, params)


@pytest.mark.parametrize(
    "path", [b"/nothing", b"/runs/", b"/runs/a/b", b"//", b"/runs//", b"/static/", b"/%2Fruns", b"/models//versions/1"]
)
def test_what_is_not_declared_is_not_there(path):
    with pytest.raises(NotFoundError):
        TABLE.find("GET", path)


def test_an_encoded_slash_does_not_make_another_path():
    with pytest.raises(NotFoundError):
        TABLE.find("POST", b"/models/a%2Fversions/3/approve")


@pytest.mark.parametrize("path", [b"", b"runs", b"*", b"/%ff", b"/runs/%00", b"/runs/a%0d%0ab", b"/" + b"a" * 5000])
def test_paths_that_are_none_are_refused(path):
    with pytest.raises(InvalidInputError):
        TABLE.find("GET", path)


def test_another_method_is_told_which_there_are():
    with pytest.raises(MethodNotAllowedError) as refused:
        TABLE.find("DELETE", b"/runs")
    assert refused.value.allowed == ("GET", "POST")


@pytest.mark.parametrize("twice", ["/runs", "/runs/{id}"])
def test_two_declarations_of_one_route_are_a_defect(twice):
    with pytest.raises(InternalError, match="twice"):
        RouteTable([route("GET", twice), route("GET", twice.replace("id", "name"))])


def test_a_route_without_handler_is_a_defect():
    with pytest.raises(InternalError):
        RouteTable([Route(method="GET", path="/x", needs=PUBLIC, summary="")])
