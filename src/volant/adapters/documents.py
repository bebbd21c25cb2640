"""Values stored as one JSON document, checked to be readable before anything is written."""

from typing import TypeVar

import msgspec

from volant.kernel.codec import canonical, decode
from volant.kernel.errors import IntegrityError, InvalidInputError

T = TypeVar("T")


def to_document(value: object) -> bytes:
    """Canonical JSON that :func:`from_document` reads back; ``InvalidInputError`` for a value that JSON cannot hold (a NaN)."""
    try:
        data = canonical(value)
        decode(data, type(value))
    except (msgspec.ValidationError, UnicodeEncodeError, TypeError) as error:
        raise InvalidInputError(
            f"A {type(value).__name__} cannot be stored.",
            found=str(error),
            next_step="say an absent number with null: NaN, infinities and lone surrogates have no place in JSON",
        ) from error
    return data


def from_document(data: bytes, kind: type[T]) -> T:
    """The stored value. ``IntegrityError`` if the bytes are not what was written."""
    try:
        return decode(data, kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise IntegrityError(
            f"A stored {kind.__name__} cannot be read.", found=str(error), next_step="restore the database from a backup"
        ) from error


def as_stored(value: T) -> T:
    """The value as it comes back from a document: what is kept in memory must not differ from what is kept on disk."""
    return from_document(to_document(value), type(value))
