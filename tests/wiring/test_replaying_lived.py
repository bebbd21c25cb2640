"""``volant replay --lived``: what was decided, made once more on what was kept and on the log as it was."""

import contextlib
import json
import shutil
import sqlite3

import pytest
from lived_city import ENVIRONMENT, live, quiet, served

from volant.cli.main import main
from volant.evidence.sealing import Sealer
from volant.kernel.digests import digest
from volant.loop.grounds import kept
from volant.loop.ledger import DecisionLedger
from volant.loop.lived import Lived, Recomputed, Stored
from volant.wiring.project import open_project
from volant.wiring.verbs.cycles import ports_of
from volant.wiring.verbs.looping import look
from volant.wiring.verbs.retracing import replay_lived

POLICY = """
retrain:
  when: [{performance: worse}]
watch: {window: {rows: 40}}
"""


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """See :func:`lived_city.live`."""
    return live(tmp_path_factory.mktemp("lived"), POLICY, "performance")


@pytest.fixture
def home(lived, tmp_path):
    return shutil.copytree(lived.parent, tmp_path / "all") / "city"


def replayed(home):
    return replay_lived(home, ENVIRONMENT, {}, quiet)


def change(home, statement, *values):
    with contextlib.closing(sqlite3.connect(home / ".volant" / "volant.db")) as connection, connection:
        assert connection.execute(statement, values).rowcount


def retrained(home):
    """The decision to retrain with its event."""
    project = open_project(home, environment=ENVIRONMENT)
    return next((event, found) for event, found in DecisionLedger(project.events, "city").decisions() if found.trigger == "performance")


def test_every_decision_comes_out_as_it_was_and_waiting_in_between_was_right(home):
    found = replayed(home)
    assert found["same"], found
    assert [line["action"] for line in found["decisions"]][:2] == ["promote", "retrain"]
    assert all(line["checked"] and line["same"] for line in found["decisions"])
    assert found["instants"] > 0
    assert not found["overlooked"]
    assert main(["replay", "--lived", "--json", "--project", str(home)]) == 0


def test_it_does_so_after_the_log_was_sealed_and_more_was_lived(home):
    project = open_project(home, environment=ENVIRONMENT)
    sealed = Sealer(project.log_folder, project.objects, project.segments, project.clock).seal(keep_us=0)
    assert sealed.sealed
    served(project, home, 4, 50.0)
    assert replayed(home)["same"]


def test_grounds_made_anew_hold_real_windows(home):
    """The check above would be empty if the windows were."""
    _, decision = retrained(home)
    project = open_project(home, environment=ENVIRONMENT)
    grounds = kept(project.objects, decision.grounds)
    assert [window.labelled for window in grounds.evidence.windows] == [40] * 8
    assert grounds.evidence.reference_df is not None
    anew = Lived(ports_of(project), grounds.seen, grounds.policy, Recomputed(ports_of(project)))
    assert anew.evidence() == grounds.evidence
    assert anew.state() == grounds.state


def test_a_label_that_was_changed_behind_its_back_shows(home, capsys):
    change(home, "UPDATE label SET value = '-999.0' WHERE position = 7")
    found = replayed(home)
    (line,) = [line for line in found["decisions"] if not line["same"]]
    assert line["action"] == "retrain"
    assert {part["where"] for part in line["differences"]} == {"log"}
    assert "evidence.windows[0].loss" in {part["figure"] for part in line["differences"]}
    assert main(["replay", "--lived", "--project", str(home)]) == 3
    assert "on the log" in capsys.readouterr().out


def test_a_decision_that_was_rewritten_shows(home):
    event, decision = retrained(home)
    data = json.loads(event.data)
    assert decision.evidence["statistic"] != 7.0
    data["evidence"]["statistic"] = 7.0
    change(home, "UPDATE event SET data = ? WHERE id = ?", json.dumps(data).encode(), event.id)
    (line,) = [line for line in replayed(home)["decisions"] if not line["same"]]
    assert [(part["where"], part["figure"], part["then"]) for part in line["differences"]] == [("stored", "evidence.statistic", 7.0)]


def test_a_log_that_is_gone_shows(home):
    shutil.rmtree(home / ".volant" / "log")
    (line,) = [line for line in replayed(home)["decisions"] if not line["same"]]
    assert any(part["figure"] == "evidence.windows, how many" for part in line["differences"])


def test_what_was_due_at_a_look_that_waited_shows(home):
    """As if the automation had looked at the same evidence before, and had waited."""
    event, decision = retrained(home)
    project = open_project(home, environment=ENVIRONMENT)
    grounds = json.loads(project.objects.get(decision.grounds))
    data = json.loads(event.data) | {"grounds": project.objects.put(json.dumps({**grounds, "looked_before": decision.at - 1}).encode())}
    change(home, "UPDATE event SET data = ? WHERE id = ?", json.dumps(data).encode(), event.id)
    found = replayed(home)
    assert not found["same"]
    assert all(line["same"] for line in found["decisions"])
    assert [missed["action"] for missed in found["overlooked"]] == ["retrain"]


def test_a_decision_from_before_grounds_were_kept_is_said_to_be_unchecked(home):
    event, _ = retrained(home)
    data = {name: value for name, value in json.loads(event.data).items() if name != "grounds"}
    change(home, "UPDATE event SET data = ? WHERE id = ?", json.dumps(data).encode(), event.id)
    found = replayed(home)
    assert found["same"]
    (line,) = [line for line in found["decisions"] if not line["checked"]]
    assert "before grounds were kept" in line["note"]


def test_a_person_who_changed_the_settings_is_no_reason_to_accuse_the_look_before(home):
    settings = digest(b"other settings")
    found = look(home, ENVIRONMENT, {"looked_before": 1, "settings": settings}, quiet)
    assert found["settings"] != settings
    assert replayed(home)["same"]


def test_a_look_takes_the_windows_as_stored(home):
    project = open_project(home, environment=ENVIRONMENT)
    live = project.windows.live("city", 1)
    _, decision = retrained(home)
    grounds = kept(project.objects, decision.grounds)
    stored = Lived(ports_of(project), grounds.seen, grounds.policy, Stored(ports_of(project), live))
    assert stored.evidence().windows == live.evidence()
