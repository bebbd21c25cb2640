import json
import os
import subprocess
import sys

import pytest

from volant.cli.main import main
from volant.monitoring.alert_model import Severity
from volant.wiring.project import open_project

LEAST = "version: 1\nproject: bikes\ntask: regression\ntarget: cnt\nmetric: mae\ndata:\n  source: rides.csv\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "volant.yaml").write_text(LEAST)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VOLANT_USER", "ann")
    return open_project(tmp_path, environment={})


def worse(project, cause="performance", sentence="The error is 41.5, above 30.1.", severity=Severity.CRITICAL):
    return project.alerts.raise_(cause, severity=severity, sentence=sentence, facts={"loss": 41.5}, model="bikes")


def said(capsys, *words, code=0):
    assert main(["alerts", *words]) == code
    return capsys.readouterr().out


@pytest.mark.usefixtures("project")
def test_nothing_to_look_at_is_said(capsys):
    assert "nothing needs attention" in said(capsys)
    assert "no alerts yet" in said(capsys, "--all")
    assert json.loads(said(capsys, "--json"))["alerts"] == []


def test_open_alerts_are_listed_worst_first_with_what_to_type(project, capsys):
    worse(project, "labels late", "Labels are late.", Severity.WARNING)
    worse(project)
    shown = said(capsys)
    assert shown.index("The error is 41.5") < shown.index("Labels are late")
    assert "volant alerts ack 2" in shown
    found = json.loads(said(capsys, "--json"))
    assert (found["schema"], found["open"], found["targets"]) == ("volant.alerts.list/1", 2, ["log"])
    assert [alert["number"] for alert in found["alerts"]] == [2, 1]
    assert found["alerts"][0]["told"][0]["target"] == "log"


def test_acknowledging_names_who_and_why(project, capsys):
    worse(project)
    assert "alert 1 of bikes is acknowledged by ann" in said(capsys, "ack", "1", "--note", "roadworks")
    assert "with ann" in said(capsys)
    assert "roadworks" in said(capsys, "show", "1")
    assert main(["alerts", "ack", "1"]) == 6
    assert "by ann" in capsys.readouterr().err
    assert main(["alerts", "ack", "7"]) == 5


def test_one_alert_is_shown_with_what_it_rests_on_and_who_was_told(project, capsys):
    raised = worse(project)
    (delivery,) = project.alerts.deliveries(raised.id)
    project.stores.alerts.give_up(delivery.id, "it answered 500", project.clock.now())
    shown = said(capsys, "show", raised.id)
    for text in ("1 of bikes", "critical", "loss", "41.5", "given up: it answered 500"):
        assert text in shown
    assert "did not reach log: it answered 500" in said(capsys)


def test_resolved_alerts_are_listed_when_asked_for(project, capsys):
    worse(project)
    project.alerts.resolve("performance", model="bikes", sentence="v4 was promoted.")
    assert "nothing needs attention" in said(capsys)
    assert "resolved" in said(capsys, "--all")
    assert "v4 was promoted." in said(capsys, "show", "1")


def test_the_status_names_the_worst_open_alert(project, capsys):
    assert main(["status"]) == 0
    assert "alert" not in capsys.readouterr().out
    worse(project, "labels late", "Labels are late.", Severity.WARNING)
    worse(project)
    assert main(["status"]) == 0
    assert "critical: The error is 41.5, above 30.1. (volant alerts, and 1 more)" in capsys.readouterr().out
    assert main(["status", "--json"]) == 0
    assert [alert["number"] for alert in json.loads(capsys.readouterr().out)["alerts"]] == [2, 1]


def test_hostile_sentences_cannot_steer_the_terminal(project, capsys):
    worse(project, "c\x1b[2J", "\x1b]0;title\x07\u202e\r\nnext: rm -rf /")
    for words in ([], ["show", "1"], ["--all"]):
        shown = said(capsys, *words)
        assert not {"\x1b", "\x07", "\u202e", "\r"} & set(shown)
        assert "\nnext: rm" not in shown


def test_trying_the_targets_says_which_one_cannot_be_reached(project, capsys, monkeypatch):
    (project.root / "volant.yaml").write_text(LEAST + 'watch:\n  alerts: [{to: log}, {to: "slack:env:NO_SUCH_URL"}]\n')
    monkeypatch.delenv("NO_SUCH_URL", raising=False)
    assert main(["alerts", "test"]) == 1
    shown = capsys.readouterr()
    assert "alert 0 test (info) bikes: This is a test" in shown.err
    assert "NO_SUCH_URL is not set" in shown.out
    assert project.alerts.all("bikes") == ()


def test_the_doctor_names_variables_that_are_not_set(project, capsys, monkeypatch):
    main(["doctor", "--json"])
    assert next(line for line in json.loads(capsys.readouterr().out)["findings"] if line["name"] == "alerts")["standing"] == "ok"
    (project.root / "volant.yaml").write_text(LEAST + 'watch:\n  alerts: [{to: "slack:env:NO_SUCH_URL"}]\n')
    monkeypatch.delenv("NO_SUCH_URL", raising=False)
    main(["doctor"])
    assert "to slack:env:NO_SUCH_URL; not set here: NO_SUCH_URL" in capsys.readouterr().out


@pytest.mark.usefixtures("project")
def test_listing_alerts_imports_nothing_heavy():
    probe = "import sys\nfrom volant.cli.main import main\nmain(['alerts', '--json'])\nsys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, env=dict(os.environ), check=True)
    assert not {"asyncio", "ssl", "numpy", "polars", "jinja2", "starlette"} & {name.partition(".")[0] for name in done.stderr.split()}
