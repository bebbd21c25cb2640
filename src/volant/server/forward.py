"""Inference on the control process's port: passed on to the champion's worker while it streams in.

Bodies are limited and re-framed, headers that belong to one connection are removed, and nothing is sent twice: what
the worker may have answered (and logged) is not asked again on the client's behalf.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from volant.access.model import Permission
from volant.access.routes import PUBLIC, Public, Route
from volant.kernel.errors import InvalidInputError, TooLargeError, UnavailableError, VolantError
from volant.server.cookies import COOKIE, cookie_value
from volant.server.upstream import Connection, Upstream, UpstreamClosedError
from volant.serving.replies import error_reply

ANSWER_SECONDS = 60.0
BODY_SECONDS = 60.0
_HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"})
_NOT_PASSED_ON = _HOP_BY_HOP | {b"host", b"content-length", b"cookie", b"origin", b"referer", b"expect", b"proxy-authorization"}
_NOT_PASSED_BACK = _HOP_BY_HOP | {b"date", b"server"}


class ClientGoneError(Exception):
    """The client closed the connection before its body was complete."""


class Forwarder:
    """An ASGI application. ``target`` is the worker that serves now; while there is none, ``why_not`` says why."""

    def __init__(self, why_not: Callable[[], VolantError], *, max_body: int) -> None:
        self.target: Upstream | None = None
        self._why_not = why_not
        self._max_body = max_body

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass one request on."""
        started = False

        async def answer(message: dict[str, Any]) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._forward(scope, receive, answer)
        except ClientGoneError:
            return
        except VolantError as error:
            if started:
                raise  # the connection is cut: the client must not take half an answer for a whole one
            await _refuse(error, send)

    async def _forward(self, scope: Any, receive: Any, send: Any) -> None:
        target = self.target
        if target is None:
            raise self._why_not()
        body = _Body(scope, receive, self._max_body)
        first = await body.first()
        try:
            async with target.connection() as connection:
                await connection.send(_head(scope, target, body) + body.framed(first))
                await body.rest(connection)
                await asyncio.wait_for(connection.head(), ANSWER_SECONDS)
                await _pass_back(connection, send)
        except TimeoutError as error:
            raise UnavailableError(
                "The worker did not answer in time.",
                found=f"nothing within {ANSWER_SECONDS:.0f} seconds",
                next_step="send fewer rows at once",
            ) from error
        except OSError as error:
            raise self._lost(target, error) from error

    def _lost(self, target: Upstream, error: OSError) -> VolantError:
        if self.target is not target and not isinstance(error, UpstreamClosedError):
            return self._why_not()
        return UnavailableError(
            "The worker ended before it answered.",
            found="the connection to it was closed",
            next_step="send the request again; with the same X-Request-Id it is predicted once",
        )


def inference_routes(stream: Forwarder) -> tuple[Route, ...]:
    """What is passed on to the worker. Its own table decides on what is below ``/v2``."""

    def route(method: str, path: str, needs: Permission | Public, summary: str) -> Route:
        return Route(method=method, path=path, needs=needs, summary=summary, stream=stream)

    return (
        route("POST", "/invocations", Permission.PREDICT, "Predict, in MLflow's scoring protocol."),
        route("GET", "/ping", PUBLIC, "Whether the worker is alive, for MLflow clients."),
        route("GET", "/version", PUBLIC, "The version, for MLflow clients."),
        route("GET", "/v2", PUBLIC, "Server metadata, Open Inference Protocol."),
        route("GET", "/v2/health/live", PUBLIC, "Liveness, Open Inference Protocol."),
        route("GET", "/v2/health/ready", PUBLIC, "Readiness, Open Inference Protocol."),
        route("GET", "/v2/models/{rest:path}", Permission.PREDICT, "Model metadata and readiness, Open Inference Protocol."),
        route("POST", "/v2/models/{rest:path}", Permission.PREDICT, "Predict, Open Inference Protocol."),
    )


