"""Who may ask a worker: Host and Origin, and the bearer token where tokens are needed."""

from collections.abc import Sequence

from volant.access.model import Permission, Token
from volant.access.rules import check_host, check_origin, known_hosts
from volant.access.tokens import TokenBook
from volant.kernel.clock import Clock
from volant.kernel.errors import NotAllowedError, UnauthenticatedError
from volant.serving.requests import Request

_MAX_KNOWN = 1000


class Guard:
    """Lets a request pass or raises. ``tokens`` None: nobody has to say who they are."""

    def __init__(self, tokens: Sequence[Token] | None, hosts: frozenset[str], clock: Clock) -> None:
        self._clock = clock
        self._hosts = hosts
        self._known: set[bytes] = set()
        self._book: TokenBook | None = None
        self.replace(tokens)

    @classmethod
    def of(cls, tokens: Sequence[Token] | None, bound: str, further: Sequence[str], clock: Clock) -> "Guard":
        """A guard that knows the names of a server bound to an address."""
        return cls(tokens, known_hosts(bound, further), clock)

    def replace(self, tokens: Sequence[Token] | None) -> None:
        """Accept these tokens from now on and no earlier ones. May be called from another thread."""
        self._book = None if tokens is None else TokenBook(self._clock, tokens)

    def check_names(self, request: Request) -> None:
        """Host must name this server, and no other site's page may ask. Hosts seen before cost one look-up."""
        host = request.headers.get(b"host", b"")
        if host not in self._known:
            check_host(host.decode("latin-1"), self._hosts)
            if len(self._known) < _MAX_KNOWN:
                self._known.add(host)
        if b"origin" in request.headers or b"sec-fetch-site" in request.headers:
            named = {name: request.header(name.encode()) for name in ("host", "origin", "sec-fetch-site")}
            check_origin(request.method, {name: value for name, value in named.items() if value is not None})

    def check_permission(self, request: Request, permission: Permission) -> None:
        """The bearer token's role must grant the permission. Digests are looked up, so timing tells nothing of a secret."""
        if self._book is None:
            return
        scheme, _, secret = (request.header(b"authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise UnauthenticatedError("A token is needed.", next_step="send the header Authorization: Bearer TOKEN")
        if not self._book.principal(secret.strip()).may(permission):
            raise NotAllowedError("The token's role may not do this.", found=f"needs {permission.value}")
