# ruff: noqa: SLF001 - the tools keep their single statistics to themselves
"""Do the familiar numbers agree with the tools that define them? ``PYTHONPATH=src python benchmarks/drift_agreement.py``

Run it with a Python that has ``evidently==0.7.23`` or ``nannyml==0.13.1`` (they need not be in one environment, and Volant need
not be installed there): whatever is found is compared, on numbers and categories of many shapes and sizes. Exits with 1 if
any differs by more than 1e-9.
"""

import importlib.util
import sys
import warnings

import numpy as np
import pandas as pd

from volant.stats.familiar import CATEGORIES, NUMBERS, counted

LIMIT = 1e-9


def number_cases(random):
    for m, n in ((500, 300), (3_000, 1_000), (12_000, 4_000)):
        yield f"normal {m}/{n}", random.standard_normal(m), random.standard_normal(n) + 0.2
        yield f"skewed {m}/{n}", random.lognormal(size=m), random.lognormal(0.3, 1.2, n)
        yield f"counts {m}/{n}", random.poisson(40, m), random.poisson(44, n)
        yield f"few values {m}/{n}", random.integers(0, 6, m), random.integers(1, 8, n)
        yield f"mostly 0 {m}/{n}", np.where(random.random(m) < 0.8, 0.0, random.gamma(2, size=m)), random.gamma(2, size=n)
        yield f"heavy tails {m}/{n}", random.standard_t(2, m), random.standard_t(2, n) * 1.5
        yield f"outside {m}/{n}", random.uniform(size=m), random.uniform(-3, 4, n)


def category_cases(random):
    for m, n in ((500, 300), (5_000, 1_000)):
        for size in (2, 3, 12, 80):
            share = 1 / np.arange(1, size + 1)
            names = np.array([f"name {k}" for k in range(size + 2)])
            before = names[random.choice(size, m, p=share / share.sum())]
            after = names[random.choice(size, n, p=share[::-1] / share.sum())]
            yield f"{size} names {m}/{n}", before, after
            after = after.copy()
            after[: n // 20] = names[-1]
            yield f"{size} names and an unseen one {m}/{n}", before, after


def evidently_says(kind, before, after):
    from evidently.legacy.calculations.stattests import chisquare_stattest, jensenshannon, ks_stattest, psi, wasserstein_distance_norm
    from evidently.legacy.core import ColumnType

    a, b = pd.Series(before), pd.Series(after)
    column = ColumnType.Numerical if kind == "number" else ColumnType.Categorical
    found = {"psi": psi._psi(a, b, column, 0.1)[0], "js": jensenshannon._jensenshannon(a, b, column, 0.1)[0]}
    if kind == "number":
        found["wasserstein"] = wasserstein_distance_norm._wasserstein_distance_norm(a, b, column, 0.1)[0]
        found["ks p"] = ks_stattest._ks_stat_test(a, b, column, 0.05)[0]
    else:
        found["chi-square p"] = chisquare_stattest._chi_stat_test(a, b, column, 0.05)[0]
    return {f"{name} (evidently)": float(value) for name, value in found.items()}


def nannyml_says(kind, before, after):
    from nannyml.chunk import CountBasedChunker
    from nannyml.drift.univariate.methods import FeatureType, MethodFactory
    from nannyml.thresholds import StandardDeviationThreshold

    numbers = {"js": "jensen_shannon", "hellinger": "hellinger", "wasserstein": "wasserstein", "ks": "kolmogorov_smirnov"}
    names = {"js": "jensen_shannon", "hellinger": "hellinger", "l-infinity": "l_infinity", "chi-square": "chi2"}
    found = {}
    for name, key in (numbers if kind == "number" else names).items():
        feature = FeatureType.CONTINUOUS if kind == "number" else FeatureType.CATEGORICAL
        method = MethodFactory.create(key=key, feature_type=feature, chunker=CountBasedChunker(10), threshold=StandardDeviationThreshold())
        method._fit(pd.Series(before, name="x"))
        found[f"{name} (nannyml)"] = float(method._calculate(pd.Series(after, name="x")))
    return found


def ours(kind, before, after):
    if kind == "number":
        rows = counted(before, after)
        return {name: measure(rows) for name, measure in NUMBERS.items()}
    names = np.unique(np.concatenate([before, after]))
    counts = [np.array([(rows == name).sum() for name in names], dtype=float) for rows in (before, after)]
    return {name: measure(*counts) for name, measure in CATEGORIES.items()}


def main():
    warnings.simplefilter("ignore")
    random, worst = np.random.default_rng(0), {}
    peers = [says for name, says in (("evidently", evidently_says), ("nannyml", nannyml_says)) if importlib.util.find_spec(name)]
    for kind, cases in (("number", number_cases), ("category", category_cases)):
        for case, before, after in cases(random):
            own = ours(kind, before, after)
            for says in peers:
                for name, value in says(kind, before, after).items():
                    gap = abs(own[name] - value)
                    worst[kind, name] = max(worst.get((kind, name), (0.0, "")), (gap, case))
    for (kind, name), (gap, case) in sorted(worst.items()):
        print(f"{kind:10s} {name:26s} {gap:9.1e}  {case if gap > LIMIT else ''}")
    if not worst:
        print("nothing compared: neither evidently nor nannyml is installed here")
    sys.exit(1 if any(gap > LIMIT for gap, _ in worst.values()) else 0)


if __name__ == "__main__":
    main()
