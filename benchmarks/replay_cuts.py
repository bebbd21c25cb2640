"""Does the rule behind recommendations hold at other cuts too? ``python benchmarks/replay_cuts.py [elec2 bike noaa nyc]``.

``replay_recommendation.py`` chooses on the first half and checks on the second. Here the same rule chooses on the first third, the first
two thirds, and on the second half (checked on the first), among every 1, 2 and 4 windows over growing and sliding data: cuts at which
the rule was never looked at while it was made. Printed: the share of the best one's gain over never that the choice keeps.
"""

import sys

import numpy as np
from replay_marks import trainer_for
from replay_recommendation import DATA

from volant.config.model import Task, WindowConfig
from volant.loop.choosing import Rows, Walked, chosen
from volant.loop.policy import ReplayPolicy, Retention
from volant.loop.replay_windows import plan_windows
from volant.stats.metrics import row_losses

CUTS = {
    "first half -> second": (0, 24, 24, 48),
    "first third -> rest": (0, 16, 16, 48),
    "two thirds -> rest": (0, 32, 32, 48),
    "second half -> first": (24, 48, 0, 24),
}


def walks(name):
    """Row losses of never and of each policy over the evaluated rows, their times and the window edges."""
    features, target, times, delay, task = DATA[name]()
    train, windows = trainer_for(features, target, task), plan_windows(times)
    base, end = windows[0].start, windows[-1].stop
    first = int(((times + delay) <= times[base]).sum())
    found = {}
    for retention in (Retention.GROWING, Retention.SLIDING):
        models = []
        for window in windows:
            known = np.flatnonzero(times + delay <= times[window.start])
            models.append(train(known if retention is Retention.GROWING else known[-first:]))
        for every in (1, 2, 4):
            found[every, retention] = _walked(models, windows, every, target, task)
        if retention is Retention.GROWING:
            never = _walked(models, windows, len(windows), target, task)
    return never, found, times[base:end], np.array([window.start - base for window in windows] + [end - base])


def _walked(models, windows, every, target, task):
    loss = "mae" if task is Task.REGRESSION else "error"
    parts = []
    for number, window in enumerate(windows):
        rows = np.arange(window.start, window.stop)
        parts.append(row_losses(loss, target[rows], models[number // every * every](rows)).values)
    return np.concatenate(parts)


def run(name):
    """One line per cut."""
    never, found, times, edges = walks(name)
    for said, (start, stop, later, last) in CUTS.items():
        seen, unseen = slice(edges[start], edges[stop]), slice(edges[later], edges[last])
        others = [
            Walked(
                ReplayPolicy(name=f"every {every}, {retention.value}", retention=retention, window=WindowConfig(), every=every),
                losses[seen],
                (stop - start - 1) // every,
                0.0,
            )
            for (every, retention), losses in found.items()
        ]
        base = Walked(ReplayPolicy(name="never", retention=None, window=WindowConfig()), never[seen], 0, 0.0)
        taken = chosen(base, others, Rows(times[seen], None))
        gains = {f"every {e}, {r.value}": float((never - losses)[unseen].mean()) for (e, r), losses in found.items()} | {"never": 0.0}
        best, name_taken = max(gains, key=lambda one: gains[one]), taken.policy.name if taken else "never"
        share = "-" if gains[best] == 0 else f"{gains[name_taken] / gains[best]:.0%}"
        print(
            f"{name:6s} {said:22s} took {name_taken:18s} best {best:18s} gain {gains[name_taken]:.4g} of {gains[best]:.4g}: {share}",
            flush=True,
        )


if __name__ == "__main__":
    for wanted in sys.argv[1:] or DATA:
        run(wanted)
