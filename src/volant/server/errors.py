"""How an error looks to a program and, where no page is at hand, to a person's browser."""

from html import escape

import orjson

from volant.access.routes import HTML, Request, Response
from volant.kernel.errors import HTTP_STATUS, VolantError
from volant.server.table import MethodNotAllowedError


def status_of(error: VolantError) -> int:
    """The HTTP status of an error."""
    return 405 if isinstance(error, MethodNotAllowedError) else HTTP_STATUS[error.code]


def error_headers(error: VolantError, status: int) -> tuple[tuple[str, str], ...]:
    """Headers that belong to the status."""
    if isinstance(error, MethodNotAllowedError):
        return (("allow", ", ".join(error.allowed)),)
    return {401: (("www-authenticate", "Bearer"),), 503: (("retry-after", "1"),)}.get(status, ())


def error_json(error: VolantError, status: int) -> Response:
    """``{"error": {"code", "what", "found", "next", "field"}}``. Tracebacks stay inside."""
    record = {"code": error.code, "what": error.what, "found": error.found, "next": error.next_step, "field": error.field}
    return Response(status=status, body=orjson.dumps({"error": record}))


def plain_page(request: Request, error: VolantError, status: int) -> Response:
    """A page without looks, for when the pages of the UI are not there."""
    del request
    lines = [("Found", error.found), ("Next", error.next_step)]
    rest = "".join(f"<p>{name}: {escape(text)}</p>" for name, text in lines if text)
    login = '<p><a href="/login">Log in</a></p>' if status == 401 else ""
    body = f"<!doctype html><html lang=en><meta charset=utf-8><title>{status}</title><h1>{escape(error.what)}</h1>{rest}{login}</html>"
    return Response(status=status, body=body.encode(), content_type=HTML)
