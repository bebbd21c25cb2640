"""The head of a request, and its body read under a limit."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from volant.kernel.errors import InvalidInputError, TooLargeError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BODY_SECONDS = 60
MAX_ID = 128


class Disconnected(Exception):  # noqa: N818 - no error of ours: the client went away
    """The client closed the connection before its body was complete."""


class Request:
    """The parts of an ASGI request that routes look at. ``headers`` keeps the last of a repeated header."""

    __slots__ = ("headers", "method", "path", "receive", "started_ns")

    def __init__(self, scope: Message, receive: Receive, started_ns: int) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.receive = receive
        self.started_ns = started_ns

    def header(self, name: bytes) -> str | None:
        """A header's value, or None."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def content_type(self) -> str:
        """The media type in lower case without parameters; empty if none is given."""
        return self.headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()

    def request_id(self) -> str | None:
        """The client's own name for this request, ``X-Request-Id``."""
        value = self.header(b"x-request-id")
        return None if value is None else valid_request_id(value)

    async def body(self, limit: int) -> bytes:
        """The whole body. ``TooLargeError`` beyond ``limit`` bytes, before or while reading; ``Disconnected``."""
        declared = self.headers.get(b"content-length")
        if declared is not None and declared.isdigit() and int(declared) > limit:
            raise _too_large(limit)
        message = await self.receive()
        if not message.get("more_body", False):
            return _part(message, limit)
        parts = [_part(message, limit)]
        try:
            async with asyncio.timeout(BODY_SECONDS):
                await self._rest(parts, limit)
        except TimeoutError as error:
            raise InvalidInputError(f"The body did not arrive within {BODY_SECONDS} seconds.", next_step="send it faster") from error
        return b"".join(parts)

    async def _rest(self, parts: list[bytes], limit: int) -> None:
        size = len(parts[0])
        more = True
        while more:
            message = await self.receive()
            part = _part(message, limit - size)
            size += len(part)
            parts.append(part)
            more = message.get("more_body", False)


def _part(message: Message, limit: int) -> bytes:
    if message["type"] == "http.disconnect":
        raise Disconnected
    part: bytes = message.get("body", b"")
    if len(part) > limit:
        raise _too_large(limit)
    return part


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(
        "The body is too large.", found=f"more than {limit} bytes", next_step="send fewer rows, or raise serve.max_body_bytes"
    )


def valid_request_id(value: str) -> str:
    """The id, if it is one: 1 to 128 printable ASCII characters."""
    if not 0 < len(value) <= MAX_ID or not value.isascii() or not value.isprintable():
        raise InvalidInputError(f"A request id has 1 to {MAX_ID} printable ASCII characters.", found=repr(value)[:60], field="id")
    return value
