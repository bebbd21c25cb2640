"""What every event store does the same way: conflicts, chaining, and the ids of effects."""

from collections.abc import Sequence

from volant.kernel.errors import ConflictError
from volant.kernel.events import Event, NewEvent, link
from volant.kernel.ids import Ids


def conflict(stream: str, expected: int, found: int) -> ConflictError:
    """Another writer was first."""
    return ConflictError(
        f"{stream} was changed by someone else.",
        found=f"it is at event {found}, not {expected}",
        next_step="look at the new state and repeat the command if it still makes sense",
    )


def chained(stream: str, seq: int, chain: str, events: Sequence[NewEvent], *, ids: Ids, actor: str, now: int) -> tuple[Event, ...]:
    """The events at their places after ``seq``, each with the hash of the stream's history up to itself."""
    placed: list[Event] = []
    for number, new in enumerate(events, start=seq + 1):
        bare = Event(id=ids.new(), stream=stream, seq=number, kind=new.kind, data=new.data, actor=actor, recorded_at=now, chain="")
        chain = link(chain, bare)
        placed.append(Event(id=bare.id, stream=stream, seq=number, kind=new.kind, data=new.data, actor=actor, recorded_at=now, chain=chain))
    return tuple(placed)


def effect_ids(appended: Sequence[Event], effects: Sequence[tuple[str, bytes]]) -> list[tuple[str, str, bytes]]:
    """``(id, kind, payload)`` of each effect; the id is that of the last event and the effect's kind.

    A second effect of one kind gets a number after it. Raises ``ValueError`` for effects of no event.
    """
    if effects and not appended:
        raise ValueError("effects follow from events, and there is none")
    counts: dict[str, int] = {}
    rows = []
    for kind, payload in effects:
        counts[kind] = counts.get(kind, 0) + 1
        suffix = "" if counts[kind] == 1 else f":{counts[kind]}"
        rows.append((f"{appended[-1].id}:{kind}{suffix}", kind, payload))
    return rows
