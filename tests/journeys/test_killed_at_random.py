"""Killed at moments drawn by chance, a project carries on: nothing acknowledged is lost, nothing happens twice.

``VOLANT_SOAK_KILLS`` says how many processes are killed, ``VOLANT_SOAK_SEED`` which and when; ``make soak`` kills a hundred.
One of each kind is killed in ``test_two_servers.py``.
"""

import os
import random
import shutil
import sys

import pytest
from disturbed import World, write_tides
from journey_parts import query
from killing import Killer
from promises import assert_settled, assert_sound, events, summary
from resting import come_to_rest

KILLS = int(os.environ.get("VOLANT_SOAK_KILLS", "0"))
SEED = int(os.environ.get("VOLANT_SOAK_SEED", "1"))


@pytest.fixture(scope="module")
def tides(tmp_path_factory):
    """A project with version 1 released. Not to be changed: copy it."""
    return write_tides(tmp_path_factory.mktemp("tides") / "tides")


@pytest.fixture
def world(tides, tmp_path):
    made = World(shutil.copytree(tides, tmp_path / "tides"))
    yield made
    made.close()


def assert_served_as_released(world):
    champion, number = query(world.root, "SELECT alias, number FROM model_alias WHERE alias = 'champion'")[0]
    promoted = sum(kind in {"promoted", "approved", "rolled_back"} for kind, _, _ in events(world.root, "model/tides"))
    assert champion == "champion"
    world.until(lambda: world.live()[-1].serving() == (number, promoted))


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def disturb(world, kills):
    """Kill one after the other, looking at the evidence now and then."""
    killer = Killer(world, random.Random(SEED))
    for count in range(1, kills + 1):
        done = killer.kill_one()
        say(f"kill {count}: {done}; {summary(world)}")
        if count % 10 == 0:
            assert_sound(world)
    come_to_rest(world)
    assert_served_as_released(world)
    for server in world.live():
        server.stop()
    assert not world.left_over()
    assert_settled(world)
    say(f"seed {SEED}: killed {killer.kinds}; {summary(world)}")


def test_whatever_is_killed_at_any_moment_nothing_is_lost_and_nothing_happens_twice(world):
    world.begin()
    disturb(world, KILLS)
