"""Event streams, the outbox and checkpoints in memory."""

from collections.abc import Sequence

import msgspec

from volant.adapters.memory.database import MemoryDatabase
from volant.adapters.streams import chained, conflict, effect_ids
from volant.kernel.crashpoints import reach
from volant.kernel.events import GENESIS, Checkpoint, Effect, Event, NewEvent, checkpoint_link


class MemoryEvents:
    """See :class:`volant.kernel.events.EventStore`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database
        self._streams = database.table("event")
        self._positions = database.table("event_position")  # id of an event -> its place over all streams
        self._effects = database.table("effect")
        self._checkpoints = database.table("checkpoint")

    def append(
        self, stream: str, expected_seq: int, events: Sequence[NewEvent], *, actor: str, effects: Sequence[tuple[str, bytes]] = ()
    ) -> tuple[Event, ...]:
        """See the port."""
        with self._db.transaction():
            before: tuple[Event, ...] = self._streams.get(stream, ())
            if len(before) != expected_seq:
                raise conflict(stream, expected_seq, len(before))
            now = self._db.clock.now()
            chain = before[-1].chain if before else GENESIS
            appended = chained(stream, len(before), chain, events, ids=self._db.ids, actor=actor, now=now)
            if appended:
                self._streams[stream] = before + appended
            for event in appended:
                self._positions[event.id] = len(self._positions) + 1
            for name, kind, payload in effect_ids(appended, effects):
                self._effects[name] = Effect(id=name, kind=kind, payload=payload, recorded_at=now)
            reach("events.appended")
        reach("events.committed")
        return appended

    def read(self, stream: str, after_seq: int = 0) -> tuple[Event, ...]:
        """See the port."""
        with self._db.reading():
            found: tuple[Event, ...] = self._streams.get(stream, ())
            return found[max(after_seq, 0) :]

    def latest(self, limit: int, skip: int = 0) -> tuple[Event, ...]:
        """See the port."""
        with self._db.reading():
            found = [event for events in self._streams.values() for event in events]
            found.sort(key=lambda event: self._positions[event.id], reverse=True)
        return tuple(found[max(skip, 0) : max(skip, 0) + max(limit, 0)])

    def changed(self, after: int | None) -> tuple[int, frozenset[str]]:
        """See the port."""
        with self._db.reading():
            if after is None:
                return len(self._positions), frozenset()
            found = {stream: self._positions[events[-1].id] for stream, events in self._streams.items()}
        newer = {stream: position for stream, position in found.items() if position > after}
        return max(newer.values(), default=after), frozenset(newer)

    def streams(self) -> tuple[str, ...]:
        """See the port."""
        with self._db.reading():
            return tuple(sorted(self._streams))

    def pending_effects(self, limit: int = 100) -> tuple[Effect, ...]:
        """See the port."""
        with self._db.reading():
            return tuple(effect for effect in self._effects.values() if effect.done_at is None)[:limit]

    def effect_done(self, effect_id: str) -> None:
        """See the port."""
        with self._db.transaction():
            effect = self._effects.get(effect_id)
            if effect is not None and effect.done_at is None:
                self._effects[effect_id] = msgspec.structs.replace(effect, done_at=self._db.clock.now())

    def heads(self) -> dict[str, tuple[int, str]]:
        """See the port."""
        with self._db.reading():
            return {stream: (events[-1].seq, events[-1].chain) for stream, events in self._streams.items()}

    def last_checkpoint(self) -> Checkpoint | None:
        """See the port."""
        with self._db.reading():
            found: Checkpoint | None = self._checkpoints.get(len(self._checkpoints))
            return found

    def checkpoint(self) -> Checkpoint:
        """See the port."""
        with self._db.transaction():
            heads = self.heads()
            number = len(self._checkpoints)
            previous = self._checkpoints[number].chain if number else GENESIS
            now = self._db.clock.now()
            chain = checkpoint_link(previous, number + 1, now, heads)
            made = Checkpoint(number=number + 1, recorded_at=now, heads=heads, chain=chain)
            self._checkpoints[number + 1] = made
            return made

    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """See the port."""
        with self._db.reading():
            return tuple(self._checkpoints.values())
