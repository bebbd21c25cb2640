"""Raising, acknowledging and resolving."""

import msgspec
import pytest

from volant.kernel.codec import decode
from volant.kernel.errors import IllegalTransitionError, InvalidInputError, NotFoundError
from volant.monitoring.alert_model import Notice, NoticeKind, Severity
from volant.monitoring.alert_rules import LARGEST_FACTS, LONGEST_SENTENCE
from volant.monitoring.alerts import Alerts
from volant.testing.clock import CountingIds

WORSE = {"severity": Severity.WARNING, "sentence": "The error is 41.5, above 30.1.", "facts": {"loss": 41.5}, "model": "bikes"}


def service(stores, clock, *targets):
    return Alerts(stores.alerts, clock, CountingIds(), tx=stores.tx, events=stores.events, targets=targets)


@pytest.fixture
def alerts(stores, clock):
    return service(stores, clock, "log", "slack:env:URL")


def told(stores, alert):
    return [(one.target, decode(one.notice, Notice).kind) for one in stores.alerts.deliveries(alert.id)]


def kinds(stores, model="bikes"):
    return [event.kind for event in stores.events.read(f"alert/{model}")]


def test_a_cause_is_raised_once_and_told_to_each_target(stores, alerts, clock):
    first = alerts.raise_("performance", **WORSE)
    clock.advance(60)
    again = alerts.raise_("performance", **WORSE | {"sentence": "The error is 43.", "facts": {"loss": 43}})
    assert (first.number, first.count, first.opened_at, first.is_open) == (1, 1, clock.now() - 60, True)
    assert again.id == first.id
    assert (again.count, again.last_seen_at, again.sentence, again.facts) == (2, clock.now(), "The error is 43.", {"loss": 43})
    assert alerts.open("bikes") == (again,)
    assert told(stores, first) == [("log", NoticeKind.RAISED), ("slack:env:URL", NoticeKind.RAISED)]
    assert kinds(stores) == ["raised"]


def test_what_is_told_is_the_alert_as_it_was_then(stores, alerts):
    first = alerts.raise_("performance", **WORSE)
    alerts.raise_("performance", **WORSE | {"sentence": "Later."})
    notice = decode(stores.alerts.deliveries(first.id)[0].notice, Notice)
    assert notice.alert == first
    assert notice.event == stores.events.read("alert/bikes")[0].id


def test_a_worse_sight_is_told_and_calls_for_attention_again(stores, alerts):
    raised = alerts.raise_("performance", **WORSE)
    alerts.acknowledge(raised.id, "ann", "looking")
    worse = alerts.raise_("performance", **WORSE | {"severity": Severity.CRITICAL, "sentence": "It is far worse."})
    assert (worse.severity, worse.sentence, worse.acknowledged_at) == (Severity.CRITICAL, "It is far worse.", None)
    better = alerts.raise_("performance", **WORSE | {"severity": Severity.INFO, "sentence": "Not so bad."})
    assert (better.severity, better.sentence, better.count) == (Severity.CRITICAL, "It is far worse.", 3)
    assert [kind for _, kind in told(stores, raised)] == [NoticeKind.RAISED] * 2 + [NoticeKind.WORSENED] * 2
    assert kinds(stores) == ["raised", "acknowledged", "worsened"]


def test_a_cause_that_is_gone_resolves_its_alert_by_itself(stores, alerts, clock):
    raised = alerts.raise_("performance", **WORSE)
    clock.advance(5)
    ended = alerts.resolve("performance", model="bikes", sentence="v4 was promoted.")
    assert (ended.id, ended.resolved_at, ended.resolution, ended.is_open) == (raised.id, clock.now(), "v4 was promoted.", False)
    assert alerts.resolve("performance", model="bikes") is None
    assert alerts.open("bikes") == ()
    assert alerts.all("bikes") == (ended,)
    assert [kind for _, kind in told(stores, raised)] == [NoticeKind.RAISED] * 2 + [NoticeKind.RESOLVED] * 2


def test_a_cause_that_comes_back_is_a_new_alert(alerts):
    alerts.raise_("performance", **WORSE)
    alerts.resolve("performance", model="bikes")
    again = alerts.raise_("performance", **WORSE)
    assert (again.number, again.count) == (2, 1)


def test_models_and_causes_do_not_disturb_each_other(stores, alerts):
    alerts.raise_("performance", **WORSE)
    alerts.raise_("labels late", **WORSE | {"severity": Severity.CRITICAL})
    alerts.raise_("performance", **WORSE | {"model": "cars"})
    assert [(one.model, one.cause) for one in alerts.open()] == [
        ("bikes", "labels late"),  # the worst first
        ("cars", "performance"),
        ("bikes", "performance"),
    ]
    alerts.resolve("performance", model="cars")
    assert len(alerts.open("bikes")) == 2
    assert kinds(stores, "cars") == ["raised", "resolved"]


