import json
import os
import subprocess
import sys

import pytest

from volant.cli.main import main
from volant.kernel.clock import iso
from volant.monitoring.alert_model import Effect, Picture, Severity, Sight
from volant.monitoring.drift_model import Bar
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


def test_muting_says_what_still_comes_through_and_is_listed_and_ended(project, capsys):
    worse(project, "drift", "Moved.", Severity.WARNING)
    made = json.loads(said(capsys, "mute", "1", "--until", "2d", "--reason", "roadworks", "--json"))
    assert (made["schema"], made["about"], made["by"], made["pages"]) == ("volant.alerts.mute/1", "alert 1", "ann", False)
    assert "comes through" in made["sentence"]
    shown = said(capsys)
    assert "muted until" in shown
    assert "alert 1, because roadworks" in shown
    assert [one["id"] for one in json.loads(said(capsys, "mutes", "--json"))["mutes"]] == [made["id"]]
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["alerts"] == []
    assert "told again" in said(capsys, "unmute", made["id"])
    assert "nothing is muted" in said(capsys, "mutes")
    assert main(["alerts", "unmute", made["id"]]) == 5


def test_a_cause_and_a_model_are_muted_until_an_instant(project, capsys):
    end = iso(project.clock.now() + 3_600_000_000)
    assert json.loads(said(capsys, "mute", "--cause", "drift", "--until", end, "--reason", "x", "--pages", "--json"))["until"] == end
    assert "everything until" in said(capsys, "mute", "--model", "bikes", "--until", "1h", "--reason", "x")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--until", "1h", "--reason", "x"], 2),
        (["1", "--cause", "drift", "--until", "1h", "--reason", "x"], 2),
        (["--cause", "drift", "--reason", "x"], 2),
        (["--cause", "drift", "--until", "1h"], 2),
        (["--cause", "drift", "--until", "soon", "--reason", "x"], 2),
        (["--cause", "drift", "--until", "2020-01-01", "--reason", "x"], 2),
        (["7", "--until", "1h", "--reason", "x"], 5),
    ],
)
def test_a_mute_that_is_not_clear_is_refused(capsys, words, code):
    assert main(["alerts", "mute", *words]) == code
    assert "next:" in capsys.readouterr().err


def test_one_alert_is_shown_with_its_first_window_and_its_columns_as_bars(project, capsys):
    bars = (Bar(text="clear\x1b[2J", before=0.75, after=0.25), Bar(text="rain", before=0.25, after=0.75))
    effect = Effect(name="weather moved by", value=0.5, low=0.4, high=0.6)
    sight = Sight(
        from_us=0, to_us=60_000_000, columns=("weather",), effect=effect, pictures=(Picture(column="weather", numbers=False, bars=bars),)
    )
    project.alerts.raise_("drift", severity=Severity.WARNING, sentence="Moved.", facts={}, model="bikes", sight=sight)
    shown = said(capsys, "show", "1")
    for text in ("a ticket", "1970-01-01 00:00Z to 1970-01-01 00:01Z", "weather moved by: 0.5 [0.4, 0.6]", "75%", "██████"):
        assert text in shown
    assert "\x1b" not in shown


@pytest.mark.usefixtures("project")
def test_one_channel_is_tried_by_its_kind_and_says_what_it_answered(capsys):
    found = json.loads(said(capsys, "test", "log", "--json"))
    assert [line["answer"] for line in found["targets"]] == ["it was written to standard error"]
    assert main(["alerts", "test", "mail"]) == 5
    assert "log" in capsys.readouterr().err


@pytest.mark.usefixtures("project")
def test_listing_alerts_imports_nothing_heavy():
    probe = "import sys\nfrom volant.cli.main import main\nmain(['alerts', '--json'])\nsys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, env=dict(os.environ), check=True)
    assert not {"asyncio", "ssl", "numpy", "polars", "jinja2", "starlette"} & {name.partition(".")[0] for name in done.stderr.split()}
