"""Killed at every named place of a write path, a command is simply given again: it carries on, and nothing shows of the death.

The disturbed project and an undisturbed one come to the same end.
"""

import csv
import json
import shutil
import signal

import pytest
from journey_parts import ENVIRONMENT, edit, launch, query, served, start, volant

from volant.evidence.predictions import Predictions
from volant.kernel.crashpoints import POINTS
from volant.wiring import commands
from volant.wiring.project import open_project

pytestmark = pytest.mark.slow

# Where each point is passed; ":2" is the second time. Those of `run` are passed by a first run of an empty store.
RUN = (
    "objects.written",
    "objects.renamed",
    "run.data_frozen",
    "run.step_done",
    "run.step_done:2",
    "objects.renamed:4",
    "run.packaged",
    "run.gated",
    "events.appended",
    "events.committed",
    "run.registered",
    "events.appended:2",
    "events.committed:2",
)
APPROVE = ("events.appended", "events.committed", "approve.committed")
PREDICT_FILE = ("objects.written", "objects.renamed", "seal.object_written")
PREDICT_LIVE = ("log.before_write", "log.written")
SEAL = ("objects.written", "objects.renamed", "seal.object_written", "seal.committed")
LABELS = "labels.committed"
ROW = {"hour": "2026-03-20T08:00:00", "temperature": 8.5, "weather": "cloud", "open": True}


def opened(root):
    return open_project(root, environment=ENVIRONMENT)


def die(root, point, *words):
    """Give a command that dies by SIGKILL at ``point``: itself, or the child that works for it."""
    with start(root, *words, "--json", "-q", environment={"VOLANT_CRASH_AT": point}) as process:
        out, err = process.communicate(timeout=120)
    killed = process.returncode == -signal.SIGKILL
    told = process.returncode == 1 and "signal 9" in json.loads(out)["error"]["found"]
    assert killed or told, f"{point} was not reached: {process.returncode} {out.decode()} {err.decode()}"


def assert_sound(root):
    """What must hold after any death, before anything is repaired."""
    assert commands.audit_verify(opened(root))["intact"]
    named = [digest for table in ("dataset_version", "segment") for (digest,) in query(root, f"select digest from {table}")]
    named += [package for (package,) in query(root, "select package from model_version")]
    assert all(opened(root).objects.has(digest) for digest in named), "a row names an object that is not there"


def outcome(root):
    """What a project has come to, without names and times that differ from run to run.

    A run that goes on after its version was registered judges it again, so there may be a second report and decision.
    """
    project = opened(root)
    state = commands.models(project)
    return {
        "champion": state["champion"],
        "versions": [(v["version"], v["state"], v["gate"], v["metrics"], v["dataset_version"]) for v in state["versions"]],
        "packages": query(root, "select package from model_version order by number"),
        "data": query(root, "select number, digest from dataset_version order by number"),
        "events": query(root, "select stream, seq, kind from event where stream like 'model/%' order by seq"),
        "decided": query(root, "select distinct kind from event where stream like 'loop/%'"),
        "made of": query(root, "select distinct role from edge where target like 'model:%' order by role"),
    }


@pytest.fixture(scope="module")
def undisturbed(plain_trained_template):
    return outcome(plain_trained_template)


def test_every_named_point_is_died_at_here():
    reached = {point.partition(":")[0] for point in (*RUN, *APPROVE, *PREDICT_FILE, *PREDICT_LIVE, *SEAL, LABELS)}
    paths = ("objects", "events", "run", "approve", "log", "labels", "seal")
    assert reached == {point for point in POINTS if point.partition(".")[0] in paths}


@pytest.mark.parametrize("point", RUN)
def test_a_run_killed_anywhere_is_carried_on_by_the_next(plain, undisturbed, point):
    die(plain, point, "run")
    assert_sound(plain)
    finished = {step for (step,) in query(plain, "select step from run_step")}
    done = volant(plain, "run").json
    assert {step["step"] for step in done["steps"] if step["cached"]} >= finished
    assert outcome(plain) == undisturbed
    assert {status for (status,) in query(plain, "select status from run")} <= {"FINISHED", "KILLED"}
    assert volant(plain, "run").json["cached"]
    assert outcome(plain) == undisturbed


@pytest.mark.parametrize("point", ["run.registered", "events.appended:2", "events.committed:2", "events.appended:3", "events.committed:3"])
def test_under_autopilot_a_decision_that_was_killed_is_followed_by_the_next_run(plain, point):
    edit(plain / "volant.yaml", "autonomy: propose", "autonomy: autopilot")
    die(plain, point, "run")
    assert_sound(plain)
    promoted = query(plain, "select count(*) from event where kind = 'promoted'") == [(1,)]
    assert (commands.models(opened(plain))["champion"] == 1) is promoted
    assert promoted <= (query(plain, "select count(*) from event where kind = 'decided'") == [(1,)])
    volant(plain, "run")
    assert commands.models(opened(plain))["champion"] == 1
    assert query(plain, "select count(*) from event where kind = 'promoted'") == [(1,)]
    assert query(plain, "select alias, number from model_alias") == [("champion", 1)]


