"""One POST to an address that the operator wrote: bounded in time, following nothing, believing only the status line."""

import asyncio
import os
import socket
import ssl
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple
from urllib.parse import urlsplit

from volant import __version__
from volant.adapters.notify.resolving import addresses
from volant.kernel.clock import SECOND_US
from volant.monitoring.alert_ports import Undelivered

SECONDS = 5.0  # for the whole exchange, so that a receiver that trickles does not hold it up
LARGEST_HEAD = 16 * 1024


class Address(NamedTuple):
    """Where a POST goes."""

    secure: bool
    host: str
    port: int
    path: str
    authority: str


def address(url: str) -> Address:
    """The parts of an ``http`` or ``https`` address. :class:`Undelivered`, not naming it, if it is none that can be used."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode() if not _numeric(parts.hostname) else str(parts.hostname)
    except ValueError as error:  # UnicodeError is one
        raise Undelivered("its address cannot be read") from error
    if parts.scheme not in {"http", "https"} or not host or not url.isascii() or not url.isprintable() or " " in url:
        raise Undelivered("its address is not one like https://HOST/PATH")
    if parts.username is not None or parts.password is not None:
        raise Undelivered("its address holds a user name or password, which is not supported")
    secure = parts.scheme == "https"
    shown = f"[{host}]" if ":" in host else host
    authority = shown if port is None else f"{shown}:{port}"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(secure=secure, host=host, port=port or (443 if secure else 80), path=path, authority=authority)


def _numeric(host: str | None) -> bool:
    return host is not None and ":" in host


async def post(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float = SECONDS) -> str:
    """Send JSON. Returns what was answered, from 200 to 299; every other outcome raises :class:`Undelivered`."""
    to = address(url)
    try:
        async with asyncio.timeout(seconds):
            status, wait_us = await _exchange(to, _request(to, body, headers), seconds)
    except TimeoutError as error:
        raise Undelivered(f"no answer within {seconds:g} s") from error
    except socket.gaierror as error:
        raise Undelivered("its host name is not known") from error
    except ssl.SSLError as error:
        raise Undelivered("no secure connection: its certificate or protocol is not accepted") from error
    except OSError as error:
        raise Undelivered(os.strerror(error.errno).lower() if error.errno else "the connection broke") from error
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        raise Undelivered("its answer is no HTTP") from error
    if 300 <= status < 400:
        raise Undelivered(f"it answered {status}, and redirects are not followed")
    if not 200 <= status < 300:
        raise Undelivered(f"it answered {status}", wait_us)
    return f"it answered {status}"


def _request(to: Address, body: bytes, headers: Mapping[str, str]) -> bytes:
    fields = {
        "Host": to.authority,
        "User-Agent": f"volant/{__version__}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {to.path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


async def _exchange(to: Address, request: bytes, seconds: float) -> tuple[int, int]:
    """Status, and how long the receiver asks to be left alone, in microseconds."""
    reader, writer = await _connected(to, seconds)
    try:
        writer.write(request)
        await writer.drain()
        status = 100
        while 100 <= status < 200:  # interim answers
            head = await reader.readuntil(b"\r\n\r\n")
            status = _status(head)
        return status, _retry_after(head)
    finally:
        writer.close()


async def _connected(to: Address, seconds: float) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To the first of the host's addresses that takes the connection; each gets its share of the time."""
    found = await addresses(to.host, to.port)
    secure, name = (_trusted(), to.host) if to.secure else (None, None)
    failure: OSError = ConnectionError("no address")
    for number in found:
        try:
            async with asyncio.timeout(seconds / len(found)):
                return await asyncio.open_connection(number, to.port, limit=LARGEST_HEAD, ssl=secure, server_hostname=name)
        except OSError as error:  # TimeoutError is one
            failure = error
    raise failure


@cache
def _trusted() -> ssl.SSLContext:
    """The machine's certificate authorities; ``SSL_CERT_FILE`` names others."""
    return ssl.create_default_context()


def _status(head: bytes) -> int:
    """Of the status line. ``ValueError`` if it is none."""
    version, _, rest = head.partition(b" ")
    code = rest[:3]
    if not version.startswith(b"HTTP/1.") or len(code) != 3 or not code.isdigit():
        raise ValueError("no status line")
    return int(code)


def _retry_after(head: bytes) -> int:
    """Microseconds of a ``Retry-After`` in seconds; 0 for anything else."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        seconds = value.strip()
        if name.strip().lower() == b"retry-after" and seconds.isdigit() and len(seconds) < 10:
            return int(seconds) * SECOND_US
    return 0
