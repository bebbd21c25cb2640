"""``volant replay --lived``: what was decided, made once more on what was kept and on the log as it was."""

import contextlib
import csv
import json
import os
import random
import shutil
import sqlite3

import pytest

from volant.cli.main import main
from volant.evidence.frames import frame
from volant.evidence.log import encode
from volant.evidence.model import Outcome, Prediction
from volant.evidence.sealing import Sealer
from volant.kernel.digests import digest
from volant.loop.grounds import kept
from volant.loop.ledger import DecisionLedger
from volant.loop.lived import Lived, Recomputed, Stored
from volant.wiring import commands
from volant.wiring.project import open_project
from volant.wiring.verbs.cycles import ports_of
from volant.wiring.verbs.looping import look
from volant.wiring.verbs.retracing import replay_lived

ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
POLICY = """
retrain:
  when: [{performance: worse}]
watch: {window: {rows: 40}}
"""
MODEL = '''"""Twice the temperature."""


class Twice:
    def predict(self, frame):
        return (frame["temp"] * 2).to_numpy()


def model(rows, target, *, learning_rate=0.1):
    return Twice()
'''


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def rows_of(day, count):
    noise = random.Random(day)
    return [{"id": 10_000 * day + number, "temp": noise.randint(0, 60) / 2} for number in range(count)]


def told(rows, shift=0.0):
    noise = random.Random(len(rows))
    return [{"id": row["id"], "demand": round(2 * row["temp"] + shift + noise.uniform(-1, 1), 3)} for row in rows]


def quiet(_text, _share=None):
    pass


def served(project, home, day, shift):
    """160 rows are answered by a worker and then labelled."""
    rows, state = rows_of(day, 160), project.registry.state("city")
    answered = Prediction(
        id=f"{day:032x}",
        request_id=None,
        at=project.clock.now(),
        model="city",
        version=state.champion,
        arm="champion",
        epoch=state.epoch,
        columns={name: [row[name] for row in rows] for name in ("id", "temp")},
        values=[row["temp"] * 2 for row in rows],
        scores=None,
        keys=[json.dumps([row["id"]]) for row in rows],
        event_times=None,
        latency_us=300,
        outcome=Outcome.OK,
    )
    folder = project.log_folder / "w1"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{day:020}.log").write_bytes(frame(encode(answered)))
    write(home / "truth.csv", told(rows, shift))
    assert commands.add_labels(project, str(home / "truth.csv"), ["id"])["new"] == 160


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """The champion answers as well as ever, the automation waits; then the world moves, and it retrains."""
    folder = tmp_path_factory.mktemp("lived")
    rows = rows_of(1, 300)
    write(folder / "history.csv", [{**row, **truth} for row, truth in zip(rows, told(rows), strict=True)])
    commands.init(folder, "city", environment=ENVIRONMENT, data="history.csv", target="demand", key=("id",), metric="mae")
    home = folder / "city"
    (home / "pipeline.py").write_text(MODEL, encoding="utf-8")
    text = (
        (home / "volant.yaml")
        .read_text(encoding="utf-8")
        .replace("autonomy: propose", "autopilot: x")
        .replace("autopilot: x", "autonomy: autopilot")
    )
    begin = text.index("retrain:")
    (home / "volant.yaml").write_text(text[:begin] + POLICY, encoding="utf-8")
    project = open_project(home, environment=ENVIRONMENT)
    commands.run(project)
    if project.registry.state("city").champion is None:
        commands.approve(project, "latest", reason="first", actor="ann", override=True)
    served(project, home, 2, 0.0)
    first = look(home, ENVIRONMENT, {}, quiet)
    assert [decision["action"] for decision in first["decisions"]] == ["wait"]
    served(project, home, 3, 25.0)
    request = {"looked_before": first["waited_at"], "settings": first["settings"]}
    second = look(home, ENVIRONMENT, request, quiet)
    assert second["decisions"][0]["trigger"] == "performance"
    return home


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
