"""How often closer looks are wrong, and what they find: ``python benchmarks/closer_looks.py [repeats [slices|rows|attributions]]``.

*Weak slices.* Rows with twelve columns (eight of numbers, an hour, a count, two of names) and losses ``|N(0, 1)|``. *Nothing planted*:
the share of runs in which any slice is reported; *weather*: losses and a column have levels that last for a hundred rows; *customers*: 100
groups with losses and a column of their own. *Planted*: in 5 % of rows losses are 1.5 times as large, in the upper end of one
column, or where two columns meet; the share of runs in which a slice is reported that shares more than half of its rows with it.

*Whole rows.* Ten columns, a window beside a reference. *Nothing changes*: independent rows; columns that last for a hundred rows; those
with a day and a year besides. *Only the rows*: what would be said without looking at stretches of the reference. *Dependence only*: two
columns come to be correlated, while every margin stays.

*Attributions.* Weights of ten columns on 400 rows beside 400; and one column whose weight doubles from a tenth.
"""

import sys
import time

import numpy as np
import polars as pl

from volant.monitoring.attribution import sampled, weighed
from volant.monitoring.domain_classifier import LEVEL, told_apart
from volant.monitoring.weak_slices import Losses, find_slices

REPEATS = int(sys.argv[1]) if len(sys.argv) > 1 else 100


def lasting(random, rows, memory=0.99):
    found = random.normal(size=rows) * np.sqrt(1 - memory**2)
    found[0] = random.normal()
    for row in range(1, rows):
        found[row] += memory * found[row - 1]
    return found


def columns(random, rows):
    found = {f"x{number}": random.normal(size=rows) for number in range(8)}
    found |= {"hour": random.integers(0, 24, rows), "count": random.poisson(30, rows)}
    return found | {"kind": random.choice(list("abcdefgh"), rows), "holiday": random.choice(["yes", "no"], rows, p=[0.3, 0.7])}


def weak(seed, rows, what):
    """(rows with losses, where something is planted or None)."""
    random = np.random.default_rng(seed)
    inputs, losses, groups, planted = columns(random, rows), np.abs(random.normal(size=rows)), None, None
    if what == "weather":
        inputs["x0"], losses = lasting(random, rows), losses * np.exp(0.5 * lasting(random, rows))
    if what == "customers":
        groups = random.integers(0, 100, rows)
        inputs["x0"], losses = random.normal(size=100)[groups], losses * np.exp(0.3 * random.normal(size=100))[groups]
    if what == "one column":
        planted = inputs["x0"] > 1.645
    if what == "two columns":
        planted = (inputs["hour"] >= 17) & (inputs["hour"] <= 20) & (inputs["holiday"] == "yes")
    if planted is not None:
        losses = np.where(planted, 1.5 * losses, losses)
    series = {name: pl.Series(name, values) for name, values in inputs.items()}
    return Losses(losses, np.arange(rows), series, None if groups is None else groups.astype(str)), planted


def said(seed, rows, what):
    data, planted = weak(seed, rows, what)
    found = find_slices(data, source="live", loss="mae", seed=seed).slices
    if planted is None:
        return bool(found)
    from volant.gates.conditions import holds

    masks = [np.logical_and.reduce([holds(condition, data.inputs[condition.column]) for condition in one.conditions]) for one in found]
    return any((mask & planted).sum() > 0.5 * (mask | planted).sum() for mask in masks)


def slices():
    print("weak slices                     rows   reported   CPU s")
    for what in ("nothing", "weather", "customers"):
        for rows in (2_000, 10_000):
            began = time.process_time()
            share = np.mean([said(seed, rows, what) for seed in range(REPEATS)])
            print(f"  {what:<24} {rows:>10,} {share:>10.1%} {(time.process_time() - began) / REPEATS:>7.2f}", flush=True)
    for what in ("one column", "two columns"):
        for rows in (4_000, 10_000, 20_000):
            share = np.mean([said(seed, rows, what) for seed in range(max(REPEATS // 3, 1))])
            print(f"  planted in {what:<13} {rows:>10,} {share:>10.1%}", flush=True)


def rows_of(random, count, what, tied=0.0):
    if what in {"weather", "seasons"}:
        found = np.column_stack([lasting(random, count) if column < 5 else random.normal(size=count) for column in range(10)])
        if what == "seasons":
            hours = np.arange(count)
            found[:, 0] += np.sin(hours / 24 * 2 * np.pi)
            found[:, 1] += 2 * np.sin(hours / 8760 * 2 * np.pi)
        return found
    found = random.normal(size=(count, 10))
    found[:, 1] = tied * found[:, 0] + np.sqrt(1 - tied**2) * found[:, 1]
    return found


def whole_rows():
    named = np.zeros(10, dtype=bool)
    print("whole rows              window  reference    said   only the rows")
    for what, window, reference, runs in (
        ("independent", 500, 5_000, 2 * REPEATS),
        ("weather", 500, 10_000, max(REPEATS // 3, 1)),
        ("seasons", 500, 17_520, max(REPEATS // 6, 1)),
    ):
        found = []
        for seed in range(runs):
            rows = rows_of(np.random.default_rng(seed), reference + window, what)
            found.append(told_apart(rows[:reference], rows[reference:], named, seed=seed))
        alarms, alone = np.mean([one.drifted for one in found]), np.mean([one.p_rows <= LEVEL for one in found])
        print(f"  {what:<20} {window:>7,} {reference:>10,} {alarms:>7.1%} {alone:>12.1%}   of {runs} runs", flush=True)
    for tied in (0.4, 0.6, 0.8):
        for window in (500, 2_000):
            found = []
            for seed in range(max(REPEATS // 10, 1)):
                random = np.random.default_rng(seed)
                before, after = rows_of(random, 20_000, "independent"), rows_of(random, window, "independent", tied)
                found.append(told_apart(before, after, named, seed=seed).drifted)
            print(f"  correlation {tied:<8} {window:>7,} {20_000:>10,} {np.mean(found):>7.1%}", flush=True)


def attributions():
    names = [f"x{number}" for number in range(10)]
    quiet, heard = [], []
    for seed in range(10 * REPEATS):
        random = np.random.default_rng(seed)
        chosen = sampled(5_000, 500, 400, seed)
        before, after = random.normal(size=(400, 10, 1)), random.normal(size=(400, 10, 1))
        quiet.append(any(one.drifted for one in weighed(names, before, after, chosen)[1]))
        after[:, 0] *= 2
        heard.append(weighed(names, before, after, chosen)[1][0].name == "x0" and weighed(names, before, after, chosen)[1][0].drifted)
    print(f"attributions: nothing changes {np.mean(quiet):.1%}, a weight doubles {np.mean(heard):.1%}, of {10 * REPEATS} runs", flush=True)


if __name__ == "__main__":
    looks = {"slices": slices, "rows": whole_rows, "attributions": attributions}
    for name in sys.argv[2:] or looks:
        looks[name]()
