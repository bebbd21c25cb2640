import json
import os
import signal
import subprocess
import sys

import pytest

from volant.cli.demo import edits
from volant.cli.demo.promises import Cast, check_all
from volant.cli.demo.running import StoryError, ask
from volant.wiring.project import open_project

DEMO = [sys.executable, "-m", "volant.cli", "demo"]
ENVIRONMENT = {**os.environ, "NO_COLOR": "1"}


class Played:
    """One demo that was left running, looked at, and interrupted."""

    def __init__(self, folder):
        with subprocess.Popen(
            [*DEMO, "--keep", "--folder", "kept", "--json"],
            cwd=folder,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            self.told = []
            for line in process.stderr:
                self.told.append(line.rstrip())
                if line.startswith("  pages  "):
                    self.url = line.split()[1]
                    self.page = ask(self.url, "GET", "/")
                    self.status = json.loads(ask(self.url, "GET", "/api/v1/status")[1])
                    process.send_signal(signal.SIGINT)
                    break
            out, rest = process.communicate(timeout=600)
            self.told += rest.splitlines()
        self.code = process.returncode
        assert out, "\n".join(self.told)
        self.found = json.loads(out)
        self.home = folder / "kept" / "city"


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """The demo is dear: it is played once, and everything is asked of what it left."""
    return Played(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def city(played):
    return open_project(played.home, environment={})


def cast_of(played):
    return Cast(**played.found["versions"])


@pytest.mark.slow
def test_the_demo_tells_its_story_and_every_claim_holds(played):
    assert played.code == 0, "\n".join(played.told)
    assert played.found["schema"] == "volant.demo/1"
    assert played.found["happened"]
    assert "SIMULATED" in played.told[0]
    steps = [line.partition(".")[0] for line in played.told if line[:1].isdigit()]
    assert steps == [str(number) for number in range(1, 14)]
    assert not list((played.home / ".volant").glob("crash/*"))


@pytest.mark.slow
def test_it_tells_what_was_decided_in_the_products_own_sentences(played):
    cast = cast_of(played)
    told = "\n".join(played.told)
    assert "decides to retrain: realised loss" in told
    assert f"rollout: Promoted city@{cast.good}: shadow 72 rows" in told
    assert f"gate: version {cast.refused} failed its gates" in told
    assert f"rollout: Rolled back city@{cast.broken}: it failed on" in told
    assert "automatic decisions come out as they were" in told
    assert "thirty bikes" in told


@pytest.mark.slow
def test_a_demo_that_is_kept_serves_its_pages_until_it_is_interrupted_and_leaves_no_server(played):
    assert played.page[0] == 200
    assert played.status["server"]["serving"]["phase"] == "serving"
    with pytest.raises(ConnectionError):
        ask(played.url, "GET", "/")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"good": "broken", "broken": "good"}, "should be the champion"),
        ({"refused": "broken", "broken": "refused"}, "should only be registered|should have said"),
    ],
)
def test_a_story_that_did_not_happen_is_not_confirmed(played, city, change, said):
    cast = cast_of(played)
    other = Cast(**{**cast._asdict(), **{name: getattr(cast, part) for name, part in change.items()}})
    with pytest.raises(StoryError, match=said):
        check_all(city, other, asked=1, answered=1)


@pytest.mark.slow
def test_a_request_without_an_answer_breaks_the_story(played, city):
    with pytest.raises(StoryError, match="2 rows were asked for, and 1 answered"):
        check_all(city, cast_of(played), asked=2, answered=1)


def test_the_demo_overwrites_nothing(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    done = subprocess.run([*DEMO, "--folder", "mine"], cwd=tmp_path, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert done.returncode == 6
    assert "name a new folder" in done.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["file"]


def test_an_edit_of_a_text_that_is_not_there_breaks_the_story(tmp_path):
    file = tmp_path / "pipeline.py"
    edits.write_pipeline(file)
    edits.edit(file, *edits.TRAP)
    with pytest.raises(StoryError, match=r"pipeline.py should contain"):
        edits.edit(file, *edits.TRAP)


def test_a_city_is_the_same_for_the_same_seed_and_continues_where_it_was_left():
    from volant.testing.city import CHANGE_DAY, simulate

    whole = simulate(4, seed=3)
    assert whole == simulate(4, seed=3)
    assert whole[2 * 72 :] == simulate(2, seed=3, first_day=2)
    assert whole != simulate(4, seed=4)
    assert CHANGE_DAY > 4
    assert all(ride.demand >= 0 for ride in whole)


def test_a_terminus_that_opens_adds_a_station_from_the_next_day_on():
    from volant.testing.city import City

    city = City(seed=3)
    assert len(city.next_day()) == 72
    city.open_terminus()
    opened = city.next_day()
    assert len(opened) == 96
    assert {ride.features["station"] for ride in opened} == {"harbour", "market", "university", "terminus"}
