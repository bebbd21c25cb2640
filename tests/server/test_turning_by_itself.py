"""When the automation looks, and what it does with what it hears."""

import asyncio
import json
import shutil
import sys
from functools import partial
from pathlib import Path

import pytest
from server_parts import ENVIRONMENT

from volant.evidence.model import Label
from volant.kernel.clock import SECOND_US
from volant.kernel.errors import ConflictError, UserCodeError, to_record
from volant.server.jobs import Jobs
from volant.server.wheel import LONGEST_SECONDS, Wheel
from volant.testing.clock import FakeClock
from volant.wiring import commands
from volant.wiring.project import open_project

CHILD = (sys.executable, str(Path(__file__).with_name("look_child.py")))
FILES = ["contract.odcs.yaml", "data/example.csv", "pipeline.py", "volant.yaml"]
FOLLOWED = {"files": FILES, "clocks_us": [], "listens": False, "settings": "s1"}
NOTHING = {"result": {"decisions": [], "end": None, "run": None, "waited_at": 7, **FOLLOWED}}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    commands.init(folder, "toy", environment=ENVIRONMENT, template=True)
    return folder / "toy"


class Rounds:
    """A wheel over a real project, whose child answers as told."""

    def __init__(self, folder, *, may=True):
        self.folder, self.clock = folder, FakeClock()
        self.project = open_project(folder, environment=ENVIRONMENT, clock=self.clock)
        self.may = may
        self.wheel = None

    def asked(self, *steps, answer=NOTHING):
        """How often it looked in rounds with ``steps`` (None: nothing happens) before each."""
        (self.folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")

        async def go():
            jobs = Jobs(self.folder, ENVIRONMENT, command=CHILD)
            self.wheel = Wheel(self.project, jobs, may=lambda: self.may)
            for step in steps:
                if step is not None:
                    step()
                await self.wheel.once()
            await jobs.close()

        asyncio.run(go())
        place = self.folder / "asked"
        return len(place.read_text(encoding="utf-8").splitlines()) if place.exists() else 0


@pytest.fixture
def rounds(made, tmp_path):
    return Rounds(shutil.copytree(made, tmp_path / "toy"))


def test_nothing_new_is_looked_at_once(rounds):
    assert rounds.asked(None, None, None) == 1


def test_a_change_of_code_is_looked_at(rounds):
    def change():
        with (rounds.folder / "pipeline.py").open("a", encoding="utf-8") as file:
            file.write("\n# changed\n")

    assert rounds.asked(None, change, None) == 2


def test_files_that_a_look_names_are_watched_from_then_on(rounds):
    more = {"result": {**NOTHING["result"], "files": [*FILES, "opening.py"]}}
    write = partial((rounds.folder / "opening.py").write_text, "SHIFT = 1", encoding="utf-8")
    assert rounds.asked(None, None, None, write, None, answer=more) == 3  # the second with the new file's signal


def test_labels_and_traffic_are_looked_at_in_time_but_never_more_than_a_twentieth_of_it(rounds):
    def labels():
        number = rounds.project.labels.revision("toy")
        label = Label(prediction_id=f"p{number}.0", value=1, known_at=0, recorded_at=0)
        rounds.project.labels.add("toy", [label])

    def slow():
        rounds.wheel._taken = 3600.0
        labels()

    def long_ago():
        rounds.wheel._ended -= 21 * 3600.0

    assert rounds.asked(None, slow, None, long_ago, None) == 2


def test_the_look_hears_when_it_waited_the_last_time_and_under_which_settings(rounds):
    rounds.asked(None, lambda: rounds.clock.advance(int(LONGEST_SECONDS * SECOND_US)))
    requests = [json.loads(line) for line in (rounds.folder / "requests").read_text(encoding="utf-8").splitlines()]
    assert requests == [{"looked_before": None, "settings": None}, {"looked_before": 7, "settings": "s1"}]


def test_after_the_longest_time_it_looks_all_the_same_and_a_clock_set_back_does_not_stop_it(rounds):
    late = int(LONGEST_SECONDS * SECOND_US)
    assert rounds.asked(None, lambda: rounds.clock.advance(late), lambda: rounds.clock.advance(-3600 * SECOND_US), None) == 3


def test_behind_a_cycle_that_ended_it_looks_again_at_once(rounds):
    ended = {"result": {**NOTHING["result"], "end": {"decision": "d"}, "waited_at": None}}
    assert rounds.asked(None, None, answer=ended) == 2


def test_while_somebody_else_runs_it_looks_again_in_the_next_round(rounds):
    busy = {"error": to_record(ConflictError("A run of toy is going on."))}
    assert rounds.asked(None, None, answer=busy) == 2


def test_a_look_that_fails_is_told_and_not_repeated_until_something_changed(rounds, capfd):
    failed = {"error": to_record(UserCodeError("Step model raised."))}
    assert rounds.asked(None, None, None, answer=failed) == 1
    assert rounds.wheel.last["error"] == "Step model raised."
    assert "Step model raised." in capfd.readouterr().err


def test_who_does_not_hold_the_lease_does_not_look(rounds):
    rounds.may = False
    assert rounds.asked(None, None) == 0
