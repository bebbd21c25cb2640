"""How often a canary is rolled back, promoted or left undecided, by what is true: the e-processes of ``stats/evalues.py``
beside a z-test that looks as often.

Simulated requests with independent errors; a look every 50. Run with ``python benchmarks/canary.py [--runs 200]``. Equal
arms must be rolled back in at most 5 % of the runs, however often one looks; the z-test shows what looking costs.
"""

import argparse
import math
import statistics

import numpy as np

from volant.stats.evalues import Bad, log_harm, log_safety

EVERY = 50
ALPHA = BETA = 0.05
TRUTHS = ((0.01, 0.01), (0.002, 0.002), (0.03, 0.03), (0.01, 0.015), (0.01, 0.02), (0.01, 0.10), (0.001, 0.50))


def looks(random, champion, candidate, share, requests):
    """Bad events and requests of both arms at each look: arrays (4, looks)."""
    arm = random.random(requests) < share
    bad = random.random(requests) < np.where(arm, candidate, champion)
    sums = np.cumsum(np.stack([bad & ~arm, bad & arm, ~arm, arm]), axis=1)
    return sums[:, EVERY - 1 :: EVERY]


def first_crossing(seen, share, log_value, level):
    """Requests until the evidence reaches its level at a look; None if it never does."""
    known = {}
    for look in range(seen.shape[1]):
        events = int(seen[0, look]), int(seen[1, look])
        if events not in known:
            known[events] = log_value([Bad(share=share, champion=events[0], candidate=events[1])]) >= level
        if known[events]:
            return (look + 1) * EVERY
    return None


def z_crossing(seen):
    """The same for a one-sided z-test of two proportions at 5 %, repeated at every look."""
    errors_a, errors_b, requests_a, requests_b = seen.astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = (errors_a + errors_b) / (requests_a + requests_b)
        z = (errors_b / requests_b - errors_a / requests_a) / np.sqrt(pooled * (1 - pooled) * (1 / requests_a + 1 / requests_b))
    crossed = np.flatnonzero(np.nan_to_num(z) > 1.645)
    return None if not len(crossed) else (int(crossed[0]) + 1) * EVERY


def row(name, found, runs):
    hits = [value for value in found if value is not None]
    median = f"{statistics.median(hits):>8,.0f}" if hits else "       -"
    return f"    {name:<22} {len(hits) / runs:>7.1%}   median requests {median}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--requests", type=int, default=60_000)
    parser.add_argument("--share", type=float, default=0.1)
    given = parser.parse_args()
    random = np.random.default_rng(7)
    print(f"{given.runs} runs of {given.requests:,} requests, {given.share:.0%} to the canary, a look every {EVERY}")
    for champion, candidate in TRUTHS:
        runs = [looks(random, champion, candidate, given.share, given.requests) for _ in range(given.runs)]
        print(f"  champion {champion:.1%}, canary {candidate:.1%}")
        print(row("rolled back (e)", [first_crossing(seen, given.share, log_harm, math.log(1 / ALPHA)) for seen in runs], given.runs))
        print(row("rolled back (z)", [z_crossing(seen) for seen in runs], given.runs))
        print(row("shown to be safe (e)", [first_crossing(seen, given.share, log_safety, math.log(1 / BETA)) for seen in runs], given.runs))


if __name__ == "__main__":
    main()
