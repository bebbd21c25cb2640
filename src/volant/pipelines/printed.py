"""What a step prints: passed on as it comes, and kept for the run's record."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO

KEPT_CHARACTERS = 1_000_000


class _Tee(io.TextIOBase):
    """Writes through to another stream and keeps the beginning."""

    def __init__(self, through: TextIO, kept: "Printed") -> None:
        self._through = through
        self._kept = kept

    def write(self, text: str) -> int:
        """Pass on and keep."""
        self._kept.add(text)
        return self._through.write(text)

    def flush(self) -> None:
        """Of the stream behind."""
        self._through.flush()

    def isatty(self) -> bool:
        """As the stream behind, so that progress bars draw as they would."""
        return self._through.isatty()

    def fileno(self) -> int:
        """Of the stream behind: what subprocesses print goes there and is not kept."""
        return self._through.fileno()

    def writable(self) -> bool:
        """Always."""
        return True


class Printed:
    """Text that was printed, up to ``KEPT_CHARACTERS``."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0

    def add(self, text: str) -> None:
        """Keep as much as there is room for."""
        room = KEPT_CHARACTERS - self._length
        if room > 0:
            self._parts.append(text[:room])
            self._length += min(len(text), room)

    @property
    def text(self) -> str:
        """All that was kept."""
        cut = "\n[more was printed; only the beginning is kept]\n" if self._length >= KEPT_CHARACTERS else ""
        return "".join(self._parts) + cut


@contextmanager
def printed() -> Iterator[Printed]:
    """Keep what Python code prints inside the block, to either stream."""
    kept = Printed()
    with redirect_stdout(_Tee(sys.stdout, kept)), redirect_stderr(_Tee(sys.stderr, kept)):
        yield kept
