"""Ids of things that are not named by their content: time-ordered UUIDs (version 7, RFC 9562) in hex."""

import os
from typing import Protocol

from volant.kernel.clock import Clock


class Ids(Protocol):
    """Where new ids come from."""

    def new(self) -> str:
        """32 lower-case hex digits, unique, sorting by time of making."""
        ...


class TimeOrderedIds:
    """UUIDv7 from a clock and the system's randomness."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def new(self) -> str:
        """See :class:`Ids`."""
        milliseconds = self._clock.now() // 1000
        random = int.from_bytes(os.urandom(10))
        value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64
        value |= 0b10 << 62 | random & (1 << 62) - 1
        return f"{value:032x}"
