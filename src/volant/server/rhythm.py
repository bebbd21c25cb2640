"""How often a server looks: as each part says, or much more often where somebody steers the clock."""

from typing import NamedTuple

from volant.kernel.clock import Clock
from volant.kernel.steered_clock import SteeredClock

HURRY = 25.0  # nobody watches an hour that lasts a second
SHORTEST_SECONDS = 0.05


class Rhythm(NamedTuple):
    """The pauses of one server's rounds. Whoever steers the clock waits for the server, so it saves nothing by idling."""

    hurried: bool

    @classmethod
    def of(cls, clock: Clock) -> "Rhythm":
        """Fast under a steered clock."""
        return cls(hurried=isinstance(clock, SteeredClock))

    def round(self, seconds: float) -> float:
        """Seconds between two rounds of a part that usually takes so many."""
        return max(seconds / HURRY, SHORTEST_SECONDS) if self.hurried else seconds

    def idle(self, times: float) -> float:
        """How many times as long as its work a part rests afterwards."""
        return 0.0 if self.hurried else times
