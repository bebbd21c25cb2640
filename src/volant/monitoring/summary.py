"""Additive summaries of rows: two of them merge into what one pass over both would give (but for texts of more than 50
different values, of which only the frequent ones are counted by name).

The control process reads and merges them, so this needs the standard library only; ``folding.py`` makes them from rows.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from volant.kernel.codec import Value

N = TypeVar("N", int, float)

STEPS_PER_DOUBLING = 4
MOST_VALUES = 50
OTHERS = "\x00others"


class Latencies(Value, frozen=True, kw_only=True):
    """Requests by latency. Bucket b holds latencies from 2^(b/4) up to 2^((b+1)/4) microseconds, so a quantile is known
    to within 19 %.
    """

    counts: dict[str, int] = {}

    @property
    def requests(self) -> int:
        """How many."""
        return sum(self.counts.values())

    def merged(self, other: "Latencies") -> "Latencies":
        """Both together."""
        return Latencies(counts=added(self.counts, other.counts))

    def quantile(self, share: float) -> int | None:
        """Microseconds which at least this share of requests did not exceed (the bucket's upper end)."""
        wanted, seen = share * self.requests, 0
        for bucket in sorted(map(int, self.counts)):
            seen += self.counts[str(bucket)]
            if seen >= wanted:
                return math.ceil(2 ** ((bucket + 1) / STEPS_PER_DOUBLING))
        return None


class ColumnSummary(Value, frozen=True, kw_only=True):
    """One column. ``mean`` and ``squares`` (sum of squared deviations) are of the ``numbers`` finite numbers.

    ``values`` counts texts and truth values, at most 50 of them; further ones count under ``OTHERS``.
    """

    rows: int = 0
    missing: int = 0
    numbers: int = 0
    mean: float = 0.0
    squares: float = 0.0
    minimum: float | None = None
    maximum: float | None = None
    values: dict[str, int] = {}

    @property
    def sd(self) -> float | None:
        """Standard deviation (n - 1); None for fewer than two numbers."""
        return math.sqrt(self.squares / (self.numbers - 1)) if self.numbers > 1 else None

    def merged(self, other: "ColumnSummary") -> "ColumnSummary":
        """Both together; moments after Chan, Golub & LeVeque 1979 (pairwise update)."""
        numbers = self.numbers + other.numbers
        gap = other.mean - self.mean
        share = other.numbers / numbers if numbers else 0.0
        return ColumnSummary(
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            numbers=numbers,
            mean=self.mean + gap * share,
            squares=self.squares + other.squares + gap * gap * self.numbers * share,
            minimum=_of_both(min, self.minimum, other.minimum),
            maximum=_of_both(max, self.maximum, other.maximum),
            values=limited(added(self.values, other.values)),
        )


class WindowSummary(Value, frozen=True, kw_only=True):
    """What happened in one window of one arm. ``number`` counts an epoch's windows, or names the stretch of time.

    ``from_us`` and ``to_us``: when its first and last row were answered; ``event_from_us`` and ``event_to_us``: when what
    they are about happened, where the project has a time column.

    ``requests`` counts requests and batches, ``errors`` rows on which the model raised, ``invalid`` answers that cannot be
    used (null or not finite). ``breaks`` counts rows per broken rule of the contract, of ``checked`` rows.
    """

    model: str
    epoch: int
    arm: str
    number: int
    from_us: int
    to_us: int
    rows: int
    event_from_us: int | None = None
    event_to_us: int | None = None
    requests: int = 0
    errors: int = 0
    invalid: int = 0
    versions: dict[str, int] = {}
    sources: dict[str, int] = {}
    latencies: Latencies = Latencies()
    prediction: ColumnSummary = ColumnSummary()
    columns: dict[str, ColumnSummary] = {}
    checked: int = 0
    breaks: dict[str, int] = {}

    def merged(self, other: "WindowSummary") -> "WindowSummary":
        """Both together, under this one's name."""
        names = {*self.columns, *other.columns}
        none = ColumnSummary()
        return WindowSummary(
            model=self.model,
            epoch=self.epoch,
            arm=self.arm,
            number=self.number,
            from_us=min(self.from_us, other.from_us),
            to_us=max(self.to_us, other.to_us),
            rows=self.rows + other.rows,
            event_from_us=_of_both(min, self.event_from_us, other.event_from_us),
            event_to_us=_of_both(max, self.event_to_us, other.event_to_us),
            requests=self.requests + other.requests,
            errors=self.errors + other.errors,
            invalid=self.invalid + other.invalid,
            versions=added(self.versions, other.versions),
            sources=added(self.sources, other.sources),
            latencies=self.latencies.merged(other.latencies),
            prediction=self.prediction.merged(other.prediction),
            columns={name: self.columns.get(name, none).merged(other.columns.get(name, none)) for name in sorted(names)},
            checked=self.checked + other.checked,
            breaks=added(self.breaks, other.breaks),
        )


def total(windows: Iterable[WindowSummary]) -> WindowSummary | None:
    """All windows as one; None for none."""
    found: WindowSummary | None = None
    for window in windows:
        found = window if found is None else found.merged(window)
    return found


def added(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    """Counts of both."""
    return {key: left.get(key, 0) + right.get(key, 0) for key in {**left, **right}}


def limited(counts: Mapping[str, int]) -> dict[str, int]:
    """The most frequent values, the rest together under ``OTHERS``."""
    named = sorted(((name, count) for name, count in counts.items() if name != OTHERS), key=lambda pair: (-pair[1], pair[0]))
    kept = dict(named[:MOST_VALUES])
    others = counts.get(OTHERS, 0) + sum(count for _, count in named[MOST_VALUES:])
    return {**kept, OTHERS: others} if others else kept


def _of_both(pick: Callable[[list[N]], N], left: N | None, right: N | None) -> N | None:
    present = [value for value in (left, right) if value is not None]
    return pick(present) if present else None
