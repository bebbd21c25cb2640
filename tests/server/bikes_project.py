"""A real project: its versions 1 and 2 come from real runs. The model adds temperature and season, so answers are known."""

import os
from pathlib import Path

from volant.wiring import commands
from volant.wiring.project import open_project

SETTINGS = """version: 1
project: bikes
task: regression
target: cnt
metric: mae
data:
  source: rides.csv
  key: [station]
train:
  pipeline: pipeline.py
  from: source
  holdout: {last: 10 rows}
gates:
  - {latency_p99: 60s}
"""

PIPELINE = '''
import time

import numpy as np
import polars as pl


class Sum:
    """temp + season + offset; talkative in one city, slow in another."""

    def __init__(self, offset: float) -> None:
        self.offset = offset

    def predict(self, rows: pl.DataFrame) -> np.ndarray:
        if "Lyon" in rows["city"]:
            print("what a model prints goes to standard error")
        if "slow" in rows["city"]:
            time.sleep(1)
        return (rows["temp"] + rows["season"]).to_numpy() + self.offset


def model(rows: pl.DataFrame, target: pl.Series, *, offset: float = 0.0) -> Sum:
    return Sum(offset + 0.0 * target.mean())
'''

HEADER = "station,temp,hum,season,city,holiday,day,cnt\n"
RIDES = "".join(f"s{n},{n}.5,{'' if n % 3 else n / 100},{n % 4},Paris,{str(n % 5 == 0).lower()},2026-01-01,{n}.5\n" for n in range(40))


def write_bikes(root: Path) -> Path:
    """The project's files, nothing run yet."""
    root.mkdir()
    (root / "volant.yaml").write_text(SETTINGS)
    (root / "pipeline.py").write_text(PIPELINE)
    (root / "rides.csv").write_text(HEADER + RIDES)
    return root


def run_twice(root: Path) -> Path:
    """Versions 1 and 2, both proposed."""
    for offset in (0.0, 1.0):
        assert commands.run(opened(root), set_params={"offset": offset})["state"] == "proposed"
    return root


def opened(root: Path):
    return open_project(root, environment=dict(os.environ))


def release(project, number: int) -> None:
    """As another process does it: the version is champion from now on."""
    commands.approve(project, f"bikes@{number}", reason="tested", actor="ann", override=True)
