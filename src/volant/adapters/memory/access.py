"""Tokens and leases in memory."""

import msgspec

from volant.access.model import Token
from volant.adapters.memory.database import MemoryDatabase
from volant.adapters.refusals import taken, unknown
from volant.jobs.model import Lease


class MemoryTokens:
    """See :class:`volant.access.ports.TokenStore`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database
        self._rows = database.table("token")  # digest -> token

    def add(self, token: Token) -> None:
        """See the port."""
        with self._db.transaction():
            if token.digest in self._rows or self._live(token.name, self._db.clock.now()) is not None:
                raise taken("token", token.name)
            self._rows[token.digest] = token

    def with_digest(self, digest: str) -> Token | None:
        """See the port."""
        with self._db.reading():
            return self._rows.get(digest)

    def tokens(self) -> tuple[Token, ...]:
        """See the port."""
        with self._db.reading():
            return tuple(sorted(self._rows.values(), key=lambda token: token.name))

    def revoke(self, name: str, at: int) -> None:
        """See the port."""
        with self._db.transaction():
            token = self._live(name, at)
            if token is None:
                raise unknown("live token", name, "volant tokens list shows them")
            self._rows[token.digest] = msgspec.structs.replace(token, revoked_at=at)

    def _live(self, name: str, now: int) -> Token | None:
        for token in self._rows.values():
            if token.name == name and token.revoked_at is None and (token.expires_at is None or token.expires_at > now):
                found: Token = token
                return found
        return None


class MemoryLeases:
    """See :class:`volant.jobs.ports.LeaseStore`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database
        self._rows = database.table("lease")  # name -> (lease or None, fence, ttl)

    def acquire(self, name: str, holder: str, ttl_us: int) -> Lease | None:
        """See the port."""
        with self._db.transaction():
            now = self._db.clock.now()
            running = self._running(name, now)
            if running is not None and running.holder != holder:
                return None
            fence = running.fence if running is not None else self._rows.get(name, (None, 0, 0))[1] + 1
            lease = Lease(name=name, holder=holder, fence=fence, expires_at=now + ttl_us)
            self._rows[name] = (lease, fence, ttl_us)
            return lease

    def release(self, name: str, holder: str) -> None:
        """See the port."""
        with self._db.transaction():
            lease, fence, ttl = self._rows.get(name, (None, 0, 0))
            if lease is not None and lease.holder == holder:
                self._rows[name] = (None, fence, ttl)

    def running(self, prefix: str) -> tuple[Lease, ...]:
        """See the port."""
        with self._db.reading():
            now = self._db.clock.now()
            held = [self._running(name, now) for name in sorted(self._rows) if name.startswith(prefix)]
            return tuple(lease for lease in held if lease is not None)

    def current(self, name: str) -> Lease | None:
        """See the port."""
        with self._db.reading():
            return self._running(name, self._db.clock.now())

    def _running(self, name: str, now: int) -> Lease | None:
        lease, _, ttl = self._rows.get(name, (None, 0, 0))
        return lease if lease is not None and now < lease.expires_at <= now + ttl else None
