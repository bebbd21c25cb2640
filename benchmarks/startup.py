"""Start-up: ``import volant`` and ``volant --help`` beside a bare interpreter and, where they are installed, peers.

    python benchmarks/startup.py

Budgets (DESIGN 9): 60 ms and 120 ms. Each line is the median of 15 fresh processes, after 3 to warm the disk.
"""

import importlib.util
import statistics
import subprocess
import sys
import time

BARE = [sys.executable, "-c", "pass"]
CASES = [
    ("import volant", [sys.executable, "-c", "import volant"], 60),
    ("volant --help", [sys.executable, "-m", "volant.cli", "--help"], 120),
    ("volant runs --help", [sys.executable, "-m", "volant.cli", "runs", "--help"], 120),
]
PEERS = [
    ("mlflow", "import mlflow"),
    ("dvc", "import dvc.cli"),
    ("numpy", "import numpy"),
    ("polars", "import polars"),
    ("sklearn", "import sklearn"),
]
WARM, ROUNDS = 3, 15


def median_ms(command):
    times = []
    for _ in range(WARM + ROUNDS):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times[WARM:])


def main():
    bare = median_ms(BARE)
    print(f"{'python -c pass':24} {bare:7.1f} ms   1.0 x")
    for name, command, budget in CASES:
        taken = median_ms(command)
        print(f"{name:24} {taken:7.1f} ms {taken / bare:5.1f} x   budget {budget} ms: {'within' if taken <= budget else 'OVER'}")
    for package, code in PEERS:
        if importlib.util.find_spec(package) is None:
            continue
        taken = median_ms([sys.executable, "-c", code])
        print(f"{code:24} {taken:7.1f} ms {taken / bare:5.1f} x")


if __name__ == "__main__":
    main()
