"""Everything ``volant init`` can find out by looking at the data; each finding comes with its reason."""

from typing import TYPE_CHECKING

from volant.config.model import Amount, DataConfig, TrainConfig
from volant.data.findings import Findings
from volant.data.infer_columns import assign_roles, infer_key, infer_slices, left_out
from volant.data.infer_target import check_target, infer_metric, infer_task
from volant.data.model import Dtype
from volant.data.plan import Asked, Plan
from volant.data.reading import SourceTable
from volant.data.source import missing_column
from volant.data.split import holdout_split
from volant.data.timeline import Times, times
from volant.kernel.clock import DAY_US, HOUR_US, SECOND_US, parse_duration
from volant.kernel.errors import InvalidInputError, UsageError

if TYPE_CHECKING:
    import polars as pl

LEAST_ROWS = 20
_CLOCKS = (
    ("365d", 365 * DAY_US),
    ("180d", 180 * DAY_US),
    ("90d", 90 * DAY_US),
    ("30d", 30 * DAY_US),
    ("14d", 14 * DAY_US),
    ("7d", 7 * DAY_US),
    ("1d", DAY_US),
    ("12h", 12 * HOUR_US),
    ("6h", 6 * HOUR_US),
    ("1h", HOUR_US),
)


def infer_plan(frame: "pl.DataFrame", table: SourceTable, asked: Asked, *, name: str, source: str, shown: str | None = None) -> Plan:
    """Plan a project over the table. Raises ``InvalidInputError`` or ``UsageError`` for data or options that cannot work.

    ``source`` is how the project will name the data, ``shown`` how errors do: as they were asked for.
    """
    shown = shown or source
    found = Findings(frame, table, asked, shown, warnings=list(table.warnings))
    _check_asked(found)
    check_target(frame, asked.target, shown)
    if frame.height < LEAST_ROWS:
        raise InvalidInputError(
            f"{shown} has too few rows to learn from and to test on.",
            found=f"{frame.height} row{'' if frame.height == 1 else 's'}",
            next_step=f"give at least {LEAST_ROWS}",
            field="data.source",
        )
    task = infer_task(frame, asked, found.guess, found.warnings)
    metric = infer_metric(frame, asked, task, found.guess)
    time = _time(found)
    tick, delay = _tick(found, time), _label_delay(found)
    drop = left_out(found, task, time)
    key = infer_key(found, time, drop)
    instants = _instants(found, time, tick, delay)
    holdout = _holdout(found, instants)
    clock, labels = _retrain(found, instants, timed=time is not None or asked.tick is not None)
    roles = assign_roles(found, time, key, drop)
    return Plan(
        name=name,
        source=source,
        rows=frame.height,
        columns=table.columns,
        target=asked.target,
        task=task,
        metric=metric,
        time=time,
        tick=tick,
        key=key,
        group=asked.group,
        label_delay=delay,
        drop=drop,
        holdout_rows=holdout,
        retrain_clock=clock,
        retrain_labels=labels,
        slices=infer_slices(found, roles),
        roles=roles,
        guesses=tuple(found.guesses),
        warnings=tuple(found.warnings),
    )


def _check_asked(found: Findings) -> None:
    asked = found.asked
    named = [("--target", asked.target), ("--time", asked.time), ("--group", asked.group)]
    named += [("--key", name) for name in asked.key] + [("--drop", name) for name in asked.drop]
    for option, name in named:
        if name is not None and name not in found.names():
            raise missing_column(option, name, found.names(), found.shown)
    for option, name in named[1:]:
        if name == asked.target:
            raise UsageError(f"The target {name!r} cannot be {option} too.", found=f"{option} {name}", next_step="choose another column")
    if asked.time is not None and asked.time in asked.drop:
        raise UsageError(
            f"{asked.time!r} is both --time and --drop.",
            found=asked.time,
            next_step="the time column is no feature by itself: leave --drop out",
        )


