"""Mutes: nobody is told, everything is kept, pages come through unless said, and what holds still comes back."""

import pytest

from volant.kernel.clock import DAY_US, HOUR_US
from volant.kernel.codec import decode
from volant.kernel.errors import IllegalTransitionError, InvalidInputError, NotFoundError
from volant.monitoring.alert_model import Notice, Severity, Sight, Urgency
from volant.monitoring.alert_routing import urgency_of
from volant.monitoring.alerts import Alerts
from volant.testing.clock import CountingIds


def service(stores, clock, ids=None, **routing):
    given = {"targets": ("log",), **routing}
    return Alerts(stores.alerts, clock, ids or CountingIds(), tx=stores.tx, events=stores.events, **given)


@pytest.fixture
def alerts(stores, clock):
    return service(stores, clock)


def see(alerts, severity=Severity.WARNING, cause="drift", **more):
    return alerts.raise_(cause, severity=severity, sentence="Moved.", facts={}, model="bikes", **more)


def told(stores, alert, target="log"):
    found = [decode(one.notice, Notice) for one in stores.alerts.deliveries(alert.id) if one.target == target]
    return [notice.kind.value for notice in found]


def mute(alerts, clock, **about):
    return alerts.mute("bikes", clock.now() + HOUR_US, "roadworks", "ann", **about)


def test_a_muted_alert_is_counted_and_comes_back_when_the_mute_is_over(stores, alerts, clock):
    mute(alerts, clock, cause="drift")
    raised = see(alerts)
    clock.advance(HOUR_US - 1)
    assert alerts.wake() == 0
    assert see(alerts).count == 2
    assert (told(stores, raised), alerts.find(raised.id).quiet) == ([], True)
    clock.advance(1)
    assert (alerts.wake(), alerts.wake()) == (1, 0)
    assert told(stores, raised) == ["raised"]
    assert [event.kind for event in stores.events.read("alert/bikes")] == ["raised", "returned"]


def test_one_that_was_told_before_it_was_muted_returns_as_such(stores, alerts, clock):
    raised = see(alerts)
    mute(alerts, clock, alert="1")
    clock.advance(HOUR_US)
    alerts.wake()
    assert told(stores, raised) == ["raised", "returned"]


def test_what_ended_under_a_mute_never_comes_back(stores, alerts, clock):
    known = see(alerts)
    mute(alerts, clock)
    unknown = see(alerts, cause="labels")
    for cause in ("drift", "labels"):
        alerts.resolve(cause, model="bikes")
    clock.advance(DAY_US)
    assert alerts.wake() == 0
    assert (told(stores, known), told(stores, unknown)) == (["raised", "resolved"], [])


def test_what_is_worth_a_page_comes_through_unless_the_mute_says_otherwise(stores, alerts, clock):
    mute(alerts, clock)
    page = see(alerts, Severity.CRITICAL, "performance")
    ticket = see(alerts)
    assert (told(stores, page), told(stores, ticket)) == (["raised"], [])
    mute(alerts, clock, pages=True)
    silent = see(alerts, Severity.CRITICAL, "errors")
    assert told(stores, silent) == []


def test_a_muted_alert_that_becomes_worth_a_page_is_told(stores, alerts, clock):
    raised = see(alerts, cause="performance")
    mute(alerts, clock, alert=raised.id)
    assert alerts.find(raised.id).quiet
    see(alerts, Severity.CRITICAL, "performance")
    assert (told(stores, raised), alerts.find(raised.id).quiet) == (["raised", "worsened"], False)


def test_a_page_that_a_person_muted_as_such_is_silent_until_then(stores, alerts, clock):
    raised = see(alerts, Severity.CRITICAL, "performance")
    mute(alerts, clock, alert=raised.id)
    see(alerts, Severity.CRITICAL, "performance")
    assert alerts.find(raised.id).quiet
    clock.advance(HOUR_US)
    alerts.wake()
    assert told(stores, raised) == ["raised", "returned"]


