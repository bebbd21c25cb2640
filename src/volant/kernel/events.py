"""Events: what happened to the things that have a life (models, approvals, rollouts).

A stream is named ``noun/name`` (``model/bikes``). Events are appended with the sequence the writer last saw,
so two writers cannot both win; effects (messages to the world) are rows of the same transaction. Each event
carries the hash of its stream's history up to itself (docs/explanation/audit.md). Nothing that must be erasable
goes into an event.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from volant.kernel.codec import Value, canonical
from volant.kernel.digests import digest


class NewEvent(Value, frozen=True, kw_only=True):
    """An event before it has a place: ``kind`` names it, ``data`` is canonical JSON."""

    kind: str
    data: bytes


class Event(Value, frozen=True, kw_only=True):
    """An event at its place. ``seq`` counts from 1 within the stream."""

    id: str
    stream: str
    seq: int
    kind: str
    data: bytes
    actor: str
    recorded_at: int
    chain: str


class Effect(Value, frozen=True, kw_only=True):
    """Work that follows from an event, done afterwards and idempotent by ``id`` (event id + kind)."""

    id: str
    kind: str
    payload: bytes
    recorded_at: int
    done_at: int | None = None


class Checkpoint(Value, frozen=True, kw_only=True):
    """All streams' heads at one moment, itself chained, so that a truncated stream shows."""

    number: int
    recorded_at: int
    heads: dict[str, tuple[int, str]]
    chain: str


GENESIS = "0" * 64


def link(previous: str, event: Event) -> str:
    """The chain value of an event: digest over the previous chain value and every stored field but ``chain``."""
    head = "\x1f".join((previous, event.id, event.stream, str(event.seq), event.kind, event.actor, str(event.recorded_at)))
    return digest(head.encode() + b"\x1e" + event.data)


def checkpoint_link(previous: str, number: int, recorded_at: int, heads: Mapping[str, tuple[int, str]]) -> str:
    """The chain value of a checkpoint: digest over the previous checkpoint's chain value and every stored field.

    ``previous`` is ``GENESIS`` for checkpoint 1.
    """
    return digest(canonical([previous, number, recorded_at, heads]))


class EventStore(Protocol):
    """Append-only streams. Every call joins the open transaction if there is one."""

    def append(
        self, stream: str, expected_seq: int, events: Sequence[NewEvent], *, actor: str, effects: Sequence[tuple[str, bytes]] = ()
    ) -> tuple[Event, ...]:
        """Append all or nothing. ``ConflictError`` if the stream's last sequence is not ``expected_seq``.

        ``effects`` are ``(kind, payload)`` rows for the outbox, keyed by the last appended event.
        """
        ...

    def read(self, stream: str, after_seq: int = 0) -> tuple[Event, ...]:
        """Events of one stream in order."""
        ...

    def latest(self, limit: int, skip: int = 0) -> tuple[Event, ...]:
        """Events of all streams, newest first, without the newest ``skip``."""
        ...

    def changed(self, after: int | None) -> tuple[int, frozenset[str]]:
        """Streams that got events since a position, and the position to ask from the next time; None: from now on. Positions only grow."""
        ...

    def streams(self) -> tuple[str, ...]:
        """Names of all streams, sorted."""
        ...

    def pending_effects(self, limit: int = 100) -> tuple[Effect, ...]:
        """Effects not yet done, oldest first."""
        ...

    def effect_done(self, effect_id: str) -> None:
        """Mark an effect as done; doing it twice is harmless."""
        ...

    def heads(self) -> dict[str, tuple[int, str]]:
        """Stream -> sequence and chain value of its last event."""
        ...

    def last_checkpoint(self) -> Checkpoint | None:
        """The newest, without a walk over all."""
        ...

    def checkpoint(self) -> Checkpoint:
        """Record all heads, chained to the previous checkpoint. Only a lease holder calls this."""
        ...

    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """All checkpoints in order."""
        ...
