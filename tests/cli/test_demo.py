import json
import os
import subprocess
import sys

import pytest

DEMO = [sys.executable, "-m", "volant.cli", "demo"]


def play(folder, *words):
    return subprocess.run(
        [*DEMO, *words], cwd=folder, capture_output=True, text=True, check=False, timeout=300, env={**os.environ, "NO_COLOR": "1"}
    )


@pytest.mark.slow
def test_the_demo_plays_its_story_with_the_real_commands_and_keeps_the_project(tmp_path):
    done = play(tmp_path, "--keep", "kept", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["schema"] == "volant.demo/1"
    assert found["happened"]
    assert found["replay"]["every window, growing"] < found["replay"]["never"]
    told = done.stderr
    assert "SIMULATED" in told.splitlines()[0]
    steps = [line.partition(".")[0] for line in told.splitlines() if line[:1].isdigit()]
    assert steps == [str(number) for number in range(1, 11)]
    assert "city@2 is the champion" in told
    assert "mae vs champion v1" in told
    assert (tmp_path / "kept" / "city" / "volant.yaml").is_file()
    assert not list((tmp_path / "kept" / "city" / ".volant").glob("crash/*"))


def test_the_demo_overwrites_nothing(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    done = play(tmp_path, "--keep", "mine")
    assert done.returncode == 6
    assert "name a new folder" in done.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["file"]


def test_a_city_is_the_same_for_the_same_seed_and_continues_where_it_was_left():
    from volant.testing.city import CHANGE_DAY, simulate

    whole = simulate(4, seed=3)
    assert whole == simulate(4, seed=3)
    assert whole[2 * 72 :] == simulate(2, seed=3, first_day=2)
    assert whole != simulate(4, seed=4)
    assert CHANGE_DAY > 4
    assert all(ride.demand >= 0 for ride in whole)
