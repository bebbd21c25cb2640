"""Tokens and leases in SQLite."""

from typing import Any

from volant.access.model import Role, Token
from volant.adapters.db.sqlite.database import SqliteDatabase
from volant.adapters.db.sqlite.statements import statements
from volant.adapters.refusals import taken, unknown
from volant.jobs.model import Lease
from volant.kernel.clock import Clock


class SqliteTokens:
    """See :class:`volant.access.ports.TokenStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._db = database
        self._sql = statements("tokens")

    def add(self, token: Token) -> None:
        """See the port."""
        with self._db.transaction():
            live = self._db.row(self._sql["live"], {"name": token.name, "now": self._db.clock.now()})
            if live is not None or self.with_digest(token.digest) is not None:
                raise taken("token", token.name)
            row = (token.name, token.role.value, token.digest, token.created_at, token.expires_at, token.revoked_at)
            self._db.write(self._sql["add"], row)

    def with_digest(self, digest: str) -> Token | None:
        """See the port."""
        row = self._db.row(self._sql["with_digest"], (digest,))
        return None if row is None else _token(row)

    def tokens(self) -> tuple[Token, ...]:
        """See the port."""
        return tuple(_token(row) for row in self._db.rows(self._sql["tokens"]))

    def revoke(self, name: str, at: int) -> None:
        """See the port."""
        if not self._db.write(self._sql["revoke"], {"name": name, "now": at}):
            raise unknown("live token", name, "volant tokens list shows them")


class SqliteLeases:
    """See :class:`volant.jobs.ports.LeaseStore`."""

    def __init__(self, database: SqliteDatabase, clock: Clock) -> None:
        self._db = database
        self._clock = clock
        self._sql = statements("leases")

    def acquire(self, name: str, holder: str, ttl_us: int) -> Lease | None:
        """See the port.

        A clock that jumped back would keep a dead holder's lease for as long as the jump: a lease never runs longer
        than its time to live from now.
        """
        with self._db.transaction():
            now = self._clock.now()
            row = self._db.row(self._sql["get"], (name,))
            held, fence, held_ttl, expires = row or (None, 0, 0, 0)
            running = held is not None and now < expires <= now + held_ttl
            if running and held != holder:
                return None
            fence = fence if held == holder and running else fence + 1
            self._db.write(self._sql["put"], (name, holder, fence, ttl_us, now + ttl_us))
            return Lease(name=name, holder=holder, fence=fence, expires_at=now + ttl_us)

    def release(self, name: str, holder: str) -> None:
        """See the port."""
        self._db.write(self._sql["release"], (name, holder))

    def running(self, prefix: str) -> tuple[Lease, ...]:
        """See the port."""
        now, found = self._clock.now(), self._db.rows(self._sql["held"], (prefix, len(prefix), prefix))
        return tuple(
            Lease(name=name, holder=holder, fence=fence, expires_at=expires)
            for name, holder, fence, ttl, expires in found
            if now < expires <= now + ttl
        )

    def current(self, name: str) -> Lease | None:
        """See the port."""
        row = self._db.row(self._sql["get"], (name,))
        if row is None or row[0] is None:
            return None
        now = self._clock.now()
        return Lease(name=name, holder=row[0], fence=row[1], expires_at=row[3]) if now < row[3] <= now + row[2] else None


def _token(row: tuple[Any, ...]) -> Token:
    name, role, digest, created_at, expires_at, revoked_at = row
    return Token(name=name, role=Role(role), digest=digest, created_at=created_at, expires_at=expires_at, revoked_at=revoked_at)
