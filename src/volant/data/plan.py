"""What a new project will say, and which of it was guessed."""

from volant.config.model import Task
from volant.data.model import Column
from volant.kernel.codec import Value


class Guess(Value, frozen=True, kw_only=True):
    """Something that was not said: its value, why, and the option that says otherwise."""

    what: str
    value: str
    why: str
    option: str


class Asked(Value, frozen=True, kw_only=True):
    """What the user said; durations as typed."""

    target: str
    task: str | None = None
    metric: str | None = None
    time: str | None = None
    tick: str | None = None
    key: tuple[str, ...] = ()
    group: str | None = None
    label_delay: str | None = None
    drop: tuple[str, ...] = ()


class Roles(Value, frozen=True, kw_only=True):
    """How columns become features. ``time_parts``: names of Polars' ``dt`` functions to take of the time column."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    time_parts: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


class Plan(Value, frozen=True, kw_only=True):
    """A whole project before it is written. Durations as texts for ``volant.yaml``."""

    name: str
    source: str
    rows: int
    columns: tuple[Column, ...]
    target: str
    task: Task
    metric: str
    time: str | None
    tick: str | None
    key: tuple[str, ...]
    group: str | None
    label_delay: str
    drop: tuple[str, ...]
    holdout_rows: int
    retrain_clock: str | None
    retrain_labels: int
    slices: tuple[str, ...]
    roles: Roles
    guesses: tuple[Guess, ...]
    warnings: tuple[str, ...]

    def why(self, what: str) -> str | None:
        """The reason of a guess, for a comment beside its value."""
        return next((guess.why for guess in self.guesses if guess.what == what), None)