class _Body:
    """A request's body on its way through: counted, and framed as the worker expects it."""

    def __init__(self, scope: Any, receive: Any, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._size = 0
        self._more = True
        self.length = _declared_length(scope)
        if self.length is not None and self.length > limit:
            raise self._too_large()

    @property
    def chunked(self) -> bool:
        """Whether the length is unknown when the head is sent."""
        return self.length is None and self._more

    async def first(self) -> bytes:
        """The first part; usually all there is."""
        try:
            part = await asyncio.wait_for(self._part(), BODY_SECONDS)
        except TimeoutError as error:
            raise _too_slow() from error
        if not self._more:
            self.length = len(part)
        return part

    async def _part(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part: bytes = message.get("body", b"")
        self._more = message.get("more_body", False)
        self._size += len(part)
        if self._size > self._limit:
            raise self._too_large()
        return part

    def framed(self, part: bytes) -> bytes:
        """A part as it goes over the wire."""
        if self.length is not None or not part:
            return part
        return b"%x\r\n%b\r\n" % (len(part), part)

    async def rest(self, connection: Connection) -> None:
        """Send what is still to come, unless the worker has answered already."""
        chunked = self.chunked
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for part in self._parts():
                    if connection.answered:
                        return
                    await connection.send(self.framed(part))
            if chunked:
                await connection.send(b"0\r\n\r\n")
        except TimeoutError as error:
            raise _too_slow() from error
        except UpstreamClosedError:
            if not connection.answered:  # else it had seen enough to say no
                raise

    async def _parts(self) -> AsyncIterator[bytes]:
        while self._more:
            part = await self._part()
            if part:
                yield part

    def _too_large(self) -> TooLargeError:
        return TooLargeError(
            "The body is too large.", found=f"more than {self._limit} bytes", next_step="send fewer rows, or raise serve.max_body_bytes"
        )


def _declared_length(scope: Any) -> int | None:
    value = next((value for name, value in scope["headers"] if name == b"content-length"), None)
    return int(value) if value is not None and value.isdigit() and len(value) < 19 else None


def _too_slow() -> InvalidInputError:
    return InvalidInputError(f"The body did not arrive within {BODY_SECONDS:.0f} seconds.", next_step="send it faster")


def _head(scope: Any, target: Upstream, body: _Body) -> bytes:
    """Request line and headers for the worker. HEAD is asked as GET: the server drops the body itself."""
    method = b"GET" if scope["method"] == "HEAD" else scope["method"].encode("ascii")
    path = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    dropped = _NOT_PASSED_ON | _named_by_connection(scope["headers"])
    lines = [method + b" " + path + b" HTTP/1.1", f"host: {_authority(target)}".encode()]
    lines += [name + b": " + value for name, value in scope["headers"] if name not in dropped]
    lines += _bearer(scope["headers"])
    if body.chunked:
        lines.append(b"transfer-encoding: chunked")
    elif body.length or method != b"GET":
        lines.append(b"content-length: %d" % (body.length or 0))
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _authority(target: Upstream) -> str:
    return f"[{target.host}]:{target.port}" if ":" in target.host else f"{target.host}:{target.port}"


def _named_by_connection(headers: list[tuple[bytes, bytes]]) -> frozenset[bytes]:
    values = [value for name, value in headers if name == b"connection"]
    return frozenset(word.strip().lower() for value in values for word in value.split(b","))


def _bearer(headers: list[tuple[bytes, bytes]]) -> list[bytes]:
    """A browser's login cookie, said in the worker's words."""
    if any(name == b"authorization" for name, _ in headers):
        return []
    secret = next(
        (found for name, value in headers if name == b"cookie" and (found := cookie_value(value.decode("latin-1"), COOKIE))), None
    )
    return [] if secret is None else [b"authorization: Bearer " + secret.encode("latin-1")]


async def _pass_back(connection: Connection, send: Any) -> None:
    status, headers = await connection.head()
    await connection.begun()
    dropped = _NOT_PASSED_BACK | _named_by_connection(headers)
    kept = [(name, value) for name, value in headers if name not in dropped]
    await send({"type": "http.response.start", "status": status, "headers": kept})
    async for chunk in connection.chunks():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _refuse(error: VolantError, send: Any) -> None:
    reply = error_reply(error)
    headers = [(b"content-type", reply.content_type), (b"content-length", b"%d" % len(reply.body)), *reply.headers]
    if reply.status == 503:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
