"""While a cycle runs, a source file means what it held when the cycle first read it: an edit in between never mixes two
versions of a pipeline. Standard library only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class _Kept:
    """Bytes by path, as first read; None while nothing is kept. One cycle at a time runs in a process."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] | None = None


_kept = _Kept()


@contextmanager
def as_first_read() -> Iterator[None]:
    """From now on until the end of the block every file is read once. Blocks within a block change nothing."""
    if _kept.files is not None:
        yield
        return
    _kept.files = {}
    try:
        yield
    finally:
        _kept.files = None


def file_bytes(path: str | Path) -> bytes:
    """What the file holds, or held at its first reading. ``OSError`` as ``Path.read_bytes``."""
    if _kept.files is None:
        return Path(path).read_bytes()
    name = str(path)
    if name not in _kept.files:
        _kept.files[name] = Path(path).read_bytes()
    return _kept.files[name]
