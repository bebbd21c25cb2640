"""Who has to say who they are, and which Host and Origin a request may name. Pure decisions."""

import ipaddress
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from volant.access.model import Token
from volant.kernel.errors import InvalidInputError, NotAllowedError, UsageError

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD"})
CREATE_TOKEN = "volant tokens create NAME --role admin"  # noqa: S105 - a command, not a secret


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address. Names other than ``localhost`` count as reachable."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_live(token: Token, now: int) -> bool:
    """Whether the token is neither revoked nor past its end."""
    return token.revoked_at is None and (token.expires_at is None or token.expires_at > now)


def must_ask(host: str, *, require_token: bool, live_tokens: int) -> bool:
    """Whether callers need a token. ``UsageError`` when they would and there is none to be had."""
    if not require_token and is_loopback(host):
        return False
    if live_tokens == 0:
        why = "it was asked to require a token" if is_loopback(host) else f"{host} can be reached from other machines"
        raise UsageError(
            "The server does not start without a token that callers could use.",
            found=f"no live token, and {why}",
            next_step=f"{CREATE_TOKEN}   (or bind to 127.0.0.1)",
            field="host",
        )
    return True


def known_hosts(bound: str, configured: Iterable[str] = ()) -> frozenset[str]:
    """Names under which the server may be asked: where it is bound, this machine's own names, and what was configured."""
    return LOCAL_NAMES | {host.strip("[]").lower() for host in (bound, *configured) if host}


def host_name(header: str) -> str | None:
    """The name in a ``Host`` header, lower case, without port and brackets; None if it is not one host."""
    if not header or any(sign in header for sign in "/@?#\\ \t,"):
        return None
    try:
        parts = urlsplit(f"//{header}")
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    return parts.hostname


def check_host(header: str, hosts: frozenset[str]) -> None:
    """``NotAllowedError`` unless the ``Host`` header names this server: a page that rebinds its name cannot."""
    name = host_name(header)
    if name is None:
        raise InvalidInputError("The Host header is missing or is no host.", found=header[:100] or "nothing", field="Host")
    if name not in hosts:
        raise NotAllowedError(
            "This server does not answer under that host name.",
            found=name[:100],
            next_step=f"volant up --allow-host {name[:100]}",
            field="Host",
        )


def check_origin(method: str, headers: Mapping[str, str]) -> None:
    """``NotAllowedError`` when a browser says that another site's page sends a request that changes something.

    Browsers set ``Origin`` and ``Sec-Fetch-Site`` and pages cannot; programs send neither and pass.
    """
    if method in SAFE_METHODS:
        return
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    foreign = origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
    if foreign or site not in {None, "same-origin", "none"}:
        raise NotAllowedError(
            "Pages of other sites may not change anything here.",
            found=f"Origin {origin[:100]}" if origin else f"Sec-Fetch-Site {str(site)[:40]}",
            next_step="open this server's own pages, or use its API from a program",
            field="Origin",
        )
