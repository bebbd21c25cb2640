"""What gates let through when 30 retrains are judged on one labelled set: ``python benchmarks/gate_simulation.py [repeats]``.

The champion is wrong on 20 % of rows; each candidate changes 6 % of answers and its true gain is drawn from N(0, 0.3 points).
What passes becomes the champion of the next retrain, so luck on this set is carried on. The row of Volant is what a project
gets from ``volant init``: the paired difference at 95 % with a margin of 1 %, for rows that may depend on each other. ``one set``
spends the budget of the holdout and then its level, and makes up for the luck of a champion that these rows chose
(``gates/luck.py``); the row below it shows what that is worth. ``fresh`` draws new rows for every retrain, as a wheel with
labels does.
"""

import sys
from collections.abc import Callable

import numpy as np

from volant.gates.comparing import slope_on
from volant.gates.luck import Past, luck_of, made_up
from volant.gates.model import Luck
from volant.gates.spending import BUDGET, level_left
from volant.stats.discordant import mcnemar
from volant.stats.paired import Finding, judge, paired_difference

REPEATS = int(sys.argv[1]) if len(sys.argv) > 1 else 300
RETRAINS, ERROR, DISAGREEMENT, GAIN_SD, MARGIN = 30, 0.20, 0.06, 0.003, 0.01
Rule = Callable[[np.ndarray, np.ndarray, "Rows"], bool]


class Rows:
    """What was judged on the rows of one history: which candidate comes now, and what the ones before it showed."""

    def __init__(self, *, fresh):
        self.fresh, self.use, self.every, self.chain = fresh, 1, [], []

    def luck(self) -> Luck | None:
        return luck_of(self.every, self.chain)

    def keep(self, past: Past, *, promoted: bool) -> None:
        self.use = 1 if self.fresh else self.use + 1
        self.every.append(past)
        self.chain += [past] if promoted else []


def higher(champion, candidate, _rows):
    return candidate.sum() < champion.sum()


def higher_by(champion, candidate, _rows):
    return candidate.mean() < champion.mean() - 0.002


def discordant(level):
    def passes(champion, candidate, _rows):
        return mcnemar((champion & ~candidate).sum(), (candidate & ~champion).sum()) < level

    return passes


def paired(*, makes_up):
    def passes(champion, candidate, rows):
        ours, theirs = candidate.astype(float), champion.astype(float)
        found = paired_difference(ours, theirs, 1 - level_left(0.05, rows.use, BUDGET))
        slope = slope_on(ours, theirs)
        found = made_up(found, rows.luck() if makes_up else None, slope)
        better = judge(found, MARGIN * champion.mean()) is Finding.BETTER
        rows.keep(Past(found.value, found.variance, slope, 0.0 if rows.fresh else 1.0), promoted=better)
        return better

    return passes


RULES: dict[str, Rule] = {
    "higher score wins": higher,
    "higher by 0.2 points": higher_by,
    "McNemar exact 5 %": discordant(0.05),
    "strict: McNemar 5 % over 30": discordant(0.05 / RETRAINS),
    "Volant's default": paired(makes_up=True),
    "the same, luck carried on": paired(makes_up=False),
}


def changed(random, wrong, error, gain):
    """Which rows the candidate gets wrong, given those that the champion does, with the true gain and disagreement."""
    mended, broken = (DISAGREEMENT + gain) / 2 / error, (DISAGREEMENT - gain) / 2 / (1 - error)
    return wrong ^ (random.random(len(wrong)) < np.where(wrong, mended, broken))


def history(rule, labels, seed, *, fresh):
    """Promotions of one history: their true gains."""
    truth, random = np.random.default_rng((seed, 1)), np.random.default_rng((seed, 2, labels))
    error, promoted, rows = ERROR, [], Rows(fresh=fresh)
    wrong = random.random(labels) < error
    for retrain in range(RETRAINS):
        gain = truth.normal(0, GAIN_SD)
        if fresh and retrain:
            wrong = random.random(labels) < error
        candidate = changed(random, wrong, error, gain)
        if rule(wrong, candidate, rows):
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