def _time(found: Findings) -> str | None:
    if found.asked.time is not None:
        return found.asked.time
    dated = [c.name for c in found.table.columns if c.dtype in {Dtype.DATE, Dtype.DATETIME} and not c.nullable]
    dated = [name for name in dated if name not in {found.asked.target, *found.asked.drop}]
    if not dated:
        if found.asked.tick is None:
            found.warnings.append(
                "There is no time column, so rows are taken to be in order, one second each. "
                "Say how long a row lasts with --tick (30m, 1d) so that label delay and retraining by the clock mean something."
            )
        return None
    chosen = next((name for name in dated if found.frame[name].is_sorted()), dated[0])
    why = (
        "the only column of dates"
        if len(dated) == 1
        else f"the first column of dates in order (also: {', '.join(n for n in dated if n != chosen)})"
    )
    found.guess("time", chosen, why, "--time COLUMN")
    return chosen


def _tick(found: Findings, time: str | None) -> str | None:
    if found.asked.tick is not None:
        _duration("--tick", found.asked.tick)
        return found.asked.tick
    if time is None:
        found.guess("tick", "1s", "no time column and no --tick", "--tick DURATION")
        return "1s"
    return None


def _label_delay(found: Findings) -> str:
    if found.asked.label_delay is not None:
        _duration("--label-delay", found.asked.label_delay)
        return found.asked.label_delay
    found.guess("label delay", "0s", "nothing in a file says when its labels became known", "--label-delay DURATION")
    found.warnings.append(
        f"No label delay was given: {found.asked.target!r} is taken to be known at once. If it is known a day later, say --label-delay 1d; "
        "else baselines and replay look better than life."
    )
    return "0s"


def _duration(option: str, text: str) -> int:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(
            f"{option} is not a duration.", found=str(error), next_step="write one like 30m, 24h or 7d", field=option
        ) from None


def _instants(found: Findings, time: str | None, tick: str | None, delay: str) -> Times:
    config = DataConfig(source="", time=time, tick_us=parse_duration(tick) if tick else None, label_delay_us=parse_duration(delay))
    instants = times(found.frame, config)
    if not instants.is_sorted():
        found.warnings.append(f"The rows are not in order of {time!r}; Volant orders them, equal times keep file order.")
    return instants


def _holdout(found: Findings, instants: Times) -> int:
    """Enough rows to tell models apart, and no more: what is held out are the newest rows, and retrains go stale without them.

    A tenth of the rows (a fifth of few), but a twentieth where that is 1,000 rows or more. Replayed on hourly bike hire, electricity
    prices and daily weather with the default policy, a twentieth gave 49.7, 0.248 and 0.212, a tenth 58.3, 0.267 and 0.211.
    """
    rows = found.frame.height
    wanted = two_digits(rows // 5 if rows < 200 else min(rows // 10, max(1000, rows // 20), 10_000))
    split = holdout_split(instants, TrainConfig(holdout=Amount(rows=wanted)))
    part = "fifth" if rows < 200 else "tenth" if wanted * 13 > rows else "twentieth"
    why = f"about a {part} of {rows} rows, the newest"
    if split.dropped_gap:
        why += f"; {split.dropped_gap} rows before it were not labelled yet when it begins"
    found.guess("holdout", f"{wanted} rows", why, "train.holdout in volant.yaml")
    return wanted


def _retrain(found: Findings, instants: Times, *, timed: bool) -> tuple[str | None, int]:
    """By the clock where rows have real times, about 30 times over the file; else by new labels, as often."""
    labels = max(10, two_digits(found.frame.height // 30))
    span = int(instants.event_us.max() - instants.event_us.min()) // 30 + SECOND_US
    clock = next((text for text, length in _CLOCKS if length <= span), None) if timed else None
    asks = f"every {clock}" if clock is not None else f"after {labels} new labels"
    found.guess(
        "retrain", f"{asks}, or when performance is worse", "about 30 times over the history in the file", "retrain.when in volant.yaml"
    )
    return clock, labels


def two_digits(number: int) -> int:
    """Rounded down to two significant digits; at least 1."""
    scale: int = 10 ** max(0, len(str(max(1, number))) - 2)
    return max(1, number // scale * scale)
