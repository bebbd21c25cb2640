"""A SIMULATED city of rental bikes: hourly demand at three stations, with weather, habits, growth and one real change.

Nothing here was measured anywhere. Until ``CHANGE_DAY`` the world is steady but for slow growth; then a tram line opens,
and demand at the stations it passes falls and that at its end rises. The same seed gives the same city.

``python -m volant.testing.city`` writes ``rides.csv`` (what a project learns from), ``later.csv`` (what is asked after it)
and ``truth.csv`` (what is known a day later) into the working folder.
"""

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import cos, exp, pi
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

STATIONS = {"harbour": 34.0, "market": 52.0, "university": 41.0}
TERMINUS = {"terminus": 30.0}
HISTORY_DAYS, LIVE_DAYS, SEED = 140, 60, 7
CHANGE_DAY = 150
FIRST_HOUR = datetime(2024, 3, 4)  # noqa: DTZ001 - local time of a city that is nowhere
LABEL_DELAY = timedelta(days=1)
COLUMNS = ("station", "hour", "temperature", "rain", "wind", "holiday")
TARGET = "rentals"
_TRAM = {"harbour": 0.45, "market": 0.6, "university": 1.7}
_COMMUTE = (0.1, 0.06, 0.05, 0.05, 0.1, 0.35, 0.9, 1.7, 2.2, 1.4, 0.9, 0.9, 1.0, 1.0, 1.0, 1.2, 1.7, 2.4, 2.1, 1.4, 0.9, 0.6, 0.4, 0.2)
_LEISURE = (0.3, 0.2, 0.15, 0.1, 0.05, 0.05, 0.1, 0.2, 0.5, 0.9, 1.3, 1.6, 1.8, 1.9, 1.9, 1.8, 1.6, 1.4, 1.1, 0.8, 0.6, 0.5, 0.4, 0.3)

Row = dict[str, str | int | float]


class Ride(NamedTuple):
    """One row of the city: what is known beforehand, the demand, and when the demand is known."""

    features: Row
    demand: int
    known_at: str


class City:
    """Makes one day after another, without end. The terminus of the tram has no station until somebody opens it."""

    def __init__(self, seed: int) -> None:
        import numpy as np

        self._random = np.random.default_rng(seed)
        self.day = 0
        self.stations = dict(STATIONS)

    def open_terminus(self) -> None:
        """From the next day on people ride there too."""
        self.stations |= TERMINUS

    @staticmethod
    def beginning_of(day: int) -> str:
        """The first hour of a day, as rows write it."""
        return (FIRST_HOUR + timedelta(days=day)).isoformat()

    def next_day(self) -> list[Ride]:
        """24 rows for each station, in order of time."""
        made = list(_day(self.day, self._random, self.stations))
        self.day += 1
        return made


def simulate(days: int, *, seed: int, first_day: int = 0) -> list[Ride]:
    """``days`` x 24 x 3 rows from ``first_day`` on, in order of time. Days before it are simulated too, so that the
    weather of a later part continues that of an earlier one.
    """
    city = City(seed)
    made = [city.next_day() for _ in range(first_day + days)]
    return [ride for day in made[first_day:] for ride in day]


def _day(day: int, random: "np.random.Generator", stations: Mapping[str, float]) -> Iterator[Ride]:
    season = 13 - 9 * _wave(day + 60, 365)
    warmth = season + random.normal(0, 3)
    wet = random.random() < 0.35
    holiday = int(day % 47 == 46)
    for hour in range(24):
        moment = FIRST_HOUR + timedelta(days=day, hours=hour)
        temperature = round(float(warmth - 4 * _wave(hour - 3, 24) + random.normal(0, 0.6)), 1)
        rain = round(float(random.gamma(1.2, 1.1)), 1) if wet and random.random() < 0.6 else 0.0
        wind = round(float(random.gamma(3.0, 1.4)), 1)
        for station, size in stations.items():
            features: Row = {"station": station, "hour": moment.isoformat(), "temperature": temperature, "rain": rain}
            features |= {"wind": wind, "holiday": holiday}
            comfort = _comfort(temperature, rain, wind)
            demand = int(random.poisson(size * comfort * _habit(station, day, moment, free=moment.weekday() >= 5 or bool(holiday))))
            yield Ride(features, demand, (moment + LABEL_DELAY).isoformat())


def _comfort(temperature: float, rain: float, wind: float) -> float:
    return 1 / (1 + exp(-(temperature - 9) / 4)) / (1 + 0.5 * rain) / (1 + 0.02 * wind)


def _habit(station: str, day: int, moment: datetime, *, free: bool) -> float:
    """Share of a station's size that rides at this hour, with slow growth and, from its day on, the tram."""
    tram = _TRAM.get(station, 1.0) if day >= CHANGE_DAY else 1.0
    return (_LEISURE if free else _COMMUTE)[moment.hour] * (1 + 0.0015 * day) * tram


def _wave(position: float, period: float) -> float:
    return cos(2 * pi * position / period)


def write_rides(path: Path, rides: Sequence[Ride]) -> None:
    """What a project learns from: features and demand."""
    _write(path, (*COLUMNS, TARGET), ({**ride.features, TARGET: ride.demand} for ride in rides))


def write_questions(path: Path, rides: Sequence[Ride]) -> None:
    """What is asked: features without demand."""
    _write(path, COLUMNS, (ride.features for ride in rides))


def write_truth(path: Path, rides: Sequence[Ride]) -> None:
    """Labels that came late: the key, the demand, and when it became known."""
    keyed: Iterator[Row] = (
        {"station": r.features["station"], "hour": r.features["hour"], TARGET: r.demand, "known_at": r.known_at} for r in rides
    )
    _write(path, ("station", "hour", TARGET, "known_at"), keyed)


def _write(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """The three files, in the working folder."""
    later = simulate(LIVE_DAYS, seed=SEED, first_day=HISTORY_DAYS)
    write_rides(Path("rides.csv"), simulate(HISTORY_DAYS, seed=SEED))
    write_questions(Path("later.csv"), later)
    write_truth(Path("truth.csv"), later)
    sys.stdout.write("wrote rides.csv, later.csv and truth.csv: a SIMULATED city\n")


if __name__ == "__main__":
    main()
