"""How often labels take a version back, and after how many rows, by how much larger its losses are: rows that both arms
scored in the shadow, and live rows of which each was answered by one arm.

Simulated absolute errors with an exponential distribution; in the shadow half of an error is the row's and the same for
both. A look after 100, 200, 400, 800 and 1,600 rows. Run with ``python benchmarks/canary_losses.py [--runs 20]``. Equal arms
must be taken back in at most 5 % of the runs over all signals, whatever happens to the level of errors from hour to hour.
"""

import argparse
import statistics

import numpy as np
import polars as pl

from volant.config.model import Amount, StepConfig, StepKind, Task
from volant.deployments.arms import CANARY, CHAMPION, SHADOW, is_canary
from volant.deployments.evidence import LOG_HARM, log_loss
from volant.deployments.model import Phase, Rollout, Stage
from volant.evidence.model import Label
from volant.monitoring.performance import Question
from volant.monitoring.trial_losses import Allowed, trial_losses

LOOKS = (100, 200, 400, 800, 1600)
RATIOS = (1.0, 1.25, 1.5, 2.0, 4.0)
QUESTION = Question(metric="mae", task=Task.REGRESSION, size=Amount(rows=100), known_by=10**9)


def lines(ids, arms, values, pairs, epoch):
    count = len(ids)
    empty = pl.Series([None] * count, dtype=pl.String)
    return pl.DataFrame(
        {
            "prediction_id": ids,
            "at": [int(name[1:].split(".")[0]) for name in ids],
            "event_time": pl.Series([None] * count, dtype=pl.Int64),
            "key": empty,
            "arm": arms,
            "outcome": ["ok"] * count,
            "prediction": values,
            "scores": pl.Series([None] * count, dtype=pl.List(pl.Float64)),
            "rollout": ["r"] * count,
            "rollout_epoch": [epoch] * count,
            "assigned": empty,
            "pair": pl.Series(pairs, dtype=pl.String),
        }
    )


def level(count):
    """Errors grow and shrink over the day."""
    return 1.5 + np.sin(np.arange(count) / 60)


def shadow(random, ratio, count):
    base, own = random.exponential(1, (2, count)) * level(count)
    champion, candidate = base, ratio * (base + own) / 2
    ids = [f"c{n}.0" for n in range(count)] + [f"s{n}.0" for n in range(count)]
    arms = [CHAMPION] * count + [SHADOW] * count
    return lines(ids, arms, np.concatenate([champion, candidate]), [None] * count + [f"c{n}.0" for n in range(count)], 1)


def live(random, ratio, count, share, run):
    canary = np.array([is_canary(f"{run}-{n}", "r", share) for n in range(count)])
    values = random.exponential(1, count) * level(count) * np.where(canary, ratio, 1.0)
    return lines([f"p{n}.0" for n in range(count)], np.where(canary, CANARY, CHAMPION).tolist(), values, [None] * count, 1)


def first_look(table, *, share):
    """Rows after which it is taken back; None if it is not."""
    step = StepConfig(kind=StepKind.CANARY if share else StepKind.SHADOW, rows=1, share=share)
    stage = Stage(epoch=1, step=0, share=share or 0.5, live=bool(share))
    state = Rollout(model="m", id="r", phase=Phase.CANARY, steps=(step,), stages=(stage,))
    labels = [Label(prediction_id=name, value=0.0, known_at=0, recorded_at=0) for name in table["prediction_id"] if name[0] != "s"]
    for rows in LOOKS:
        seen = table.filter(pl.col("at") < rows)
        losses = trial_losses(seen, labels, state, QUESTION, Allowed(), revision=1)
        state = Rollout(model="m", id="r", phase=Phase.CANARY, steps=(step,), stages=(stage,), losses=losses)
        if log_loss(state) >= LOG_HARM:
            return rows
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    for name, share in (("shadow, rows that both scored", 0.0), ("canary 10%", 0.1), ("canary 50%", 0.5)):
        print(f"{name} ({runs} runs of {LOOKS[-1]:,} rows)")
        for ratio in RATIOS:
            found = []
            for run in range(runs):
                random = np.random.default_rng([run, int(ratio * 100)])
                table = live(random, ratio, LOOKS[-1], share, run) if share else shadow(random, ratio, LOOKS[-1])
                found.append(first_look(table, share=share))
            hits = [rows for rows in found if rows is not None]
            median = f"{statistics.median(hits):>6,.0f}" if hits else "     -"
            print(f"    errors {ratio:>4.2f} times as large: taken back {len(hits) / runs:>6.1%}, median rows {median}")


if __name__ == "__main__":
    main()
