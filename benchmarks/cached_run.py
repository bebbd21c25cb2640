"""A fully cached run as a whole process: ``volant run`` again with nothing changed, for small and for 100-step pipelines.

Budget (DESIGN 9): 0.3 s. Prints medians beside the interpreter's own start and beside ``volant --help``, which no run can
beat. Published figures of peers on a 100-step pipeline: Kedro 0.65, Hamilton 1.2, DVC 2.1, ZenML 11, Prefect 14 s.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

VOLANT = (sys.executable, "-m", "volant.cli")
BUDGET_SECONDS = 0.3


def timed(command: tuple[str, ...], folder: Path) -> float:
    """Seconds of one whole process, which must end with 0."""
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env={**os.environ, "NO_COLOR": "1"})
    return time.perf_counter() - began


def make_project(folder: Path, steps: int) -> Path:
    """A template project whose pipeline has ``steps`` steps, all of which run."""
    subprocess.run([*VOLANT, "init", "demo", "--template"], cwd=folder, check=True, capture_output=True)
    project = folder / "demo"
    pipeline = project / "pipeline.py"
    text = pipeline.read_text(encoding="utf-8")
    chain = ["\n\nfrom volant import step\n"]
    for number in range(max(steps - 2, 0)):
        source = "rows" if number == 0 else f"part_{number - 1}"
        chain.append(f"\n\n@step\ndef part_{number}({source}):\n    return {source}\n")
    pipeline.write_text(text + "".join(chain), encoding="utf-8")
    return project


def measure(steps: int, repetitions: int) -> None:
    """Print one line for a pipeline of about ``steps`` steps."""
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder), steps)
        first = subprocess.run([*VOLANT, "run"], cwd=project, check=False, capture_output=True, text=True)
        if first.returncode not in {0, 3}:
            raise SystemExit(first.stdout + first.stderr)
        cached, bare, help_ = [], [], []
        for _ in range(repetitions):
            began = time.perf_counter()
            done = subprocess.run([*VOLANT, "run"], cwd=project, check=False, capture_output=True, text=True)
            cached.append(time.perf_counter() - began)
            if "Nothing changed" not in done.stdout:
                raise SystemExit(f"the run was not answered from the store:\n{done.stdout}{done.stderr}")
            bare.append(timed((sys.executable, "-c", "pass"), project))
            help_.append(timed((*VOLANT, "--help"), project))
    median = statistics.median(cached)
    print(
        f"{steps:4d} steps: cached run {median:.3f} s ({median / BUDGET_SECONDS:.2f} of the budget), "
        f"{median / statistics.median(bare):.1f} x a bare interpreter ({statistics.median(bare):.3f} s), "
        f"{median / statistics.median(help_):.1f} x volant --help ({statistics.median(help_):.3f} s)"
    )


def main() -> None:
    """Both sizes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repetitions", type=int, default=15)
    arguments = parser.parse_args()
    for steps in (2, 100):
        measure(steps, arguments.repetitions)


if __name__ == "__main__":
    main()
