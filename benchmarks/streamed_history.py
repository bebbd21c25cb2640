"""What the automation makes of real history: ``python benchmarks/streamed_history.py [bike elec2]``.

Each file is streamed as live traffic through HTTP with labels as late as declared, autopilot on and a release in steps of 120
rows. Printed are the metric as lived, of a model that is never retrained and of one that is retrained at every window
(without gate, holdout or release), the share of that gain which was lived, with the interval of a block bootstrap (whole
weeks are drawn again, Kuensch 1989), what was decided, and how long a replay of every decision takes and whether it agrees.
Data are read from ``../shared/data`` (``VOLANT_DATA`` names another folder).
"""

import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import fmean

import numpy as np
import polars as pl

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "journeys"))

from journey_parts import volant  # noqa: E402
from streamed import FIRST_BIKES, FIRST_ELEC2, Stream, bike_frame, bike_project, elec2_project  # noqa: E402

DATA = Path(os.environ.get("VOLANT_DATA", ROOT / ".." / "shared" / "data")).resolve()
STEPS = "[{shadow: 36 rows}, {canary: 50%, rows: 84}, full]"


def bike(folder):
    root, rows = bike_project(folder, DATA, holdout="200 rows", when="[{new_labels: 290}]", steps=STEPS)
    frame = bike_frame(DATA)
    matrix, target = frame.drop("cnt", "hour").to_numpy().astype(float), frame["cnt"].to_numpy().astype(float)
    return Stream(root, rows), matrix, target, FIRST_BIKES, 290, 24, 24 * 7, regression


def elec2(folder):
    root, rows = elec2_project(
        folder, DATA, holdout="500 rows", when="[{new_labels: 1500}]", steps=STEPS, window=f"{{keep: last, size: {FIRST_ELEC2} rows}}"
    )
    frame = pl.read_csv(DATA / "elec2.csv")
    matrix, target = frame.drop("class").to_numpy().astype(float), frame["class"].to_numpy().astype(object)
    return Stream(root, rows, stride=96, batch=24), matrix, target, FIRST_ELEC2, 755, 48, 48 * 7, classification


def regression(matrix, target, learned, asked):
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(random_state=7).fit(matrix[learned], target[learned])
    return np.abs(model.predict(matrix[asked]) - target[asked])


def classification(matrix, target, learned, asked):
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(random_state=7).fit(matrix[learned], target[learned].astype(str))
    return (model.predict(matrix[asked]) != target[asked].astype(str)).astype(float)


def every_window(matrix, target, first, window, delay, errors):  # noqa: PLR0917 - one call
    """Losses of a model trained anew for every window on the newest rows whose labels are known."""
    return np.concatenate(
        [
            errors(matrix, target, slice(max(at - delay - first, 0), at - delay), slice(at, at + window))
            for at in range(first, len(target), window)
        ]
    )


def losses(answers, labels):
    if isinstance(labels[0], str):
        return np.array([answer != label for answer, label in zip(answers, labels, strict=True)], dtype=float)
    return np.abs(np.array(answers, dtype=float) - np.array(labels, dtype=float))


def never(stream, folder):
    """What version 1 would have answered to every row."""
    pl.DataFrame([row.asked for row in stream.rows[: len(stream.answers)]]).write_csv(folder / "asked.csv")
    words = ("--data", str(folder / "asked.csv"), "--output", str(folder / "never.csv"), "--no-log")
    volant(stream.root, "predict", f"{stream.root.name}@1", *words)
    return pl.read_csv(folder / "never.csv")["prediction"].to_list()


def share_interval(never_losses, lived, every, block, draws=2000):
    """Interval of (never - lived) / (never - every) over whole blocks."""
    starts = range(0, len(lived) - block + 1, block)
    parts = [(never_losses[at : at + block].mean(), lived[at : at + block].mean(), every[at : at + block].mean()) for at in starts]
    dice, shares = random.Random(7), []
    for _ in range(draws):
        drawn = np.array(dice.choices(parts, k=len(parts))).mean(axis=0)
        shares.append((drawn[0] - drawn[1]) / (drawn[0] - drawn[2]))
    return np.quantile(shares, [0.025, 0.975])


def run(name):
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        stream, matrix, target, first, window, delay, block, errors = {"bike": bike, "elec2": elec2}[name](folder)
        stream.volant("run")
        began = time.perf_counter()
        with stream.serving():
            stream.play()
        seconds = time.perf_counter() - began
        lived = losses(stream.answers, stream.labels)
        before = losses(never(stream, folder), stream.labels)
        every = every_window(matrix, target, first, window, delay, errors)[: len(lived)]
        share = (before.mean() - lived.mean()) / (before.mean() - every.mean())
        low, high = share_interval(before, lived, every, block)
        actions = Counter(decision["action"] for decision in stream.decisions())
        began = time.perf_counter()
        agreed = stream.volant("replay", "--lived", expect=None)
        print(f"\n{name}: {len(lived):,} rows streamed in {seconds:.0f} s; decided {dict(actions)}")
        print(f"  never {before.mean():.4g}, lived {lived.mean():.4g}, every window {every.mean():.4g}")
        print(f"  share of the gain {share:.0%}, interval [{low:.0%}, {high:.0%}]; gain per row {fmean(before - lived):.4g}")
        print(f"  every decision once more: exit {agreed.code}, {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    for wanted in sys.argv[1:] or ("bike", "elec2"):
        run(wanted)
