"""Frames: how the open log keeps records apart, so that a torn or damaged file loses only what was damaged.

A frame is ``mark (4 bytes) | length (u32) | CRC-32 (u32) | payload``, little-endian; the checksum covers length and
payload. The mark begins with 0xFF, which no UTF-8 payload can contain: after damage a reader may look for the next
mark without being fooled by what a request carried.
"""

import struct
from collections.abc import Iterator
from zlib import crc32

from volant.kernel.codec import Value
from volant.kernel.errors import InvalidInputError

SEGMENT_SUFFIX = ".log"
MARK = b"\xffVL1"
MAX_PAYLOAD = 1 << 30
_HEADER = struct.Struct("<4sII")
_LENGTH = struct.Struct("<I")
HEADER_BYTES = _HEADER.size


class Damage(Value, frozen=True, kw_only=True):
    """Bytes of a log file that are no frame. ``torn``: they are the file's end, as a kill in mid-write leaves it."""

    offset: int
    length: int
    torn: bool


def frame(payload: bytes) -> bytes:
    """One record, ready to append. ``InvalidInputError`` for payloads of 1 GiB or more."""
    length = len(payload)
    if length >= MAX_PAYLOAD:
        raise InvalidInputError("A log record is too large.", found=f"{length} bytes", next_step="send fewer rows per request")
    return _HEADER.pack(MARK, length, crc32(payload, crc32(_LENGTH.pack(length)))) + payload


def read_frames(data: bytes) -> Iterator[bytes | Damage]:
    """Payloads in order, with a :class:`Damage` in the place of every stretch that is no frame."""
    offset, end = 0, len(data)
    while offset < end:
        payload = _payload_at(data, offset)
        if payload is not None:
            yield payload
            offset += HEADER_BYTES + len(payload)
            continue
        following = _next_frame(data, offset + 1)
        yield Damage(offset=offset, length=following - offset, torn=following == end)
        offset = following


def _payload_at(data: bytes, offset: int) -> bytes | None:
    if len(data) - offset < HEADER_BYTES:
        return None
    mark, length, checksum = _HEADER.unpack_from(data, offset)
    start = offset + HEADER_BYTES
    if mark != MARK or length >= MAX_PAYLOAD or length > len(data) - start:
        return None
    payload = data[start : start + length]
    return payload if crc32(payload, crc32(_LENGTH.pack(length))) == checksum else None


def _next_frame(data: bytes, offset: int) -> int:
    """Where the next whole frame starts, or the end."""
    at = data.find(MARK, offset)
    while at >= 0:
        if _payload_at(data, at) is not None:
            return at
        at = data.find(MARK, at + 1)
    return len(data)
