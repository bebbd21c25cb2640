"""How often the default monitor of drift cries wolf, and what it finds: ``python benchmarks/drift_false_alarms.py [repeats]``.

*Any column* is the share of windows in which any of the columns is an alarm, in a run of 20 windows after one reference (so
that accumulated evidence counts too); *runs* is the share of runs with any alarm. Columns are 30: 20 numbers of seven shapes and
10 categories of 2 to 200 values. For the files of real measurements, blocks of rows are put into random order, so that nothing
moves in the long run while rows keep their neighbours.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl
from scipy.special import ndtr

from volant.monitoring.drift import judged_windows
from volant.monitoring.drift_model import WindowShape
from volant.monitoring.drift_reference import reference_of
from volant.monitoring.shaping import column_shapes

REPEATS = int(sys.argv[1]) if len(sys.argv) > 1 else 20
DATA = Path(__file__).parents[2] / "shared" / "data"
WINDOWS = 20
TIMES = {"date", "datetime", "time_hour"}  # a project names its time column, which is not compared


def columns_of(rows, random, *, shift=0.0, level=None, mass=0.0, nulls=0.0):
    """30 mixed columns. ``level`` (rows,): what rows have in common; ``shift``, ``mass`` and ``nulls`` move the first of a kind."""
    level = np.zeros(rows) if level is None else level
    found = {}
    for number in range(20):
        kind = number % 7
        base = random.standard_normal(rows) + level
        found[f"f:n{number}"] = [
            base + (shift if number == 0 else 0.0),
            np.exp(base / 2),
            np.floor(np.exp(1 + base / 2)),
            np.round(base * 100),
            np.where(base > 0.5, base, 0.0),
            random.uniform(size=rows) + 0.3 * level,
            random.standard_t(3, rows) + level,
        ][kind]
    if nulls:
        found["f:n1"] = np.where(random.random(rows) < nulls, np.nan, found["f:n1"])
    for number, size in enumerate((2, 3, 5, 8, 12, 20, 50, 80, 120, 200)):
        share = np.ones(3) / 3 if size == 3 else 1 / np.arange(1, size + 1)
        share = share / share.sum()
        if number == 1:
            share = share + np.array([mass, -mass, 0.0])
        place = np.searchsorted(np.cumsum(share), np.minimum(ndtr(random.standard_normal(rows) + level), 0.999999))
        found[f"f:c{number}"] = pl.Series(place).cast(pl.String)
    return pl.DataFrame(found)


def judged_run(reference, rows, window):
    """Per window the names of alarmed columns, for rows cut into windows after a reference."""
    known = reference_of({name: reference[name] for name in reference.columns}, model="bench", version=1)
    count = rows.height // window
    cut = rows[: count * window].with_columns(pl.Series("_window", np.repeat(np.arange(count), window)))
    shapes = column_shapes(cut, known)
    windows = [
        WindowShape(
            model="bench", epoch=1, arm="champion", number=k, version=1, from_us=k, to_us=k, rows=window,
            columns={name: parts[k] for name, parts in shapes.items()},
        )
        for k in range(count)
    ]  # fmt: skip
    found = judged_windows(windows, known)
    return [{name for name, column in one.columns.items() if column.drifted} for one in found.windows]


def rates(name, runs):
    windows = [alarms for run in runs for alarms in run]
    per_window = np.mean([bool(alarms) for alarms in windows])
    per_run = np.mean([any(run) for run in runs])
    per_column = np.mean([len(alarms) / 30 for alarms in windows])
    print(f"{name:46s} {per_column:9.3%} {per_window:9.2%} {per_run:8.1%}   {len(windows):6,d} windows", flush=True)


def independent(random):
    for window, reference, share in (
        (1_000, 10_000, 1),
        (10_000, 100_000, 0.5),
        (100_000, 400_000, 0.1),
        (1_000, 1_000, 1),
        (500, 2_000, 1),
    ):
        windows = WINDOWS if window < 100_000 else 4
        runs = [
            judged_run(columns_of(reference, random), columns_of(windows * window, random), window)
            for _ in range(max(int(REPEATS * share), 2))
        ]
        rates(f"independent, windows of {window:,}, reference {reference:,}", runs)


def hourly_level(rows, per_hour, random, size):
    return np.repeat(random.standard_normal(rows // per_hour + 1), per_hour)[:rows] * size


def daily_level(rows, per_day, random, size):
    return size * np.sin(2 * np.pi * (np.arange(rows) / per_day + random.random()))


def dependent(random):
    for name, level in (
        ("random effect of each hour (40 rows)", lambda rows: hourly_level(rows, 40, random, 0.5)),
        ("random effect of each day (960 rows)", lambda rows: hourly_level(rows, 960, random, 0.2)),
        ("daily season (700 rows)", lambda rows: daily_level(rows, 700, random, 0.7)),
        ("yearly season (10,000 rows)", lambda rows: daily_level(rows, 10_000, random, 0.7)),
    ):
        runs = []
        for _ in range(REPEATS):
            whole = level(40_000)
            runs.append(
                judged_run(columns_of(20_000, random, level=whole[:20_000]), columns_of(20_000, random, level=whole[20_000:]), 1_000)
            )
        rates(name, runs)


def real(random):
    for path in sorted(DATA.glob("*.csv")):
        frame = pl.read_csv(path, infer_schema_length=None, try_parse_dates=True, null_values=["NA", ""])
        kept = [name for name in frame.columns if frame[name].n_unique() > 1 and not frame[name].dtype.is_temporal() and name not in TIMES]
        frame = frame.select(pl.col(name).alias(f"f:{name}") for name in kept)
        for block in (1, 100, 1_000):
            runs = []
            for _ in range(REPEATS):
                blocks = np.array_split(np.arange(frame.height), max(frame.height // block, 1))
                order = np.concatenate([blocks[k] for k in random.permutation(len(blocks))])
                mixed, half = frame[order], frame.height // 2
                runs.append(judged_run(mixed[:half], mixed[half:], 500))
            rates(f"{path.stem}, blocks of {block:,} in random order", runs)


def power(random):
    print(f"\n{'what is found':46s} {'first':>9s} {'in 20':>9s}")
    for name, window, reference, column, change in (
        ("0.1 sd, windows of 10,000", 10_000, 100_000, "f:n0", {"shift": 0.1}),
        ("0.1 sd, windows of 1,000", 1_000, 10_000, "f:n0", {"shift": 0.1}),
        ("0.25 sd, windows of 1,000", 1_000, 10_000, "f:n0", {"shift": 0.25}),
        ("5 points of 3 categories, windows of 1,000", 1_000, 10_000, "f:c1", {"mass": 0.05}),
        ("1 % of values missing, windows of 1,000", 1_000, 10_000, "f:n1", {"nulls": 0.01}),
        ("5 % of values missing, windows of 1,000", 1_000, 10_000, "f:n1", {"nulls": 0.05}),
    ):
        first, share = [], []
        for _ in range(REPEATS):
            run = judged_run(columns_of(reference, random), columns_of(WINDOWS * window, random, **change), window)
            first.append(column in run[0])
            share.append(np.mean([column in alarms for alarms in run]))
        print(f"{name:46s} {np.mean(first):9.2f} {np.mean(share):9.2f}", flush=True)


def main():
    random = np.random.default_rng(0)
    print(f"{'no drift':46s} {'a column':>9s} {'any':>9s} {'runs':>8s}")
    asked = sys.argv[2:] or ["independent", "dependent", "real", "power"]
    for part in (independent, dependent, real, power):
        if part.__name__ in asked:
            part(random)


if __name__ == "__main__":
    main()
