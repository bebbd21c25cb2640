"""Values to JSON and back. One encoding everywhere, so that stored bytes can be hashed and compared.

Values are ``msgspec.Struct`` classes, frozen and keyword-only: they cost far less at import than data classes
and carry their own decoder (docs/decisions/0002-values-are-structs.md).
"""

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """Parent of every value that crosses a seam or is stored.

    Subclasses repeat ``frozen=True, kw_only=True``: msgspec does not inherit the latter.
    """


_ENCODER = msgspec.json.Encoder(order="deterministic")


def canonical(value: object) -> bytes:
    """Compact JSON with sorted keys. NaN and infinities become ``null``: say absence with ``None`` instead."""
    return _ENCODER.encode(value)


def decode(data: bytes | str, kind: type[T]) -> T:
    """Parse JSON as ``kind``; raises ``msgspec.ValidationError`` naming the path that does not fit."""
    return msgspec.json.decode(data, type=kind)


def plain(value: object) -> Any:
    """The value as dicts, lists, texts and numbers."""
    return msgspec.to_builtins(value)
