"""The ASGI application: guard, find the route, read the body under its limit, answer, count."""

import asyncio
import sys
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter_ns
from typing import Any
from urllib.parse import parse_qs, quote

from volant.access.model import Principal
from volant.access.routes import ErrorPage, Request, Response, Route
from volant.kernel.errors import InternalError, InvalidInputError, TooLargeError, UnauthenticatedError, VolantError
from volant.server.errors import error_headers, error_json, plain_page, status_of
from volant.server.guard import SECURITY_HEADERS, Guard
from volant.server.metrics import ControlMetrics
from volant.server.table import RouteTable

THREADS = 8
BODY_SECONDS = 60.0
_SECURITY = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


class ClientGoneError(Exception):
    """The client closed the connection before its body was complete."""


class App:
    """Answers every request of the control process; handlers run in a few threads."""

    def __init__(self, table: RouteTable, guard: Guard, metrics: ControlMetrics, *, error_page: ErrorPage = plain_page) -> None:
        self.table = table
        self._guard = guard
        self._metrics = metrics
        self._error_page = error_page
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="handler")

    def close(self) -> None:
        """Take no further work."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI entry. Only HTTP is spoken."""
        if scope["type"] != "http":
            return
        exchange = _Exchange(scope, receive, send)
        try:
            await self._answer(exchange)
        except ClientGoneError:
            return
        finally:
            label = exchange.route.path if exchange.route else "none"
            method = scope["method"] if exchange.route else "any"
            taken = 0 if exchange.route and exchange.route.lasting else perf_counter_ns() - exchange.started_ns
            self._metrics.answered(method, label, exchange.status, taken)

    async def _answer(self, exchange: "_Exchange") -> None:
        try:
            principal = self._admit(exchange)
            assert exchange.route is not None
            if exchange.route.stream is not None:
                await exchange.route.stream(exchange.scope, exchange.receive, exchange.send)
                return
            response = await self._handle(exchange, exchange.route, principal)
        except VolantError as error:
            response = self._refusal(exchange, error)
        except ClientGoneError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer and the log the trace
            traceback.print_exception(error, file=sys.stderr)
            response = self._refusal(exchange, InternalError("The server failed.", next_step="its output has the traceback"))
        if not exchange.status:
            await exchange.respond(response)

    def _admit(self, exchange: "_Exchange") -> Principal | None:
        self._guard.check_place(exchange.method, exchange.headers)
        exchange.route, exchange.params = self.table.find(exchange.method, exchange.scope["raw_path"])
        return self._guard.permit(exchange.route.needs, exchange.headers)

    async def _handle(self, exchange: "_Exchange", route: Route, principal: Principal | None) -> Response:
        body = await exchange.body(route.max_body)
        request = exchange.request(principal, body)
        assert route.handler is not None
        if route.inline:
            return route.handler(request)
        return await asyncio.get_running_loop().run_in_executor(self._threads, route.handler, request)

    def _refusal(self, exchange: "_Exchange", error: VolantError) -> Response:
        status = status_of(error)
        request = exchange.request(None, b"")
        if not request.wants_page or request.path.startswith("/api/"):
            response = error_json(error, status)
        elif isinstance(error, UnauthenticatedError) and exchange.method in {"GET", "HEAD"}:
            return Response(status=303, headers=(("location", f"/login?next={quote(request.path)}"),))
        else:
            response = self._error_page(request, error, status)
        headers = (*response.headers, *error_headers(error, status))
        return Response(status=status, body=response.body, content_type=response.content_type, headers=headers)


class _Exchange:
    """One request and its answer on the way."""

    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        self.started_ns = perf_counter_ns()
        self.scope = scope
        self.receive = receive
        self._send = send
        self.method: str = scope["method"]
        self.headers = _joined(scope["headers"])
        self.route: Route | None = None
        self.params: dict[str, str] = {}
        self.status = 0

    async def send(self, message: dict[str, Any]) -> None:
        """Pass a message on; the head gets the security headers it does not set itself."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = {name for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(header for header in _SECURITY if header[0] not in given)]
        await self._send(message)

    async def respond(self, response: Response) -> None:
        """Send a whole answer."""
        headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in response.headers]
        headers += [(b"content-type", response.content_type.encode()), (b"content-length", b"%d" % len(response.body))]
        await self.send({"type": "http.response.start", "status": response.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": response.body})

    def request(self, principal: Principal | None, body: bytes) -> Request:
        """The request as handlers see it."""
        return Request(
            method=self.method,
            path=self.scope["path"],
            principal=principal,
            params=self.params,
            query=_query(self.scope["query_string"]),
            headers=dict(self.headers),
            body=body,
        )

    async def body(self, limit: int) -> bytes:
        """The whole body. ``TooLargeError`` beyond the limit, before it is read where its length is declared."""
        declared = self.headers.get("content-length", "")
        if declared.isdigit() and int(declared[:19]) > limit:
            raise _too_large(limit)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await self._read(limit)
        except TimeoutError as error:
            raise InvalidInputError(f"The body did not arrive within {BODY_SECONDS:.0f} seconds.", next_step="send it faster") from error

    async def _read(self, limit: int) -> bytes:
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            part = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
            more = message.get("more_body", False)
        return b"".join(parts)


def _joined(headers: list[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Headers by name. Repeated ones are joined, so that none hides behind another."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        separator = "; " if name == "cookie" else ", "
        joined[name] = f"{joined[name]}{separator}{value}" if name in joined else value
    return joined


def _query(raw: bytes) -> dict[str, str]:
    if not raw:
        return {}
    try:
        fields = parse_qs(raw.decode("ascii"), keep_blank_values=True, errors="replace", max_num_fields=100)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in fields.items()}


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError("The body is too large.", found=f"more than {limit} bytes", next_step="send less at once")
