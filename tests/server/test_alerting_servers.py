"""Whole servers that tell people about alerts, and alerts over the API."""

import json
import signal
import sys
import time
from pathlib import Path

import msgspec
import pytest
from bikes_project import opened
from ups import end, launch, up

from volant.monitoring.alert_model import Severity

sys.path.insert(0, str(Path(__file__).parents[1] / "adapters"))

from mail_servers import mail_serving
from receivers import OK, Receiver, silence, verified

SECRET = "correct horse battery staple"
TARGETS = 'watch:\n  alerts: [{to: log}, {to: "webhook:env:TEST_HOOK_URL", secret: env:TEST_HOOK_SECRET}]\n'
SHORT = 1_500_000  # of a lease, so that a dead server is followed soon
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def receiver(monkeypatch):
    made = Receiver(OK)
    monkeypatch.setenv("TEST_HOOK_URL", made.url)
    monkeypatch.setenv("TEST_HOOK_SECRET", SECRET)
    yield made
    made.close()


@pytest.fixture
def project(fresh):
    """Without a champion; its alerts go to the log and to the receiver."""
    settings = fresh.root / "volant.yaml"
    settings.write_text(settings.read_text() + TARGETS)
    return opened(fresh.root)


def worse(project, cause="performance"):
    return project.alerts.raise_(cause, severity=Severity.CRITICAL, sentence="The error is 41.5.", facts={}, model="bikes")


def told(receiver):
    return [(headers["webhook-id"], json.loads(body)["type"], json.loads(body)["data"]["cause"]) for _, headers, body in receiver.requests]


