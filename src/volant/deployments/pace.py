"""How long a rollout's steps take at a known pace of rows, and whether that fits between two retrains."""

from volant.config.model import ProjectConfig, StepConfig, TriggerKind
from volant.kernel.clock import format_duration
from volant.kernel.codec import Value
from volant.kernel.errors import UsageError

LEAST_ROWS = 100


class Pace(Value, frozen=True, kw_only=True):
    """So many rows in so many microseconds, and where that is known from."""

    rows: int
    span_us: int
    known_from: str

    def takes_us(self, rows: int) -> int:
        """How long so many rows take."""
        return round(rows * self.span_us / self.rows)


def declared_pace(config: ProjectConfig) -> Pace | None:
    """What the data say of themselves: without a time column each row is one tick."""
    if config.data.time is not None or config.data.tick_us is None:
        return None
    return Pace(rows=1, span_us=config.data.tick_us, known_from="data.tick")


def rows_of(steps: tuple[StepConfig, ...]) -> int:
    """How many rows all steps ask for together."""
    return sum(step.rows for step in steps)


def check_pace(config: ProjectConfig, pace: Pace | None) -> None:
    """``UsageError`` for steps that take longer than the time between two retrains by the clock: the next version would
    always come before the last one is out.
    """
    clocks = [trigger.every_us for trigger in config.retrain.when if trigger.kind is TriggerKind.CLOCK and trigger.every_us]
    if pace is None or not clocks or not config.release.steps:
        return
    rows = rows_of(config.release.steps)
    takes_us, every_us = pace.takes_us(rows), min(clocks)
    if takes_us <= every_us:
        return
    raise UsageError(
        f"The release steps take longer than the time between two retrains, {format_duration(every_us)}.",
        found=f"{rows:,} rows take about {format_duration(takes_us)} ({pace.known_from})",
        next_step=f"ask for {max(pace.rows * every_us // pace.span_us, 1):,} rows in all at most, or retrain less often",
        field="release.steps",
    )