@pytest.mark.parametrize("point", APPROVE)
def test_an_approval_killed_anywhere_is_whole_or_not_there(plain_trained, point):
    die(plain_trained, point, "approve", "toy@1", "--reason", "good")
    assert_sound(plain_trained)
    committed = point != "events.appended"
    assert (commands.models(opened(plain_trained))["champion"] == 1) is committed
    again = volant(plain_trained, "approve", "toy@1", "--reason", "good", expect=6 if committed else 0)
    if committed:
        assert "is the champion already" in again.error["what"]
    approved = query(plain_trained, "select count(*) from event where kind = 'approved'")
    assert approved == [(1,)]
    assert query(plain_trained, "select alias, number from model_alias") == [("champion", 1)]


@pytest.mark.parametrize("point", PREDICT_FILE)
def test_a_scored_file_is_logged_whole_or_not_at_all(plain_trained, point):
    write_fresh(plain_trained / "fresh.csv")
    die(plain_trained, point, "predict", "toy@1", "--data", "fresh.csv")
    assert_sound(plain_trained)
    assert query(plain_trained, "select count(*) from segment") == [(0,)]
    assert not (plain_trained / "fresh.predictions.csv").exists()
    assert volant(plain_trained, "predict", "toy@1", "--data", "fresh.csv").json["logged"] == 30
    assert volant(plain_trained, "predict", "toy@1", "--data", "fresh.csv").json["logged"] == 0
    assert len({line["prediction_id"] for line in logged(plain_trained)}) == 30
    assert sorted(path.name for path in plain_trained.glob("*.csv")) == ["fresh.csv", "fresh.predictions.csv"]


def test_labels_killed_after_their_commit_are_repeated_without_harm(plain_trained):
    write_fresh(plain_trained / "fresh.csv")
    volant(plain_trained, "predict", "toy@1", "--data", "fresh.csv")
    die(plain_trained, LABELS, "labels", "add", "fresh.csv")
    assert query(plain_trained, "select count(*) from label") == [(30,)]
    again = volant(plain_trained, "labels", "add", "fresh.csv").json
    assert (again["new"], again["repeated"], again["unmatched"]) == (0, 30, 0)


@pytest.mark.parametrize("point", PREDICT_LIVE)
def test_a_worker_killed_at_its_log_is_replaced_and_what_was_answered_is_logged(plain_trained, point):
    volant(plain_trained, "approve", "toy@1", "--reason", "good")
    with served(plain_trained, environment={"VOLANT_CRASH_AT": f"{point}:3"}, log_folder=plain_trained.parent) as server:
        server.until(lambda: server.serving() == 1)
        acknowledged = [server.predict([ROW])[1] for _ in range(2)]
        first = server.worker_pid()
        assert server.post("/invocations", {"dataframe_records": [ROW]})[0] in {502, 503}
        server.until(lambda: server.serving() == 1 and server.worker_pid() not in {None, first})
        acknowledged.append(server.predict([ROW])[1])
        assert server.stop() == 0
    known = [line["prediction_id"] for line in logged(plain_trained)]
    assert {f"{request}.0" for request in acknowledged} <= set(known)
    assert len(known) == len(set(known)) == (4 if point == "log.written" else 3)


@pytest.mark.parametrize("point", SEAL)
def test_sealing_killed_anywhere_is_done_by_the_next_and_shows_every_prediction_once(plain_trained, sealable, point):
    shutil.copytree(sealable / ".volant" / "log", plain_trained / ".volant" / "log", dirs_exist_ok=True)
    seal = (plain_trained, "seal", {"keep_us": 0})
    expected = sorted(line["prediction_id"] for line in logged(plain_trained))
    assert len(expected) == 5
    with pytest.raises(Exception, match="ended before it answered"):
        commands.call(*seal, environment={**ENVIRONMENT, "VOLANT_CRASH_AT": point})
    assert_sound(plain_trained)
    assert sorted(line["prediction_id"] for line in logged(plain_trained)) == expected
    commands.call(*seal, environment=ENVIRONMENT)
    assert sorted(line["prediction_id"] for line in logged(plain_trained)) == expected
    assert query(plain_trained, "select sum(rows) from segment") == [(5,)]
    assert not [path for path in (plain_trained / ".volant" / "log").rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def sealable(plain_trained_template, tmp_path_factory):
    """A project whose worker was killed: its log holds five predictions and nobody writes it any more."""
    root = shutil.copytree(plain_trained_template, tmp_path_factory.mktemp("sealable") / "toy")
    volant(root, "approve", "toy@1", "--reason", "good")
    server = launch(root, log_folder=root.parent)
    try:
        server.until(lambda: server.serving() == 1)
        server.predict([ROW] * 5)
        server.kill()
    finally:
        server.stop()
    return root


def logged(root):
    project = opened(root)
    return Predictions(project.log_folder, project.objects, project.segments).table("toy").to_dicts()


def write_fresh(path):
    """30 hours after the example, with their demand."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["hour", "temperature", "weather", "open", "demand"])
        for hour in range(30):
            writer.writerow([f"2026-03-{20 + hour // 24:02}T{hour % 24:02}:00:00", 8.5, "cloud", "true", 20])
