"""Two servers on one store: both serve, one decides, and when it dies the other carries on what it had begun."""

import random

import pytest
from disturbed import World, write_tides
from journey_parts import query
from killing import Killer
from promises import ENDS, assert_settled, rollouts
from resting import come_to_rest, training


@pytest.fixture
def world(tmp_path):
    made = World(write_tides(tmp_path / "tides"), pause=0.08)
    yield made
    made.close()


def leader(world):
    return next((server for server in world.live() if server.status().get("leads")), None)


def in_canary(world):
    """Whether a rollout answers live rows and has not ended."""
    newest = next(reversed(rollouts(world.root).values()), [("promoted", {})])
    return newest[-1][0] not in ENDS and any(kind == "began" and data["stage"]["live"] for kind, data in newest)


def replace_leader(world):
    """Kill who decides; who decides then, with a further server beside it."""
    before = world.until(lambda: leader(world))
    before.kill()
    after = world.until(lambda: leader(world))
    assert after is not before
    world.start()
    return after


def test_whatever_is_killed_in_a_training_and_in_a_canary_the_other_server_carries_on_and_all_is_decided_once(world):
    world.begin()
    world.start()
    killer = Killer(world, random.Random(1), mean_seconds=0.1)
    world.until(lambda: training(world.root))
    killer.kill_one("jobs")
    world.until(lambda: training(world.root))
    replace_leader(world)
    world.until(lambda: in_canary(world))
    killer.kill_one("arm")
    killer.kill_one("worker")
    replace_leader(world)
    come_to_rest(world)
    number = query(world.root, "SELECT number FROM model_alias WHERE alias = 'champion'")[0][0]
    world.until(lambda: {(server.serving() or (None,))[0] for server in world.live()} == {number})
    for server in world.live():
        server.stop()
    assert sum(killer.kinds.values()) == 3
    assert not world.left_over()
    assert_settled(world)
