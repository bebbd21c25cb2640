"""A clock and ids under a test's control."""


class FakeClock:
    """Stands still until told to move; may be set back to show that nothing breaks."""

    def __init__(self, start_us: int = 1_700_000_000_000_000) -> None:
        self.now_us = start_us

    def now(self) -> int:
        """The set time."""
        return self.now_us

    def advance(self, microseconds: int) -> None:
        """Move by a number of microseconds (negative: a clock that jumped)."""
        self.now_us += microseconds


class CountingIds:
    """Ids 1, 2, 3, ... in 32 hex digits."""

    def __init__(self) -> None:
        self._count = 0

    def new(self) -> str:
        """The next id."""
        self._count += 1
        return f"{self._count:032x}"
