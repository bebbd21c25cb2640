"""Suites of volant.yaml: what they find, what they tell, and when a server asks for them."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from bikes_project import opened
from server_parts import ENVIRONMENT

from volant.cli.main import main
from volant.kernel.clock import HOUR_US
from volant.kernel.errors import ConflictError, NotFoundError
from volant.loop.suite_ledger import SuiteLedger
from volant.server.jobs import Jobs
from volant.server.suites import Suites
from volant.testing.clock import FakeClock
from volant.wiring import commands
from volant.wiring.child import Child
from volant.wiring.project import open_project
from volant.wiring.suites import suites
from volant.wiring.verbs.cycles import alone

CHILD = (sys.executable, str(Path(__file__).with_name("look_child.py")))
LINES = """gates:
  - {vs: baseline}
  - {max: LIMIT}
  - {slices: [city], margin: 5%}
  - {latency_p99: 60s}
suites:
  hourly: {every: 1h, checks: [baseline, floors, slices, drift, latency]}
"""


def write_lines(root, limit):
    settings = (root / "volant.yaml").read_text(encoding="utf-8").split("gates:")[0]
    settings = settings.replace("data:\n  source", "data:\n  label_delay: 9s\n  source")  # so that the last known value is far off
    (root / "volant.yaml").write_text(settings + LINES.replace("LIMIT", str(limit)), encoding="utf-8")


@pytest.fixture
def tested(project):
    """A project whose champion is wrong by a little, and that has a suite."""
    commands.approve(project, "bikes@1", reason="good", actor="ann", override=True)
    write_lines(project.root, 30)
    return opened(project.root)


@pytest.fixture
def child(tested):
    with Child(tested.root, ENVIRONMENT) as found:
        yield found


def causes(root):
    return {alert.cause: alert.severity.value for alert in opened(root).alerts.open("bikes")}


def test_a_suite_repeats_the_gates_on_the_champion_and_keeps_an_alert_open_while_a_line_fails(tested, child, monkeypatch, capsys):
    root = tested.root
    passed = child.call("suite", {"name": "hourly", "actor": "ann"})
    verdicts = {line["check"]: line["verdict"] for line in passed["report"]["lines"]}
    assert verdicts == {"baseline": "pass", "floors": "pass", "slices": "pass", "drift": "not enough evidence", "latency": "pass"}
    assert (passed["verdict"], passed["report"]["rows"], passed["version"], causes(root)) == ("pass", 10, 1, {})
    write_lines(root, 0.5)
    failed = child.call("suite", {"name": "hourly", "actor": "ann"})
    (cause,) = causes(root)
    assert (failed["verdict"], failed["failed"], causes(root)) == ("fail", 1, {"suite hourly: mae at most 0.5": "critical"})
    write_lines(root, 40)
    child.call("suite", {"name": "hourly", "actor": "ann"})
    assert causes(root) == {}, f"{cause} is asked no more"
    reports = tested.gates.reports("bikes")
    assert all(report.version != 1 or report.champion is None for report in reports), "a suite's report is no gate report"
    monkeypatch.chdir(root)
    assert main(["suite", "show", "hourly"]) == 0
    assert "suite: passed (5 checks)" in capsys.readouterr().out


def test_a_failing_suite_ends_with_3_and_an_unknown_one_with_5(tested, monkeypatch, capsys):
    write_lines(tested.root, 0.5)
    monkeypatch.chdir(tested.root)
    assert main(["suite", "run", "hourly", "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["failed"] == 1
    assert main(["suite", "run", "nightly"]) == 5
    with pytest.raises(NotFoundError, match="no suite 'nightly'"):
        suites(tested, "nightly")


def test_an_error_is_kept_and_told_until_the_suite_runs_again(tested, child):
    root = tested.root
    rides = (root / "rides.csv").read_text(encoding="utf-8")
    (root / "rides.csv").unlink()
    ran = child.call("suites", {})["runs"]
    assert "rides.csv" in ran[0]["error"]
    assert list(causes(root)) == ["suite hourly"]
    assert child.call("suites", {})["runs"] == [], "an error does not run a suite twice in its period"
    (root / "rides.csv").write_text(rides, encoding="utf-8")
    child.call("suite", {"name": "hourly", "actor": "ann"})
    assert causes(root) == {}


def test_two_children_that_look_at_once_run_it_once(tested, child):
    with Child(tested.root, ENVIRONMENT) as other:
        ran = [len(one.call("suites", {})["runs"]) for one in (child, other)]
    assert ran == [1, 0]
    with alone(tested), pytest.raises(ConflictError):
        child.call("suites", {})


def test_a_server_asks_once_in_a_period_and_only_with_a_champion_and_the_lease(tested):
    clock, root = FakeClock(), tested.root
    project = open_project(root, environment=ENVIRONMENT, clock=clock)
    (root / "answer.json").write_text(json.dumps({"result": {"runs": []}}), encoding="utf-8")
    may = [False]

    async def go():
        jobs = Jobs(root, ENVIRONMENT, command=CHILD)
        rounds = Suites(project, jobs, may=lambda: may[0])
        await rounds.once()
        assert asked(root) == 0, "without the lease nothing is asked for"
        may[0] = True
        assert not rounds.settled()
        await rounds.once()
        assert asked(root) == 1
        SuiteLedger(project.events, "bikes").claim(project.config.suites[0], clock.now())
        assert rounds.settled()
        await rounds.once()
        assert asked(root) == 1, "its period is claimed"
        clock.advance(HOUR_US)
        await rounds.once()
        assert asked(root) == 2
        (root / "volant.yaml").write_text((root / "volant.yaml").read_text(encoding="utf-8").split("suites:")[0], encoding="utf-8")
        await rounds.once()
        assert (asked(root), rounds.settled()) == (2, True)
        await jobs.close()

    asyncio.run(go())


def asked(root):
    place = root / "asked"
    return len(place.read_text(encoding="utf-8").splitlines()) if place.exists() else 0
