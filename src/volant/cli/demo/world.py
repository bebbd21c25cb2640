"""The simulated city as it goes on: its clock, its requests over HTTP, and the truth that comes a day later."""

import http.client
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from volant.cli.demo.running import Server, StoryError, connection
from volant.kernel.clock import HOUR_US, iso, parse_iso
from volant.kernel.steered_clock import Steering
from volant.testing.city import City, Ride

if TYPE_CHECKING:
    from volant.cli.demo.news import News
    from volant.cli.demo.teller import Teller

TOGETHER = 2  # hours of one station that are asked for in one request
SECONDS_PER_HOUR = 1.0  # of the city, while it is left running
_JSON = {"Content-Type": "application/json"}


class World:
    """Between two hours of the city only as much time passes as the product needs to answer, so that a busy machine tells
    the same story as a quick one. It never stands quite still: decisions have an order in time.
    """

    def __init__(self, folder: Path, city: City, start: str) -> None:
        self._city = city
        self._now = parse_iso(start) - HOUR_US
        self.steering = Steering(folder / "clock", self._now)
        self._untold: list[Ride] = []
        self.asked = self.answered = 0
        self.last_prediction = ""

    @property
    def day(self) -> int:
        """How many days the city has seen."""
        return self._city.day

    @property
    def now(self) -> int:
        """The instant that the city's clock was set to last."""
        return self._now

    def _set(self, now: int, rate: float = 1.0) -> None:
        self._now = now
        self.steering.set(now, rate=rate)

    def open_terminus(self) -> None:
        """A fourth station opens tomorrow."""
        self._city.open_terminus()

    def live_day(self, server: Server) -> float:
        """A day of requests, then the truth about the day before; by how much the answers were wrong on average."""
        rides = self._city.next_day()
        wrong = [error for hours in _together(rides) for error in self._ask_at(server, hours)]
        self._tell_truth(server, rides[-1])
        server.settle()
        return sum(wrong) / len(wrong)

    def go_on(self, server: Server, teller: "Teller", news: "News") -> None:
        """An hour of the city in a second, until somebody interrupts."""
        while True:
            rides = self._city.next_day()
            for hours in _together(rides):
                self._set(_moment(hours[0][0]), 3600 / SECONDS_PER_HOUR)
                self._ask(server, hours)
                time.sleep(TOGETHER * SECONDS_PER_HOUR)
            self._tell_truth(server, rides[-1])
            for item in news.fresh():
                teller.news(item.at, item.text)

    def _ask_at(self, server: Server, requests: list[list[Ride]]) -> list[float]:
        self._set(_moment(requests[0][0]))
        return self._ask(server, requests)

    def _ask(self, server: Server, requests: list[list[Ride]]) -> list[float]:
        """The errors of the answers. Every request is counted as asked before, and as answered after."""
        wrong = []
        link = connection(server.url)
        try:
            for rides in requests:
                self.asked += len(rides)
                answers, identifier = _predict(link, [ride.features for ride in rides])
                self.answered += len(answers)
                self.last_prediction = f"{identifier}.{len(answers) - 1}"
                wrong += [abs(answer - ride.demand) for answer, ride in zip(answers, rides, strict=True)]
        finally:
            link.close()
        self._untold += [ride for rides in requests for ride in rides]
        return wrong

    def _tell_truth(self, server: Server, last: Ride) -> None:
        """The labels that are known by the last hour of the day."""
        now = _moment(last)
        self._set(now)
        known = [ride for ride in self._untold if parse_iso(ride.known_at) <= now]
        self._untold = [ride for ride in self._untold if parse_iso(ride.known_at) > now]
        if known:
            labels = [{"key": [ride.features["station"], ride.features["hour"]], "label": ride.demand} for ride in known]
            server.post("/labels", {"labels": labels})


def _together(rides: Sequence[Ride]) -> list[list[list[Ride]]]:
    """The requests of a day: for each stretch of ``TOGETHER`` hours one for each station."""
    hours: dict[int, dict[str, list[Ride]]] = {}
    for ride in rides:
        stretch = _moment(ride) // (TOGETHER * HOUR_US)
        hours.setdefault(stretch, {}).setdefault(str(ride.features["station"]), []).append(ride)
    return [list(stations.values()) for stations in hours.values()]


def _predict(link: http.client.HTTPConnection, rows: Sequence[object]) -> tuple[list[float], str]:
    link.request("POST", "/invocations", json.dumps({"dataframe_records": rows}), _JSON)
    answer = link.getresponse()
    body = answer.read().decode()
    if answer.status != 200:
        raise StoryError(f"a prediction should have been answered: {answer.status} {body[:500]}")
    return json.loads(body)["predictions"], answer.headers["x-volant-prediction-id"]


def _moment(ride: Ride) -> int:
    return parse_iso(str(ride.features["hour"]))


def passing(world: World, server: Server, news: "News", teller: "Teller", *, until: Callable[[], bool], most: int, otherwise: str) -> None:
    """Let days pass and tell what happens on them, until something has come about; ``StoryError`` if it does not."""
    wrong: list[float] = []
    for _ in range(most):
        wrong.append(world.live_day(server))
        fresh = news.fresh()
        done = until()
        if fresh or done or len(wrong) == 4:
            days = f"{len(wrong)} days pass" if len(wrong) > 1 else "a day passes"
            teller.news(world.now, f"{days}; the answers were wrong by {sum(wrong) / len(wrong):.1f} rentals an hour")
            wrong = []
        for item in fresh:
            teller.news(item.at, item.text)
        if done:
            return
    raise StoryError(f"{otherwise} within {most} days, by {iso(world.now)[:10]}")