def until(condition, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_alert_of_another_process_is_told_within_seconds_and_when_it_is_over(project, receiver):
    with up(project.root) as server:
        raised = worse(project)
        server.until(lambda: len(receiver.requests) == 1)
        project.alerts.resolve("performance", model="bikes", sentence="v2 was promoted.")
        server.until(lambda: len(receiver.requests) == 2)
        server.until(lambda: all(one.done_at for one in project.alerts.deliveries(raised.id)))
        shown = server.ask("GET", "/api/v1/alerts/1")[2]
        assert [line["done_at"] is not None for line in shown["told"]] == [True] * 4
        assert server.stop() == 0
    assert [kind for _, kind, _ in told(receiver)] == ["alert.raised", "alert.resolved"]
    assert all(verified(headers, body, SECRET.encode()) for _, headers, body in receiver.requests)
    lines = server.stderr.read_text().splitlines()
    assert lines == [
        "alert 1 raised (critical) bikes: The error is 41.5.",
        "alert 1 resolved (critical) bikes: The error is 41.5. Resolved: v2 was promoted.",
    ]
    assert receiver.url not in server.stderr.read_text()


def test_a_server_killed_between_telling_and_marking_tells_again_with_the_same_id(project, receiver, monkeypatch):
    raised = worse(project)
    monkeypatch.setenv("VOLANT_CRASH_AT", "alert.delivered:2")
    process, _ = launch(project.root, lease_us=SHORT)
    try:
        assert process.wait(90) == -signal.SIGKILL
    finally:
        end(process)
    monkeypatch.delenv("VOLANT_CRASH_AT")
    assert len(receiver.requests) == 1
    hook = next(one for one in project.alerts.deliveries(raised.id) if one.target.startswith("webhook"))
    assert (hook.tries, hook.done_at) == (1, None)
    for one in project.alerts.deliveries(raised.id):  # the minute of the claim passes
        project.stores.alerts.failed(one.id, "time passed", project.clock.now())
    with up(project.root, lease_us=SHORT) as server:
        server.until(lambda: all(one.done_at for one in project.alerts.deliveries(raised.id)))
    assert len(receiver.requests) == 2
    assert len({name for name, _, _ in told(receiver)}) == 1


def test_of_two_servers_one_tells_and_the_other_takes_over_when_it_is_killed(project, receiver):
    with up(project.root, lease_us=SHORT) as first, up(project.root, lease_us=SHORT) as second:
        for number in range(5):
            worse(project, f"cause {number}")
        first.until(lambda: len(receiver.requests) == 5)
        leader = first if first.ask("GET", "/api/v1/status")[2]["server"]["leads"] else second
        other = second if leader is first else first
        leader.kill()
        for number in range(5, 10):
            worse(project, f"cause {number}")
        other.until(lambda: len(receiver.requests) == 10)
        other.until(lambda: not project.stores.alerts.due(project.clock.now() + 1))
    assert sorted(cause for _, _, cause in told(receiver)) == [f"cause {number}" for number in range(10)]
    assert len({name for name, _, _ in told(receiver)}) == 10


def test_a_receiver_that_does_not_answer_holds_nothing_up(project, receiver):
    receiver.script = [silence]
    with up(project.root) as server:
        for number in range(20):
            worse(project, f"cause {number}")
        server.until(lambda: len(receiver.requests) > 0)
        for _ in range(20):
            began = time.monotonic()
            assert server.ask("GET", "/health")[0] == 200
            assert time.monotonic() - began < 1
        server.until(lambda: server.stderr.read_text().count("raised") > 1)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 10


def test_a_target_that_is_named_while_the_server_runs_is_told(fresh, receiver):
    with up(fresh.root) as server:
        settings = fresh.root / "volant.yaml"
        settings.write_text(settings.read_text() + TARGETS)
        raised = worse(opened(fresh.root))
        server.until(lambda: len(receiver.requests) == 1)
        settings.write_text("not a project any more: [")
        told_once = fresh.alerts.deliveries(raised.id)[1]
        fresh.stores.alerts.send([msgspec.structs.replace(told_once, id="again", next_at=told_once.recorded_at)])
        server.until(lambda: len(receiver.requests) == 2)


def test_alerts_are_read_and_acknowledged_over_the_api(project):
    worse(project)
    with up(project.root) as server:
        server.until(lambda: b"\nvolant_open_alerts 1\n" in server.ask("GET", "/metrics")[2])
        found = server.ask("GET", "/api/v1/alerts")[2]
        assert (found["open"], found["alerts"][0]["cause"]) == (1, "performance")
        status, _, seen = server.ask("POST", "/api/v1/alerts/1/acknowledge", json.dumps({"note": "roadworks"}), JSON)
        assert (status, seen["note"]) == (200, "roadworks")
        assert server.ask("POST", "/api/v1/alerts/1/acknowledge", b"{}", JSON)[0] == 409
        assert server.ask("GET", "/api/v1/alerts/2")[0] == 404
        muting = {"until": "2d", "reason": "roadworks", "pages": True}
        assert server.ask("POST", "/api/v1/alerts/1/mute", json.dumps(muting), JSON)[2]["about"] == "alert 1"
        status, _, mute = server.ask("POST", "/api/v1/mutes", json.dumps(muting | {"cause": "drift"}), JSON)
        assert (status, mute["cause"], len(server.ask("GET", "/api/v1/mutes")[2]["mutes"])) == (200, "drift", 2)
        assert server.ask("GET", "/api/v1/alerts/1")[2]["muted"]["reason"] == "roadworks"
        assert server.ask("POST", f"/api/v1/mutes/{mute['id']}/end", b"", JSON)[0] == 200
        assert server.ask("POST", f"/api/v1/mutes/{mute['id']}/end", b"", JSON)[0] == 404
        for body in ("[]", "{}", '{"until": 5, "reason": "x"}', '{"until": "1d"}', json.dumps(muting | {"cause": ""}), '{"x": 1}'):
            assert server.ask("POST", "/api/v1/mutes", body, JSON)[0] == 422
        project.alerts.resolve("performance", model="bikes")
        server.until(lambda: b"\nvolant_open_alerts 0\n" in server.ask("GET", "/metrics")[2])
        assert server.ask("GET", "/api/v1/alerts")[2]["alerts"] == []
        assert len(server.ask("GET", "/api/v1/alerts?all=1&limit=5")[2]["alerts"]) == 1
        assert server.ask("GET", "/api/v1/alerts?limit=0")[0] == 422
        for body in ('{"note": 1}', '{"reason": "x"}', "[]", json.dumps({"note": "x" * 2001})):
            assert server.ask("POST", "/api/v1/alerts/1/acknowledge", body, JSON)[0] == 422


def test_a_mute_that_ends_while_a_server_runs_is_followed_by_the_alert(project, receiver):
    now = project.clock.now()
    project.alerts.mute("bikes", now + 2_000_000, "a moment", "ann", pages=True)
    raised = worse(project)
    assert project.alerts.deliveries(raised.id) == ()
    with up(project.root) as server:
        server.until(lambda: len(receiver.requests) == 1)
    assert [kind for _, kind, _ in told(receiver)] == ["alert.raised"]
    assert project.clock.now() >= now + 2_000_000


def test_mail_and_an_alertmanager_hear_of_an_alert_of_a_running_server(fresh, receiver, monkeypatch):
    with mail_serving() as mail:
        monkeypatch.setenv("VOLANT_SMTP_URL", f"smtp://127.0.0.1:{mail.port}")
        monkeypatch.setenv("TEST_AM", receiver.url.partition("/hook")[0])
        settings = fresh.root / "volant.yaml"
        lines = '[{to: "mail:ana@example.com", only: page}, {to: "alertmanager:env:TEST_AM"}]'
        settings.write_text(f"{settings.read_text()}watch:\n  alerts: {lines}\n")
        with up(fresh.root) as server:
            worse(opened(fresh.root))
            server.until(lambda: mail.letters and len(receiver.requests) >= 2)  # told, and said again
    assert {state["labels"]["cause"] for _, _, body in receiver.requests for state in json.loads(body)} == {"performance"}
    assert "The error is 41.5." in mail.letters[0][2].get_body(("plain",)).get_content()
