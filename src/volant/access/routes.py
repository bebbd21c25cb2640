"""What a route is: path, method, what it needs, and who answers. API and pages declare theirs in these words.

The server denies whatever is not declared. A route says which permission it needs; being open to everybody has to be
said too (``PUBLIC``).
"""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs

from volant.access.model import Permission, Principal
from volant.kernel.codec import Value
from volant.kernel.errors import InvalidInputError, VolantError

KIB = 1024
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
HTML = "text/html; charset=utf-8"


class Public(StrEnum):
    """Needs nobody to be known."""

    PUBLIC = "public"


PUBLIC = Public.PUBLIC


class Request(Value, frozen=True, kw_only=True):
    """A whole request after Host, Origin, token, permission and size were checked.

    ``params`` are the values of ``{name}`` in the path, percent-decoded one by one; ``query`` holds the last value of
    each name; ``headers`` have lower-case names.
    """

    method: str
    path: str
    principal: Principal | None = None
    params: dict[str, str] = {}
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: bytes = b""

    @property
    def wants_page(self) -> bool:
        """Whether a browser asks, and not a program."""
        return "text/html" in self.headers.get("accept", "")

    def json(self) -> Any:
        """The body as JSON. ``InvalidInputError`` if it is declared as something else or cannot be read."""
        import orjson

        self._must_be(JSON)
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise InvalidInputError("The body is not JSON.", found=str(error)[:200], next_step="send valid UTF-8 JSON") from error

    def form(self) -> dict[str, str]:
        """The fields of a posted HTML form. ``InvalidInputError`` if the body is something else."""
        self._must_be(FORM)
        try:
            text = self.body.decode()
            fields = parse_qs(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict", max_num_fields=100)
        except ValueError as error:  # UnicodeDecodeError is one
            raise InvalidInputError("The form cannot be read.", found=str(error)[:200]) from error
        return {name: values[-1] for name, values in fields.items()}

    def _must_be(self, wanted: str) -> None:
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != wanted:
            raise InvalidInputError(
                f"The body must be {wanted}.",
                found=kind[:80] or "no Content-Type",
                next_step=f"set Content-Type: {wanted}",
                field="Content-Type",
            )


class Response(Value, frozen=True, kw_only=True):
    """An answer. The server adds security headers unless they are set here; ``headers`` have lower-case names."""

    body: bytes = b""
    status: int = 200
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


Handler = Callable[[Request], Response]
Stream = Callable[[Any, Any, Any], Awaitable[None]]  # an ASGI application: scope, receive, send
ErrorPage = Callable[[Request, VolantError, int], Response]


class Route(Value, frozen=True, kw_only=True):
    """One declaration.

    ``path`` may hold ``{name}`` for one segment and, at its end, ``{name:path}`` for one or more. ``handler`` runs in
    a thread, or on the event loop where ``inline`` says that it neither waits nor computes. ``stream`` is for bodies
    that are passed on while they arrive; ``lasting`` where it goes on until the client leaves, so that its duration says
    nothing. Exactly one of the two is given.
    """

    method: str
    path: str
    needs: Permission | Public
    summary: str
    handler: Handler | None = None
    stream: Stream | None = None
    inline: bool = False
    lasting: bool = False
    max_body: int = 64 * KIB
    query: Mapping[str, str] = {}  # name -> what it means, for the API description
    body: Mapping[str, str] = {}  # field -> what it means, for the API description


def json_response(value: object, status: int = 200) -> Response:
    """An answer with a value as JSON."""
    import orjson

    return Response(body=orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS), status=status)


def redirect(to: str) -> Response:
    """``303 See Other``: after a form was posted."""
    return Response(status=303, headers=(("location", to),), content_type=HTML)
