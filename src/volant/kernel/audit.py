"""Whether the stored history is what was written: every stream's chain, and every checkpoint over all streams.

An edited or removed event breaks its stream's chain. A stream cut at its end keeps a good chain, but the checkpoint taken
before the cut names a later head. Checkpoints are chained too, and *anchors*, copies of their chain values kept outside the
database (``.volant/anchors``, or wherever someone pastes them), show when their newest were cut as well.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import msgspec

from volant.kernel.codec import Value, canonical, decode
from volant.kernel.errors import IntegrityError, UnavailableError
from volant.kernel.events import GENESIS, Checkpoint, Event, EventStore, checkpoint_link, link

CHECKPOINTS = "checkpoints"  # where damage to the checkpoints themselves is said to be


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
    kept, checkpoints = tuple(anchors), store.checkpoints()  # first: what is appended while this reads must not look cut
    chains: dict[str, dict[int, str]] = {}
    damage: list[Damage] = []
    for stream in store.streams():
        events = store.read(stream)
        chains[stream] = {event.seq: event.chain for event in events}
        damage += _stream_damage(stream, events)
    damage += _checkpoint_damage(checkpoints)
    lasts = {stream: max(chain, default=0) for stream, chain in chains.items()}
    damage += [found for checkpoint in checkpoints for found in _head_damage(checkpoint, chains, lasts)]
    damage += _anchor_damage(kept, {checkpoint.number: checkpoint.chain for checkpoint in checkpoints})
    return AuditReport(
        intact=not damage,
        streams=len(chains),
        events=sum(len(chain) for chain in chains.values()),
        checkpoints=len(checkpoints),
        anchors=len(kept),
        heads={stream: (last, chains[stream][last]) for stream, last in lasts.items() if last},
        damage=_first_of_each_place(damage),
    )


def _first_of_each_place(damage: list[Damage]) -> tuple[Damage, ...]:
    """One cut shows in every later checkpoint; the first sentence about a place says all."""
    return tuple({(found.stream, found.seq): found for found in reversed(damage)}.values())[::-1]


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
            return [Damage(stream=CHECKPOINTS, seq=expected, sentence=f"Checkpoint {expected} is missing.")]
        if checkpoint_link(previous, made.number, made.recorded_at, made.heads) != made.chain:
            return [Damage(stream=CHECKPOINTS, seq=expected, sentence=f"Checkpoint {expected} was changed.")]
        previous = made.chain
    return []


def _head_damage(checkpoint: Checkpoint, chains: dict[str, dict[int, str]], lasts: dict[str, int]) -> list[Damage]:
    found = []
    for stream, (seq, chain) in checkpoint.heads.items():
        last = lasts.get(stream, 0)
        if last < seq:
            sentence = f"{stream} ends at event {last}, but checkpoint {checkpoint.number} saw event {seq}: it was cut."
            found.append(Damage(stream=stream, seq=last + 1, sentence=sentence))
        elif chains.get(stream, {}).get(seq) != chain:
            sentence = f"{stream}: event {seq} is not the one that checkpoint {checkpoint.number} saw."
            found.append(Damage(stream=stream, seq=seq, sentence=sentence))
    return found


def _anchor_damage(anchors: tuple[Anchor, ...], chains: dict[int, str]) -> list[Damage]:
    found, last = [], max(chains, default=0)
    for anchor in anchors:
        if anchor.number > last:
            sentence = f"The newest checkpoint is {last}, but an anchor names checkpoint {anchor.number}: the store was cut."
            found.append(Damage(stream=CHECKPOINTS, seq=anchor.number, sentence=sentence))
        elif chains.get(anchor.number) != anchor.chain:
            sentence = f"Checkpoint {anchor.number} is not the one that its anchor names."
            found.append(Damage(stream=CHECKPOINTS, seq=anchor.number, sentence=sentence))
    return found


def checkpoint_if_new(store: EventStore, anchors: Path) -> bool:
    """Checkpoint all streams if any has grown since the last one, and anchor it. Only a lease holder calls this.

    A last checkpoint whose anchor a crash or a full disk prevented is anchored now.
    """
    known = store.last_checkpoint()
    heads = {} if known is None else known.heads
    grown = any(seq > heads.get(stream, (0, ""))[0] for stream, (seq, _) in store.heads().items())
    last = store.checkpoint() if grown else known
    if last is not None and (grown or last.number > _last_anchored(anchors)):
        _keep(Anchor(number=last.number, chain=last.chain), anchors)
    return grown


def _last_anchored(path: Path) -> int:
    """The number in the last whole line; 0 if there is none that can be read."""
    try:
        with path.open("rb") as file:
            lines = _tail(file)[1].split(b"\n")[:-1]
        return decode(lines[-1], Anchor).number
    except (FileNotFoundError, IndexError, msgspec.MsgspecError):
        return 0


def _keep(anchor: Anchor, path: Path) -> None:
    """Add a line, in place of one that a crash cut short. ``UnavailableError`` if the disk takes none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            _drop_torn_line(file)
            file.write(canonical(anchor) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UnavailableError(
            f"The anchor of checkpoint {anchor.number} could not be kept in {path}.",
            found=error.strerror or str(error),
            next_step="check the disk's space and the rights on the file",
        ) from error


def _tail(file: BinaryIO) -> tuple[int, bytes]:
    """The end of a file, more than the last anchor, and where it starts."""
    start = file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
    return start, file.read()


def _drop_torn_line(file: BinaryIO) -> None:
    start, tail = _tail(file)
    if tail and not tail.endswith(b"\n"):
        file.truncate(start + tail.rfind(b"\n") + 1)


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
