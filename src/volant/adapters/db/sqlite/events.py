"""Event streams, the outbox and checkpoints in SQLite."""

import sqlite3
from collections.abc import Sequence

import msgspec

from volant.adapters.db.sqlite.database import Rows, SqliteDatabase
from volant.adapters.db.sqlite.statements import statements
from volant.adapters.streams import chained, conflict, effect_ids
from volant.kernel.codec import canonical, decode
from volant.kernel.crashpoints import reach
from volant.kernel.errors import ConflictError
from volant.kernel.events import GENESIS, Checkpoint, Effect, Event, NewEvent, checkpoint_link


class SqliteEvents:
    """See :class:`volant.kernel.events.EventStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._db = database
        self._sql = statements("events")

    def append(
        self, stream: str, expected_seq: int, events: Sequence[NewEvent], *, actor: str, effects: Sequence[tuple[str, bytes]] = ()
    ) -> tuple[Event, ...]:
        """See the port."""
        with self._db.transaction():
            seq, chain = self._db.row(self._sql["head"], (stream,)) or (0, GENESIS)
            if seq != expected_seq:
                raise conflict(stream, expected_seq, seq)
            now = self._db.clock.now()
            appended = chained(stream, seq, chain, events, ids=self._db.ids, actor=actor, now=now)
            self._insert(appended)
            rows = effect_ids(appended, effects)
            self._db.write_many(self._sql["add_effect"], [(name, kind, payload, now) for name, kind, payload in rows])
            self._db.reach_after_commit("events.committed")
            reach("events.appended")
        return appended

    def _insert(self, appended: tuple[Event, ...]) -> None:
        rows = [(e.id, e.stream, e.seq, e.kind, e.data, e.actor, e.recorded_at, e.chain) for e in appended]
        try:
            self._db.write_many(self._sql["add"], rows)
        except sqlite3.IntegrityError as error:
            raise ConflictError("Events could not be appended.", found=str(error), next_step="read the stream again") from error

    def read(self, stream: str, after_seq: int = 0) -> tuple[Event, ...]:
        """See the port."""
        return _events(self._db.rows(self._sql["read"], (stream, after_seq)))

    def latest(self, limit: int, skip: int = 0) -> tuple[Event, ...]:
        """See the port."""
        return _events(self._db.rows(self._sql["latest"], (max(limit, 0), max(skip, 0))))

    def changed(self, after: int | None) -> tuple[int, frozenset[str]]:
        """See the port."""
        if after is None:
            return int(self._db.rows(self._sql["last_position"])[0][0]), frozenset()
        found = self._db.rows(self._sql["changed"], (after,))
        return max((position for _, position in found), default=after), frozenset(stream for stream, _ in found)

    def streams(self) -> tuple[str, ...]:
        """See the port."""
        return tuple(row[0] for row in self._db.rows(self._sql["streams"]))

    def pending_effects(self, limit: int = 100) -> tuple[Effect, ...]:
        """See the port."""
        rows = self._db.rows(self._sql["pending"], (limit,))
        return tuple(Effect(id=name, kind=kind, payload=payload, recorded_at=at) for name, kind, payload, at in rows)

    def effect_done(self, effect_id: str) -> None:
        """See the port."""
        self._db.write(self._sql["done"], (self._db.clock.now(), effect_id))

    def heads(self) -> dict[str, tuple[int, str]]:
        """See the port."""
        return {stream: (seq, chain) for stream, seq, chain in self._db.rows(self._sql["heads"])}

    def last_checkpoint(self) -> Checkpoint | None:
        """See the port."""
        row = self._db.row(self._sql["newest_checkpoint"])
        return None if row is None else Checkpoint(number=row[0], recorded_at=row[1], heads=_heads(row[2]), chain=row[3])

    def checkpoint(self) -> Checkpoint:
        """See the port."""
        with self._db.transaction():
            heads = self.heads()
            number, chain = self._db.row(self._sql["last_checkpoint"]) or (0, GENESIS)
            now = self._db.clock.now()
            made = Checkpoint(number=number + 1, recorded_at=now, heads=heads, chain=checkpoint_link(chain, number + 1, now, heads))
            self._db.write(self._sql["add_checkpoint"], (made.number, now, canonical(heads), made.chain))
        return made

    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """See the port."""
        return tuple(
            Checkpoint(number=number, recorded_at=at, heads=_heads(heads), chain=chain)
            for number, at, heads, chain in self._db.rows(self._sql["checkpoints"], (0,))
        )


def _events(rows: Rows) -> tuple[Event, ...]:
    names = ("id", "stream", "seq", "kind", "data", "actor", "recorded_at", "chain")
    return tuple(Event(**dict(zip(names, row, strict=True))) for row in rows)


def _heads(stored: bytes) -> dict[str, tuple[int, str]]:
    """Heads that cannot be read are none: the checkpoint's chain value shows that they were changed."""
    try:
        return decode(stored, dict[str, tuple[int, str]])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
