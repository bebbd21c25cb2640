"""What the demo says, and where: steps with numbers, commands as typed, news with the date of the simulated city."""

from collections.abc import Sequence

from volant.cli.blocks import strong
from volant.cli.plain import coloured, colourless
from volant.cli.session import Session
from volant.kernel.clock import iso


class Teller:
    """Writes at once, to standard output, or to standard error where that is for JSON. ``step`` counts the steps."""

    def __init__(self, session: Session) -> None:
        self._out = session.err if session.as_json else session.out
        self._paint = coloured if session.colour(self._out) else colourless
        self.step = 0

    def next(self, title: str) -> None:
        """A new step begins."""
        self.step += 1
        self.say("")
        self.say(self._paint(strong(f"{self.step}. {title}")))

    def say(self, text: str) -> None:
        """One line, or several."""
        self._out.write(f"{text}\n")
        self._out.flush()

    def typed(self, words: Sequence[str]) -> None:
        """A command as a person would type it."""
        line = " ".join(f'"{word}"' if " " in word else word for word in words)
        self.say(f"  {self._paint(strong(f'$ volant {line}'))}")

    def printed(self, text: str) -> None:
        """What a command printed."""
        for line in text.splitlines():
            self.say(f"  {line}")

    def news(self, at: int, text: str) -> None:
        """Something that the product decided or noticed, at an instant of the city."""
        self.say(f"  {iso(at)[:10]}  {text}")
