"""How often the paired test passes a model that is no better, on dependent rows: ``python benchmarks/false_passes.py``.

Nominal is 5 %. Beside it the test for independent rows, and the width of the interval against the one that knows the truth.
"""

import sys

import numpy as np
from scipy import stats
from scipy.signal import lfilter

from volant.stats.paired import paired_difference

REPEATS = int(sys.argv[1]) if len(sys.argv) > 1 else 2000


def main():
    random = np.random.default_rng(0)
    print(f"{'rows':>6} {'rho':>5} {'Volant':>8} {'independent':>12} {'width':>7}   ({REPEATS} repeats)")
    for rows in (14, 30, 100, 300, 1000, 5000):
        for rho in (0.0, 0.3, 0.5, 0.7, 0.9):
            ours = naive = width = 0.0
            truth = 1 / (1 - rho) / np.sqrt(rows)
            for _ in range(REPEATS):
                series = lfilter([1], [1, -rho], random.standard_normal(rows + 200))[200:]
                found = paired_difference(series, np.zeros(rows), 0.95)
                ours += found.low > 0
                naive += stats.ttest_1samp(series, 0, alternative="greater").pvalue < 0.05
                width += (found.high - found.value) / (1.645 * truth)
            print(f"{rows:6d} {rho:5.1f} {ours / REPEATS:8.3f} {naive / REPEATS:12.3f} {width / REPEATS:7.2f}")


if __name__ == "__main__":
    main()
