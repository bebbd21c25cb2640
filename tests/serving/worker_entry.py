"""A worker process around a model that is written here: ``python worker_entry.py KIND``."""

import os
import sys
import time

import numpy as np

from volant.config.model import Task
from volant.data.model import Dtype
from volant.models.model import Field, Signature
from volant.models.ports import Answer
from volant.serving.worker import Loaded, main

REGRESSION = Signature(
    inputs=(
        Field(name="temp", dtype=Dtype.FLOAT, nullable=False),
        Field(name="hum", dtype=Dtype.FLOAT, nullable=True),
        Field(name="season", dtype=Dtype.INT, nullable=False),
        Field(name="city", dtype=Dtype.STRING, nullable=True),
        Field(name="holiday", dtype=Dtype.BOOL, nullable=False),
        Field(name="day", dtype=Dtype.DATE, nullable=True),
    ),
    target="cnt",
    task=Task.REGRESSION,
)
BINARY = Signature(inputs=(Field(name="x", dtype=Dtype.FLOAT, nullable=False),), target="class", task=Task.BINARY, classes=("DOWN", "UP"))


class Sum:
    """temp + season: enough to see that columns are not mixed up."""

    signature = REGRESSION

    def predict_columns(self, columns, count):
        print("what a model prints goes to standard error")  # noqa: T201
        if columns["city"][0] == "raise":
            raise ValueError("the model does not know this city")
        if columns["city"][0] == "nan":
            return Answer(values=np.full(count, np.nan))
        if columns["city"][0] == "exit":
            os._exit(3)
        if columns["city"][0] == "slow":
            time.sleep(1)
        return Answer(values=np.array(columns["temp"]) + np.array(columns["season"]))


class Sign:
    signature = BINARY

    def predict_columns(self, columns, count):  # noqa: ARG002
        x = np.array(columns["x"])
        up = 1 / (1 + np.exp(-x))
        return Answer(values=np.where(x > 0, "UP", "DOWN"), scores=np.stack([1 - up, up], axis=1))


class Late(Sum):
    """Right, but nobody waits as long."""

    def predict_columns(self, columns, count):
        if columns["city"][0] != "warm":
            time.sleep(3)
        return super().predict_columns(columns, count)


class Negative(Sum):
    """Another answer, so that one sees who answered."""

    def predict_columns(self, columns, count):
        if columns["city"][0] == "trap":
            raise ValueError("this arm does not know this city")
        if columns["city"][0] == "vanish":
            os._exit(3)
        return Answer(values=-super().predict_columns(columns, count).values)


def load(spec):
    if spec.package == "broken":
        raise RuntimeError("no such package")
    if spec.package == "sign":
        return Loaded(Sign(), None)
    sample = {"temp": [1.0], "hum": [None], "season": [1], "city": ["Lyon"], "holiday": [False], "day": ["2026-01-01"]}
    kind = {"late": Late, "negative": Negative}.get(spec.package, Sum)
    return Loaded(kind(), sample | {"city": ["warm"]})


if __name__ == "__main__":
    main(load)
    sys.exit(0)
