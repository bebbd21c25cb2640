"""How far the work is, on standard error: one line that changes on a terminal, a line per stage elsewhere."""

from typing import IO, Self

WIDTH = 20


class Progress:
    """Called with a text and, where it is known, a share from 0 to 1. Used as a context manager it clears its line."""

    def __init__(self, stream: IO[str], *, silent: bool = False, live: bool = False) -> None:
        self._stream = stream
        self._silent = silent
        self._live = live
        self._said: str | None = None

    def __call__(self, text: str, share: float | None = None) -> None:
        """Say it."""
        if self._silent:
            return
        if self._live:
            self._stream.write(f"\r\x1b[2K{_bar(share)}{text}"[:200])
            self._said = text
        elif text != self._said:
            self._stream.write(f"{text}\n")
            self._said = text
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._live and self._said is not None:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()


def _bar(share: float | None) -> str:
    if share is None:
        return ""
    filled = round(min(max(share, 0.0), 1.0) * WIDTH)
    return f"{'━' * filled}{'─' * (WIDTH - filled)} {share:4.0%}  "
