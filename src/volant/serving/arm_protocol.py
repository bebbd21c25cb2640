"""How a champion's worker and a further arm talk: length-prefixed JSON over a Unix socket, many questions at once."""

import struct
from typing import Any

import msgspec

from volant.kernel.codec import Value

_LENGTH = struct.Struct("<I")
MAX_MESSAGE = 1 << 30
_ENCODER = msgspec.json.Encoder()


class Ask(Value, frozen=True, kw_only=True):
    """Rows to predict. ``until_ns``: after this instant of the machine's monotonic clock nobody waits any more."""

    number: int
    columns: dict[str, list[Any]]
    count: int
    until_ns: int


class Told(Value, frozen=True, kw_only=True):
    """The answer to the question of the same number; ``error`` instead of values where the model could not."""

    number: int
    values: list[Any] = []
    scores: list[list[float]] | None = None
    error: str | None = None
    model_us: int = 0


def packed(message: Ask | Told) -> bytes:
    """One message, ready to send."""
    payload = _ENCODER.encode(message)
    return _LENGTH.pack(len(payload)) + payload


class Unpacker:
    """Gathers bytes and gives whole messages' payloads. ``ValueError`` for a length that cannot be."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that are complete now."""
        self._data += data
        found = []
        while len(self._data) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._data)
            if length > MAX_MESSAGE:
                raise ValueError(f"a message of {length} bytes")
            end = _LENGTH.size + length
            if len(self._data) < end:
                break
            found.append(bytes(self._data[_LENGTH.size : end]))
            del self._data[:end]
        return found
