"""What gates let through when 30 retrains are judged on one labelled set: ``python benchmarks/gate_simulation.py [repeats]``.

The champion is wrong on 20 % of rows; each candidate changes 6 % of answers and its true gain is drawn from N(0, 0.3 points).
What passes becomes the champion of the next retrain, so luck on this set is carried on. The row of Volant is what a project
gets from ``volant init``: the paired difference at 95 % with a margin of 1 %, for rows that may depend on each other. ``one set``
spends the budget of the holdout and then its level; ``fresh`` draws new rows for every retrain, as a wheel with labels does.
"""

import sys
from collections.abc import Callable

import numpy as np

from volant.gates.spending import BUDGET, level_left
from volant.stats.discordant import mcnemar
from volant.stats.paired import Finding, judge, paired_difference

REPEATS = int(sys.argv[1]) if len(sys.argv) > 1 else 300
RETRAINS, ERROR, DISAGREEMENT, GAIN_SD, MARGIN = 30, 0.20, 0.06, 0.003, 0.01
Rule = Callable[[np.ndarray, np.ndarray, int], bool]


def higher(champion, candidate, _use):
    return candidate.sum() < champion.sum()


def higher_by(champion, candidate, _use):
    return candidate.mean() < champion.mean() - 0.002


def discordant(level):
    def passes(champion, candidate, _use):
        return mcnemar((champion & ~candidate).sum(), (candidate & ~champion).sum()) < level

    return passes


def volant(champion, candidate, use):
    confidence = 1 - level_left(0.05, use, BUDGET)
    found = paired_difference(candidate.astype(float), champion.astype(float), confidence)
    return judge(found, MARGIN * champion.mean()) is Finding.BETTER


RULES: dict[str, Rule] = {
    "higher score wins": higher,
    "higher by 0.2 points": higher_by,
    "McNemar exact 5 %": discordant(0.05),
    "strict: McNemar 5 % over 30": discordant(0.05 / RETRAINS),
    "Volant's default": volant,
}


def changed(random, wrong, error, gain):
    """Which rows the candidate gets wrong, given those that the champion does, with the true gain and disagreement."""
    mended, broken = (DISAGREEMENT + gain) / 2 / error, (DISAGREEMENT - gain) / 2 / (1 - error)
    return wrong ^ (random.random(len(wrong)) < np.where(wrong, mended, broken))


def history(rule, labels, seed, *, fresh):
    """Promotions of one history: their true gains."""
    truth, random = np.random.default_rng((seed, 1)), np.random.default_rng((seed, 2, labels))
    error, promoted = ERROR, []
    wrong = random.random(labels) < error
    for retrain in range(RETRAINS):
        gain = truth.normal(0, GAIN_SD)
        if fresh and retrain:
            wrong = random.random(labels) < error
        candidate = changed(random, wrong, error, gain)
        if rule(wrong, candidate, 1 if fresh else retrain + 1):
            promoted.append((gain, MARGIN * error))
            wrong, error = candidate, error - gain
    return promoted


def main():
    print(f"{REPEATS} repeats of {RETRAINS} retrains; gains in points of the error, +- two standard errors")
    for fresh in (False, True):
        for labels in (2_000, 20_000):
            print(f"\n{'fresh rows' if fresh else 'one set'}, {labels:,} labels")
            print(f"{'':<28} {'promoted':>8} {'truly worse':>12} {'worse than margin':>18} {'net gain':>14} {'of naive':>9}")
            naive = 0.0
            for name, rule in RULES.items():
                found = [history(rule, labels, seed, fresh=fresh) for seed in range(REPEATS)]
                every = [pair for one in found for pair in one]
                nets = np.array([100 * sum(gain for gain, _ in one) for one in found])
                worse = sum(gain < 0 for gain, _ in every) / max(len(every), 1)
                beyond = sum(gain < -margin for gain, margin in every) / max(len(every), 1)
                naive = naive or nets.mean()
                error = 2 * nets.std(ddof=1) / np.sqrt(REPEATS)
                print(
                    f"{name:<28} {len(every) / REPEATS:8.1f} {worse:12.1%} {beyond:18.2%} {nets.mean():+8.2f} +-{error:.2f}"
                    f" {nets.mean() / naive:9.0%}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
