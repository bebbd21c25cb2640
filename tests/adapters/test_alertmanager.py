"""What an Alertmanager is told: states with an end ahead, said again before it forgets, and their end for a while."""

import asyncio
import json

import msgspec
import pytest
from receivers import answer, receiving

from volant.adapters.notify.telling import Teller
from volant.config.model import AlertTarget
from volant.kernel.clock import MINUTE_US, SECOND_US, parse_iso
from volant.monitoring.alert_model import Alert, Notice, NoticeKind, Severity
from volant.monitoring.alert_ports import Undelivered
from volant.monitoring.alert_repeating import Repeating
from volant.monitoring.alerts import Alerts
from volant.testing.clock import CountingIds, FakeClock
from volant.wiring.stores import memory_stores

TO = "alertmanager:env:AM"


class Am:
    """A project's alerts with one real receiver, and the rounds of a server."""

    def __init__(self, receiver, *, environment=None, line=None):
        self.clock = FakeClock()
        self.stores = memory_stores(self.clock, CountingIds())
        self.receiver = receiver
        line = line or AlertTarget(to=TO)
        given = {"AM": receiver.url.partition("/hook")[0], **(environment or {})}
        self.alerts = Alerts(self.stores.alerts, self.clock, CountingIds(), tx=self.stores.tx, events=self.stores.events, targets=(TO,))
        self.teller = Teller(lambda: [line], given, self.clock)
        self.repeating = Repeating(self.stores.alerts, self.teller.say_again, self.clock, lambda: [TO])

    def see(self, severity=Severity.WARNING, cause="drift"):
        return self.alerts.raise_(cause, severity=severity, sentence="Moved.", facts={}, model="bikes")

    def tell(self, kind, alert):
        asyncio.run(self.teller(TO, "id", Notice(event="e", kind=kind, at=self.clock.now(), alert=alert)))
        return self.said()

    def repeat(self):
        before = len(self.receiver.requests)
        asyncio.run(self.repeating.say(self.repeating.look()))
        return self.said() if len(self.receiver.requests) > before else None

    def said(self):
        return json.loads(self.receiver.requests[-1][2])


@pytest.fixture
def am():
    with receiving() as receiver:
        yield Am(receiver)


def ends(state):
    return parse_iso(state["endsAt"])


def test_a_raised_alert_is_a_state_with_labels_and_an_end_that_is_ahead(am):
    (state,) = am.tell(NoticeKind.RAISED, am.see())
    line, headers, _ = am.receiver.requests[0]
    assert (line, headers["content-type"]) == ("POST /api/v2/alerts HTTP/1.1", "application/json")
    assert state["labels"] == {"alertname": "VolantAlert", "model": "bikes", "cause": "drift", "severity": "warning", "alert": "1"}
    assert (state["annotations"]["summary"], state["annotations"]["urgency"]) == ("Moved.", "ticket")
    assert ends(state) == am.clock.now() + 10 * MINUTE_US
    assert parse_iso(state["startsAt"]) == am.clock.now()
    assert "generatorURL" not in state


def test_what_holds_is_said_again_each_minute_with_the_same_labels_and_a_later_end(am):
    (first,) = am.tell(NoticeKind.RAISED, am.see())
    (again,) = am.repeat()
    assert am.repeat() is None
    am.clock.advance(MINUTE_US)
    (later,) = am.repeat()
    assert first["labels"] == again["labels"] == later["labels"]
    assert first["startsAt"] == later["startsAt"]
    assert ends(later) - ends(again) == MINUTE_US


def test_its_end_is_told_and_repeated_for_five_minutes_and_not_longer(am):
    am.see()
    am.repeat()
    am.clock.advance(MINUTE_US)
    ended = am.alerts.resolve("drift", model="bikes")
    (state,) = am.tell(NoticeKind.RESOLVED, ended)
    assert ends(state) == am.clock.now()
    for _ in range(5):
        (again,) = am.repeat()
        assert again["endsAt"] == state["endsAt"]
        am.clock.advance(MINUTE_US)
    am.repeat()
    am.clock.advance(MINUTE_US)
    assert am.repeat() is None


def test_one_that_gets_worse_ends_under_its_old_label(am):
    am.see()
    now, before = am.tell(NoticeKind.WORSENED, am.see(Severity.CRITICAL))[:2]
    assert (now["labels"]["severity"], ends(now) > am.clock.now()) == ("critical", True)
    assert ends(before) == am.clock.now()
    assert {state["labels"]["severity"] for state in am.said()[1:]} == {"info", "warning"}


def test_a_muted_alert_is_not_said_again_and_returns(am):
    am.see()
    am.alerts.mute("bikes", am.clock.now() + 2 * MINUTE_US, "x", "ann")
    assert am.repeat() is None
    am.clock.advance(2 * MINUTE_US)
    am.alerts.wake()
    assert am.repeat() is not None


def test_a_test_is_over_before_it_begins_and_named_as_such(am):
    pretended = am.see()
    (state,) = am.tell(NoticeKind.TEST, pretended)
    assert (state["labels"]["alertname"], ends(state)) == ("VolantTest", am.clock.now())


def test_a_clock_set_back_never_says_that_one_ended_before_it_began(am):
    seen = am.see()
    am.clock.advance(-3600 * SECOND_US)
    (state,) = am.tell(NoticeKind.RAISED, seen)
    assert parse_iso(state["startsAt"]) <= am.clock.now() < ends(state)
    ended = msgspec.structs.replace(seen, resolved_at=seen.opened_at)
    (over,) = am.tell(NoticeKind.RESOLVED, ended)
    assert ends(over) >= parse_iso(over["startsAt"])
    assert am.repeat() is not None


def test_a_token_a_path_and_a_link_are_used_where_they_are_named():
    line = AlertTarget(to=TO, secret="env:TOKEN")
    with receiving() as receiver:
        base = receiver.url.partition("/hook")[0]
        given = {"TOKEN": "abc", "VOLANT_PUBLIC_URL": "https://volant.example.com/", "AM": f"{base}/prefix/api/v2/alerts"}
        one = Am(receiver, line=line, environment=given)
        (state,) = one.tell(NoticeKind.RAISED, one.see())
    sent, headers, _ = receiver.requests[0]
    assert (sent.split(" ")[1], headers["authorization"]) == ("/prefix/api/v2/alerts", "Bearer abc")
    assert state["generatorURL"] == "https://volant.example.com/alerts#alert-1"


def test_one_that_refuses_is_an_outcome_for_a_change_and_nothing_for_a_repeat():
    with receiving(answer(400)) as receiver:
        one = Am(receiver)
        seen = one.see()
        with pytest.raises(Undelivered, match="it answered 400"):
            one.tell(NoticeKind.RAISED, seen)
        assert one.repeat() is not None


def test_an_alert_that_was_told_elsewhere_only_is_not_repeated(am):
    alert = msgspec.structs.replace(am.see(), addressed=("log",))
    am.stores.alerts.update(alert)
    assert isinstance(alert, Alert)
    assert am.repeat() is None
