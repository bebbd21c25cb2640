"""What access needs stored."""

from typing import Protocol

from volant.access.model import Token


class TokenStore(Protocol):
    """Tokens by name; secrets are never stored."""

    def add(self, token: Token) -> None:
        """``AlreadyExistsError`` if a token of that name is live."""
        ...

    def with_digest(self, digest: str) -> Token | None:
        """The token with this secret's digest, live or not."""
        ...

    def tokens(self) -> tuple[Token, ...]:
        """All, by name."""
        ...

    def revoke(self, name: str, at: int) -> None:
        """``NotFoundError`` if there is no live token of that name."""
        ...