def test_drift_never_pages_however_strong_it_is(alerts):
    assert urgency_of(see(alerts, Severity.CRITICAL, "drift")) is Urgency.TICKET
    assert urgency_of(see(alerts, Severity.CRITICAL, "performance")) is Urgency.PAGE
    assert urgency_of(see(alerts, Severity.INFO, "rollout waits")) is Urgency.NOTE


def test_a_mute_that_is_ended_early_tells_at_once_and_is_gone(stores, alerts, clock):
    made = mute(alerts, clock, cause="drift")
    raised = see(alerts)
    alerts.unmute("bikes", made.id, "bob", "repaired")
    assert told(stores, raised) == ["raised"]
    assert alerts.mutes.standing("bikes", clock.now()) == ()
    with pytest.raises(NotFoundError, match="no such mute"):
        alerts.unmute("bikes", made.id, "bob")
    kinds = [(event.kind, event.actor) for event in stores.events.read("mute/bikes")]
    assert kinds == [("muted", "ann"), ("unmuted", "bob")]


def test_another_process_sees_the_mute_and_another_model_does_not(stores, alerts, clock):
    other = service(stores, clock, stores.tx and CountingIds())
    assert other.mutes.standing("bikes", clock.now()) == ()
    made = mute(alerts, clock)
    assert other.mutes.standing("bikes", clock.now()) == (made,)
    assert other.mutes.standing("cars", clock.now()) == ()


def test_of_two_mutes_the_alert_waits_for_the_later_one(stores, alerts, clock):
    mute(alerts, clock)
    alerts.mute("bikes", clock.now() + 2 * HOUR_US, "again", "ann", cause="drift")
    raised = see(alerts)
    clock.advance(HOUR_US)
    assert alerts.wake() == 0
    clock.advance(HOUR_US)
    assert alerts.wake() == 1
    assert told(stores, raised) == ["raised"]


@pytest.mark.parametrize(("later", "reason"), [(0, "x"), (-5, "x"), (400 * DAY_US, "x"), (HOUR_US, "  "), (HOUR_US, "y" * 3000)])
def test_a_mute_needs_an_end_ahead_and_a_reason(stores, alerts, clock, later, reason):
    with pytest.raises(InvalidInputError):
        alerts.mute("bikes", clock.now() + later, reason, "ann")
    assert stores.events.read("mute/bikes") == ()


def test_only_an_alert_that_is_open_is_muted(alerts, clock):
    see(alerts)
    alerts.resolve("drift", model="bikes")
    with pytest.raises(IllegalTransitionError):
        mute(alerts, clock, alert="1")
    with pytest.raises(NotFoundError):
        mute(alerts, clock, alert="9")


def test_a_clock_set_back_keeps_the_mute_and_loses_nothing(stores, alerts, clock):
    mute(alerts, clock, cause="drift")
    raised = see(alerts)
    clock.advance(-DAY_US)
    assert alerts.wake() == 0
    clock.advance(DAY_US + HOUR_US)
    assert alerts.wake() == 1
    assert told(stores, raised) == ["raised"]


def test_a_target_hears_only_what_it_asked_for_and_the_end_of_what_it_heard(stores, clock):
    routed = service(stores, clock, targets=("log", "slack:env:PAGER"), only={"slack:env:PAGER": (Urgency.PAGE,)})
    worse = see(routed, cause="performance")
    drift = see(routed)
    assert told(stores, worse, "slack:env:PAGER") == []
    see(routed, Severity.CRITICAL, "performance")
    for cause in ("performance", "drift"):
        routed.resolve(cause, model="bikes")
    assert told(stores, worse, "slack:env:PAGER") == ["worsened", "resolved"]
    assert told(stores, drift, "slack:env:PAGER") == []
    assert told(stores, drift) == ["raised", "resolved"]


def test_the_first_window_stays_while_the_rest_follows_what_is_seen(alerts):
    see(alerts, sight=Sight(from_us=1, to_us=2, columns=("temp",)))
    later = see(alerts, sight=Sight(from_us=5, to_us=6, columns=("temp", "hum")))
    assert (later.sight.from_us, later.sight.to_us, later.sight.columns) == (1, 2, ("temp", "hum"))
