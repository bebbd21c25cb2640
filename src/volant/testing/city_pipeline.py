"""How rentals are predicted: what is usual at a station at this hour, more or less by the weather.

Functions are wired by parameter name: `rows` and `target` come from the data, `features` from the function of
that name. They import nothing of Volant.
"""

import numpy as np
import polars as pl

WEATHER = ["temperature"]


class Demand:
    """A straight line in the logarithm of demand, for every station, hour and kind of day."""

    def __init__(self, usual: dict[str, float], anywhere: float, slopes: list[float], middle: list[float]) -> None:
        self.usual = usual
        self.anywhere = anywhere
        self.slopes = slopes
        self.middle = middle

    def predict(self, frame: pl.DataFrame) -> np.ndarray:
        """Rentals an hour, shape (rows,)."""
        usual = np.array([self.usual.get(slot, self.anywhere) for slot in frame["slot"]])
        weather = frame.drop("slot").to_numpy() - np.array(self.middle)
        return np.asarray(np.expm1(usual + (weather * np.array(self.slopes)).sum(axis=1)))


def features(rows: pl.DataFrame) -> pl.DataFrame:
    """One row in, one row out. It runs again on every request, so no row may look at another one."""
    free = (pl.col("hour").dt.weekday() >= 6) | (pl.col("holiday") == 1)
    slot = pl.format("{} {} {}", "station", pl.col("hour").dt.hour(), free.cast(pl.Int8))
    return rows.select(slot.alias("slot"), pl.col(WEATHER).cast(pl.Float64))


def model(features: pl.DataFrame, target: pl.Series, *, rounds: int = 3) -> Demand:
    """What is usual and what the weather does, fitted in turns."""
    weather = features.drop("slot").to_numpy()
    middle = weather.mean(axis=0)
    wanted = np.log1p(target.to_numpy())
    slopes = np.zeros(weather.shape[1])
    usual: dict[str, float] = {}
    for _ in range(rounds):
        left = wanted - (weather - middle) @ slopes
        means = features.select("slot", pl.Series("left", left)).group_by("slot", maintain_order=True).mean()
        usual = dict(zip(means["slot"], means["left"], strict=True))
        rest = wanted - np.array([usual[slot] for slot in features["slot"]])
        slopes = np.linalg.lstsq(weather - middle, rest, rcond=None)[0]
    return Demand(usual, float(wanted.mean()), slopes.tolist(), middle.tolist())