def test_acknowledging_is_recorded_with_who_and_why_and_told_to_nobody(stores, alerts, clock):
    raised = alerts.raise_("performance", **WORSE)
    seen = alerts.acknowledge("1", "ann ☂", "known roadworks", model="bikes")
    assert (seen.acknowledged_by, seen.acknowledged_at, seen.note) == ("ann ☂", clock.now(), "known roadworks")
    assert alerts.raise_("performance", **WORSE).acknowledged_by == "ann ☂"
    assert stores.events.read("alert/bikes")[-1].actor == "ann ☂"
    assert len(told(stores, raised)) == 2


def test_what_is_acknowledged_or_over_cannot_be_acknowledged(alerts):
    raised = alerts.raise_("performance", **WORSE)
    alerts.acknowledge(raised.id, "ann")
    with pytest.raises(IllegalTransitionError, match="by ann"):
        alerts.acknowledge(raised.id, "bob")
    alerts.resolve("performance", model="bikes", sentence="It is over.")
    with pytest.raises(IllegalTransitionError, match="It is over"):
        alerts.acknowledge(raised.id, "bob")


@pytest.mark.parametrize("name", ["7", "0", "-1", "", "x" * 500, "٣", "99999999999999"])
def test_an_alert_that_does_not_exist_is_said_to(alerts, name):
    alerts.raise_("performance", **WORSE)
    with pytest.raises(NotFoundError, match="no alert"):
        alerts.acknowledge(name, "ann", model="bikes")
    with pytest.raises(NotFoundError, match="no alert"):
        alerts.acknowledge("1", "ann")


def test_an_alert_of_another_model_is_not_found_by_its_id(alerts):
    other = alerts.raise_("performance", **WORSE | {"model": "cars"})
    with pytest.raises(NotFoundError):
        alerts.acknowledge(other.id, "ann", model="bikes")


@pytest.mark.parametrize("named", [{"cause": ""}, {"model": ""}, {"cause": "c" * 201}, {"model": "m" * 201}])
def test_an_alert_needs_a_cause_and_a_model(alerts, named):
    given = {"cause": "c", **WORSE, **named}
    with pytest.raises(InvalidInputError, match="cause and a model"):
        alerts.raise_(given.pop("cause"), **given)


def test_hostile_sentences_and_facts_are_kept_without_harm(alerts):
    text = "\x1b[2J\u202e<!channel>\x00 '; DROP TABLE alert; --\n" + "x" * 5000 + "\udc80"
    raised = alerts.raise_(
        "c\x00\n\udc80", severity=Severity.INFO, sentence="\udc80" + text, facts={"nan": float("nan"), "s": "<b>"}, model="m'\"<i>"
    )
    assert len(raised.sentence) == LONGEST_SENTENCE
    assert raised.sentence.startswith("?\x1b[2J")
    assert raised.facts == {"nan": None, "s": "<b>"}
    assert alerts.open("m'\"<i>") == (raised,)
    assert alerts.open(raised.model)[0].cause == "c\x00\n?"
    assert alerts.resolve("c\x00\n\udc80", model=raised.model) is not None


def test_too_many_facts_are_replaced_by_their_size(alerts):
    raised = alerts.raise_("c", **WORSE | {"facts": {"rows": ["x" * 100] * 1000}})
    assert list(raised.facts) == ["left_out_bytes"]
    assert raised.facts["left_out_bytes"] > LARGEST_FACTS


def test_a_clock_that_jumps_back_leaves_times_in_order(alerts, clock):
    raised = alerts.raise_("performance", **WORSE)
    clock.advance(-3_600_000_000)
    again = alerts.raise_("performance", **WORSE)
    assert again.last_seen_at == raised.opened_at
    assert alerts.resolve("performance", model="bikes").resolved_at == raised.opened_at


def test_an_alert_of_a_decision_that_was_not_stored_was_never_raised(stores, alerts):
    def decide():
        with stores.tx.transaction():
            alerts.raise_("performance", **WORSE)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        decide()
    assert alerts.open() == ()
    assert stores.alerts.due(1 << 60) == ()
    assert kinds(stores) == []
    assert alerts.raise_("performance", **WORSE).number == 1


def test_without_targets_alerts_are_kept_and_nobody_is_told(stores, clock):
    raised = service(stores, clock).raise_("performance", **WORSE)
    assert stores.alerts.deliveries(raised.id) == ()


def test_a_target_is_told_once_although_it_is_named_twice(stores, clock):
    raised = service(stores, clock, "log", "log").raise_("performance", **WORSE)
    assert len(told(stores, raised)) == 1


def test_the_events_alone_tell_what_happened(stores, alerts):
    alerts.raise_("performance", **WORSE)
    alerts.acknowledge("1", "ann", "roadworks", model="bikes")
    alerts.resolve("performance", model="bikes", sentence="v4")
    raised, seen, ended = (msgspec.json.decode(event.data) for event in stores.events.read("alert/bikes"))
    assert (raised["cause"], raised["severity"], raised["facts"], raised["number"]) == ("performance", "warning", {"loss": 41.5}, 1)
    assert seen["note"] == "roadworks"
    assert ended["sentence"] == "v4"
    assert raised["alert"] == seen["alert"] == ended["alert"]
