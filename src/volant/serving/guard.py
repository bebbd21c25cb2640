"""Who may ask: Host and Origin, and the bearer token where tokens are needed."""

from urllib.parse import urlsplit

from volant.access.model import Permission
from volant.kernel.clock import Clock
from volant.kernel.digests import digest
from volant.kernel.errors import NotAllowedError, UnauthenticatedError
from volant.serving.requests import Request
from volant.serving.spec import LOOPBACK_HOSTS, Tokens


class Guard:
    """Lets a request pass or raises ``NotAllowedError`` or ``UnauthenticatedError``.

    A page of a foreign site can make a browser ask a server on the same machine; it cannot make it name that server
    as its host (or it is the page's own name, after DNS rebinding), nor hide its own origin.
    """

    def __init__(self, tokens: Tokens, hosts: tuple[str, ...], clock: Clock) -> None:
        self._tokens = tokens
        self._hosts = frozenset(host.lower() for host in (*LOOPBACK_HOSTS, *hosts))
        self._known_hosts: set[bytes] = set()
        self._clock = clock

    def check_host(self, request: Request) -> None:
        """Host and Origin must name this server."""
        host = request.headers.get(b"host", b"")
        if host not in self._known_hosts:
            if not self._is_ours(f"//{host.decode('latin-1')}"):
                raise NotAllowedError("This server does not answer to that host name.", next_step="use the address it was started with")
            self._remember(host)
        origin = request.header(b"origin")
        if origin is not None and not self._is_ours(origin):
            raise NotAllowedError("Pages of other sites may not ask this server.")

    def check_permission(self, request: Request, permission: Permission) -> None:
        """The bearer token's role must grant the permission; without tokens everybody may."""
        if not self._tokens.needed:
            return
        scheme, _, secret = (request.header(b"authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise UnauthenticatedError("A token is needed.", next_step="send the header Authorization: Bearer TOKEN")
        # Stored digests are looked up, not secrets compared: timing tells nothing about a secret.
        granted = self._tokens.allows(digest(secret.strip().encode("latin-1")), permission, self._clock.now())
        if granted is None:
            raise UnauthenticatedError("The token is not valid.", next_step="ask for a new one: volant tokens")
        if not granted:
            raise NotAllowedError("The token's role may not do this.", found=f"needs {permission.value}")

    def _is_ours(self, address: str) -> bool:
        if "*" in self._hosts:
            return True
        try:
            name = urlsplit(address).hostname or ""
        except ValueError:
            return False
        return (f"[{name}]" if ":" in name else name) in self._hosts

    def _remember(self, host: bytes) -> None:
        if len(self._known_hosts) < 1000:
            self._known_hosts.add(host)
