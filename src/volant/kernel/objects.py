"""Content-addressed bytes. A digest that was returned is durable: fsynced before any row may name it."""

from pathlib import Path
from typing import Protocol


class ObjectStore(Protocol):
    """Immutable blobs by BLAKE3 digest. Any number of writers may put the same content."""

    def put(self, data: bytes) -> str:
        """Store bytes, return their digest."""
        ...

    def put_file(self, path: Path) -> str:
        """Store a file's bytes without reading them into memory, return their digest."""
        ...

    def get(self, digest: str) -> bytes:
        """The bytes. ``NotFoundError`` if absent, ``IntegrityError`` if they do not match the digest."""
        ...

    def path(self, digest: str) -> Path:
        """A local, read-only file with the bytes (verified once per process). Never write to it."""
        ...

    def has(self, digest: str) -> bool:
        """Whether the object is there."""
        ...
