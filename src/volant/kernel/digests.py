"""Names by content: BLAKE3-256 in hex, over bytes, files and canonical JSON."""

from pathlib import Path

from blake3 import blake3

from volant.kernel.codec import canonical


def digest(data: bytes) -> str:
    """64 hex digits."""
    return blake3(data).hexdigest()


def digest_file(path: Path) -> str:
    """Digest of a file's bytes, read through a memory map."""
    hasher = blake3()
    hasher.update_mmap(path)
    return hasher.hexdigest()


def digest_value(value: object) -> str:
    """Digest of a value's canonical JSON: equal values, equal digests, in any process."""
    return digest(canonical(value))
