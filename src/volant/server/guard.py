"""Everything a request must pass before a handler sees it, and the headers every answer carries."""

from collections.abc import Mapping

from volant.access.model import Permission, Principal
from volant.access.routes import PUBLIC, Public, Route
from volant.access.rules import check_host, check_origin
from volant.access.tokens import LOCAL, TokenBook
from volant.kernel.errors import NotAllowedError, UnauthenticatedError
from volant.server.cookies import COOKIE, cookie_value

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """Host, Origin, token and permission. ``asks`` says whether callers have to show a token at all."""

    def __init__(self, book: TokenBook, *, asks: bool, hosts: frozenset[str]) -> None:
        self._book = book
        self.asks = asks
        self.hosts = hosts

    def check_place(self, method: str, headers: Mapping[str, str]) -> None:
        """Host and Origin, for every request, declared or not."""
        check_host(headers.get("host", ""), self.hosts)
        check_origin(method, headers)

    def principal(self, headers: Mapping[str, str]) -> Principal | None:
        """Who asks; None if nobody says so and somebody should. ``UnauthenticatedError`` for a bad token."""
        secret = bearer(headers) or cookie_value(headers.get("cookie", ""), COOKIE)
        if secret is None:
            return None if self.asks else LOCAL
        if self.asks or "authorization" in headers:
            return self._book.principal(secret)
        return LOCAL  # a cookie left over from a time when tokens were asked for

    def permit(self, needs: Permission | Public, headers: Mapping[str, str]) -> Principal | None:
        """Who asks, if that one may; raises ``UnauthenticatedError`` or ``NotAllowedError`` if not."""
        if needs is PUBLIC:
            return self._known(headers)
        principal = self.principal(headers)
        if principal is None:
            raise UnauthenticatedError("A token is needed.", next_step="send the header Authorization: Bearer TOKEN")
        assert isinstance(needs, Permission)
        if not principal.may(needs):
            raise NotAllowedError(
                f"The role {principal.role.value} of {principal.name} may not do this.",
                found=f"it needs the permission '{needs.value}'",
                next_step=f"ask an admin for a token whose role grants '{needs.value}'",
            )
        return principal

    def _known(self, headers: Mapping[str, str]) -> Principal | None:
        try:
            return self.principal(headers)
        except UnauthenticatedError:
            return None


def bearer(headers: Mapping[str, str]) -> str | None:
    """The secret of an ``Authorization: Bearer`` header. ``UnauthenticatedError`` for another scheme."""
    value = headers.get("authorization")
    if value is None:
        return None
    scheme, _, secret = value.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise UnauthenticatedError(
            "The Authorization header is not understood.", found=scheme[:40], next_step="send the header Authorization: Bearer TOKEN"
        )
    return secret.strip()


def audience(route: Route) -> str:
    """Who may use a route, in a word: for descriptions and tests."""
    return route.needs.value
