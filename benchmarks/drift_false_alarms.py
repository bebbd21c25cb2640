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
from scipy.special import ndtr, ndtri

from volant.monitoring.drift import judged_windows
from volant.monitoring.drift_model import WindowShape
from volant.monitoring.drift_reference import reference_of
from volant.monitoring.shaping import column_shapes

REPEATS = int(sys.argv[1]) if len(sys.argv) > 1 else 20
DATA = Path(__file__).parents[2] / "shared" / "data"
WINDOWS = 20
TIMES = {"date", "datetime", "time_hour"}  # a project names its time column, which is not compared


def columns_of(rows, random, *, shift=0.0, level=None, mass=0.0, nulls=0.0, raised=0.0):
    """30 mixed columns. ``level`` (rows,): what rows have in common; ``shift``, ``mass``, ``raised`` and ``nulls`` move one of a kind."""
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
        if number == 4 and raised:
            kept = np.delete(share, 2)
            share = np.insert(kept * (1 - share[2] - raised) / kept.sum(), 2, share[2] + raised)
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
    """*bound*: what a test could reach in one window that knows beforehand which way the one column moves, with the same chance of a
    false alarm in any of 30 columns; nobody knows it, so no monitor reaches it.
    """
    print(f"\n{'what is found':46s} {'window 1':>9s} {'by 2':>9s} {'by 4':>9s} {'by 20':>9s} {'in 20':>9s} {'bound':>9s}")
    for name, window, reference, column, change, strength in (
        ("0.1 sd, windows of 10,000", 10_000, 100_000, "f:n0", {"shift": 0.1}, 0.1),
        ("0.1 sd, windows of 1,000", 1_000, 10_000, "f:n0", {"shift": 0.1}, 0.1),
        ("0.25 sd, windows of 1,000", 1_000, 10_000, "f:n0", {"shift": 0.25}, 0.25),
        ("5 points of 3 categories, windows of 1,000", 1_000, 10_000, "f:c1", {"mass": 0.05}, np.sqrt(2 * 0.05**2 * 3)),
        ("5 points of one of 12, windows of 1,000", 1_000, 10_000, "f:c4", {"raised": 0.05}, raised_effect()),
        ("1 % of values missing, windows of 1,000", 1_000, 10_000, "f:n1", {"nulls": 0.01}, None),
        ("5 % of values missing, windows of 1,000", 1_000, 10_000, "f:n1", {"nulls": 0.05}, None),
    ):
        found = []
        for _ in range(REPEATS):
            run = judged_run(columns_of(reference, random), columns_of(WINDOWS * window, random, **change), window)
            found.append([column in alarms for alarms in run])
        share, by = np.mean(found), np.maximum.accumulate(np.array(found), axis=1).mean(axis=0)
        bound = "" if strength is None else f"{bound_of(strength, window, reference):9.2f}"
        print(f"{name:46s} {by[0]:9.2f} {by[1]:9.2f} {by[3]:9.2f} {by[19]:9.2f} {share:9.2f} {bound}", flush=True)


def bound_of(effect, rows, reference):
    """Power of the one-sided test of a known direction at 1 % over 30 columns (Bonferroni)."""
    return float(ndtr(effect * np.sqrt(rows * reference / (rows + reference)) + ndtri(0.01 / 30)))


def raised_effect():
    """Cohen's w of 5 points more for the third of the 12 categories, taken from all others alike."""
    share = 1 / np.arange(1, 13)
    share = share / share.sum()
    return 0.05 / np.sqrt(share[2] * (1 - share[2]))


def main():
    random = np.random.default_rng(0)
    print(f"{'no drift':46s} {'a column':>9s} {'any':>9s} {'runs':>8s}")
    asked = sys.argv[2:] or ["independent", "dependent", "real", "power"]
    for part in (independent, dependent, real, power):
        if part.__name__ in asked:
            part(random)


if __name__ == "__main__":
    main()
