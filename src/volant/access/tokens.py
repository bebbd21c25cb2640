"""Bearer tokens: made once, shown once, stored as a digest.

A secret holds 256 random bits, so a plain digest cannot be guessed back and no slow hash is needed.
"""

import base64
import os
import re
from collections.abc import Callable, Iterable

from volant.access.model import Principal, Role, Token
from volant.access.ports import TokenStore
from volant.access.rules import CREATE_TOKEN, is_live
from volant.kernel.clock import Clock
from volant.kernel.digests import digest
from volant.kernel.errors import InvalidInputError, UnauthenticatedError

PREFIX = "vol_"
SECRET_BYTES = 32
LOCAL = Principal(name="local", role=Role.ADMIN)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class Tokens:
    """Makes, finds and ends tokens. ``entropy(n)`` gives n unguessable bytes."""

    def __init__(self, store: TokenStore, clock: Clock, *, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy

    def create(self, name: str, role: Role, *, lasts_us: int | None = None) -> tuple[Token, str]:
        """A new token and its secret, which exists nowhere else.

        ``InvalidInputError`` for a name that is not one, ``AlreadyExistsError`` while a token of that name is live.
        """
        if _NAME.fullmatch(name) is None or name == LOCAL.name:
            raise InvalidInputError(
                f"{name[:80]!r} cannot name a token.",
                found="the name of whoever works on this machine" if name == LOCAL.name else None,
                next_step="use up to 63 of a-z, 0-9, '.', '_', '-', beginning with a letter or digit",
                field="name",
            )
        if lasts_us is not None and lasts_us <= 0:
            raise InvalidInputError("A token has to last for some time.", found=f"{lasts_us} microseconds", field="lasts")
        now = self._clock.now()
        secret = PREFIX + base64.urlsafe_b64encode(self._entropy(SECRET_BYTES)).decode().rstrip("=")
        token = Token(
            name=name, role=role, digest=secret_digest(secret), created_at=now, expires_at=None if lasts_us is None else now + lasts_us
        )
        self._store.add(token)
        return token, secret

    def find(self, secret: str) -> Token | None:
        """The live token with this secret."""
        token = self._store.with_digest(secret_digest(secret))
        return token if token is not None and is_live(token, self._clock.now()) else None

    def revoke(self, name: str) -> None:
        """End a token now. ``NotFoundError`` if there is no live token of that name."""
        self._store.revoke(name, self._clock.now())

    def all(self) -> tuple[Token, ...]:
        """Every token ever made, by name."""
        return self._store.tokens()

    def live(self) -> tuple[Token, ...]:
        """Tokens that open something now."""
        now = self._clock.now()
        return tuple(token for token in self._store.tokens() if is_live(token, now))


class TokenBook:
    """Live tokens in memory, for servers that look one up with every request and read the store now and then."""

    def __init__(self, clock: Clock, tokens: Iterable[Token] = ()) -> None:
        self._clock = clock
        self._by_digest: dict[str, Token] = {}
        self.replace(tokens)

    def replace(self, tokens: Iterable[Token]) -> None:
        """Know these and forget the earlier ones."""
        self._by_digest = {token.digest: token for token in tokens}

    def principal(self, secret: str) -> Principal:
        """Who holds the secret. ``UnauthenticatedError`` if nobody does any more or ever did."""
        token = self._by_digest.get(secret_digest(secret))
        if token is None or not is_live(token, self._clock.now()):
            raise UnauthenticatedError(
                "The token is not valid.", found="unknown, revoked or past its end", next_step=f"get a new one: {CREATE_TOKEN}"
            )
        return Principal(name=token.name, role=token.role)


def secret_digest(secret: str) -> str:
    """What is stored of a secret."""
    return digest(secret.encode("utf-8", "surrogateescape"))
