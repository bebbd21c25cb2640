"""Whether the stored history is what was written: every stream's chain, and every checkpoint over all streams.

An edited or removed event breaks its stream's chain. A stream cut at its end keeps a good chain, but the checkpoint taken
before the cut names a later head. Checkpoints are chained too, and *anchors*, copies of their chain values kept outside the
database (``.volant/anchors``, or wherever someone pastes them), show when their newest were cut as well.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from volant.kernel.codec import Value, canonical, decode
from volant.kernel.errors import IntegrityError
from volant.kernel.events import GENESIS, Checkpoint, Event, EventStore, checkpoint_link, link


class Damage(Value, frozen=True, kw_only=True):
    """One place where the history is not what was written. ``seq`` is the event's or checkpoint's number."""

    stream: str
    seq: int
    sentence: str


class Anchor(Value, frozen=True, kw_only=True):
    """A checkpoint's chain value, kept outside the database."""

    number: int
    chain: str


class AuditReport(Value, frozen=True, kw_only=True):
    """What was verified and what is wrong with it."""

    intact: bool
    streams: int
    events: int
    checkpoints: int
    anchors: int
    heads: dict[str, tuple[int, str]]
    damage: tuple[Damage, ...]


def verify(store: EventStore, anchors: Iterable[Anchor] = ()) -> AuditReport:
    """Recompute every link. Reads everything; changes nothing."""
    chains: dict[str, tuple[str, ...]] = {}
    damage: list[Damage] = []
    for stream in store.streams():
        events = store.read(stream)
        chains[stream] = tuple(event.chain for event in events)
        damage += _stream_damage(stream, events)
    checkpoints, kept = store.checkpoints(), tuple(anchors)
    damage += _checkpoint_damage(checkpoints)
    damage += [found for checkpoint in checkpoints for found in _head_damage(checkpoint, chains)]
    damage += _anchor_damage(kept, checkpoints)
    return AuditReport(
        intact=not damage,
        streams=len(chains),
        events=sum(len(chain) for chain in chains.values()),
        checkpoints=len(checkpoints),
        anchors=len(kept),
        heads={stream: (len(chain), chain[-1]) for stream, chain in chains.items() if chain},
        damage=tuple(dict.fromkeys(damage)),
    )


def _stream_damage(stream: str, events: tuple[Event, ...]) -> list[Damage]:
    """The first broken link: everything after it is unknown rather than wrong."""
    previous = GENESIS
    for expected, event in enumerate(events, start=1):
        if event.seq != expected:
            return [Damage(stream=stream, seq=expected, sentence=f"{stream}: event {expected} is missing (the next is {event.seq}).")]
        if link(previous, event) != event.chain:
            what = f"{stream}: event {expected} ({event.kind}) or what came before it was changed."
            return [Damage(stream=stream, seq=expected, sentence=what)]
        previous = event.chain
    return []


def _checkpoint_damage(checkpoints: tuple[Checkpoint, ...]) -> list[Damage]:
    previous = GENESIS
    for expected, made in enumerate(checkpoints, start=1):
        if made.number != expected:
            return [Damage(stream="checkpoints", seq=expected, sentence=f"Checkpoint {expected} is missing.")]
        if checkpoint_link(previous, made.number, made.recorded_at, made.heads) != made.chain:
            return [Damage(stream="checkpoints", seq=expected, sentence=f"Checkpoint {expected} was changed.")]
        previous = made.chain
    return []


def _head_damage(checkpoint: Checkpoint, chains: dict[str, tuple[str, ...]]) -> list[Damage]:
    found = []
    for stream, (seq, chain) in checkpoint.heads.items():
        present = chains.get(stream, ())
        if len(present) < seq:
            sentence = f"{stream} ends at event {len(present)}, but checkpoint {checkpoint.number} saw event {seq}: it was cut."
            found.append(Damage(stream=stream, seq=len(present) + 1, sentence=sentence))
        elif present[seq - 1] != chain:
            sentence = f"{stream}: event {seq} is not the one that checkpoint {checkpoint.number} saw."
            found.append(Damage(stream=stream, seq=seq, sentence=sentence))
    return found


def _anchor_damage(anchors: tuple[Anchor, ...], checkpoints: tuple[Checkpoint, ...]) -> list[Damage]:
    found = []
    for anchor in anchors:
        if anchor.number > len(checkpoints):
            sentence = f"There are {len(checkpoints)} checkpoints, but an anchor names checkpoint {anchor.number}: the store was cut."
            found.append(Damage(stream="checkpoints", seq=anchor.number, sentence=sentence))
        elif checkpoints[anchor.number - 1].chain != anchor.chain:
            sentence = f"Checkpoint {anchor.number} is not the one that its anchor names."
            found.append(Damage(stream="checkpoints", seq=anchor.number, sentence=sentence))
    return found


def checkpoint_if_new(store: EventStore, anchors: Path) -> bool:
    """Checkpoint all streams if any has grown since the last one, and anchor it. Only a lease holder calls this."""
    checkpoints = store.checkpoints()
    heads = checkpoints[-1].heads if checkpoints else {}
    if not any(store.read(stream, heads[stream][0] if stream in heads else 0) for stream in store.streams()):
        return False
    made = store.checkpoint()
    anchors.parent.mkdir(parents=True, exist_ok=True)
    with anchors.open("ab") as file:
        file.write(canonical(Anchor(number=made.number, chain=made.chain)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return True


def read_anchors(path: Path) -> tuple[Anchor, ...]:
    """The anchors kept in a file, one JSON value a line. A last line that a crash cut short is no anchor."""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return ()
    try:
        return tuple(decode(line, Anchor) for line in lines if line.strip())
    except msgspec.MsgspecError as error:
        raise IntegrityError(
            f"The anchors in {path} cannot be read.", found=str(error), next_step="restore the file from a backup"
        ) from error
