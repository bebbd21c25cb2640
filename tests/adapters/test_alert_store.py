"""Alerts and their outbox, the same over every adapter."""

import msgspec
import pytest

from volant.kernel.errors import ConflictError, NotFoundError
from volant.monitoring.alert_model import Alert, Delivery, Picture, Severity, Sight
from volant.monitoring.alert_rules import LONGEST_WAIT_US
from volant.monitoring.drift_model import Bar

AT = 1_700_000_000_000_000


def alert(number=1, *, model="bikes", cause="performance", **fields):
    return Alert(
        id=f"{model}-{number}",
        model=model,
        number=number,
        cause=cause,
        severity=Severity.WARNING,
        sentence="Worse than on its holdout.",
        facts={"loss": 41.5, "city": "Zürich", "none": None, "rows": [1, 2]},
        opened_at=AT,
        last_seen_at=AT,
        seq=number,
        **fields,
    )


def delivery(name, *, of="bikes-1", target="log", next_at=AT):
    return Delivery(id=name, model="bikes", alert=of, target=target, notice=b'{"x":1}', recorded_at=AT, next_at=next_at)


def ids(deliveries):
    return [one.id for one in deliveries]


def test_alerts_come_back_as_they_were_added(stores):
    one = alert(acknowledged_at=AT, acknowledged_by="ann ☂", note="x\ny")
    stores.alerts.add(one)
    assert stores.alerts.get(one.id) == one
    assert stores.alerts.numbered("bikes", 1) == one
    assert stores.alerts.open_cause("bikes", "performance") == one
    assert stores.alerts.open("bikes") == stores.alerts.open() == (one,)
    assert stores.alerts.last("bikes") == (1, 1)


def test_what_is_not_there_is_none(stores):
    assert stores.alerts.get("x") is None
    assert stores.alerts.numbered("bikes", 1) is None
    assert stores.alerts.open_cause("bikes", "x") is None
    assert stores.alerts.open() == stores.alerts.all("bikes") == stores.alerts.due(AT) == ()
    assert stores.alerts.last("bikes") == (0, 0)
    with pytest.raises(NotFoundError, match="no alert"):
        stores.alerts.update(alert())


def test_a_cause_is_open_once_until_it_is_resolved(stores):
    first = alert()
    stores.alerts.add(first)
    with pytest.raises(ConflictError, match="open alert"):
        stores.alerts.add(alert(2))
    stores.alerts.add(alert(1, model="cars"))
    stores.alerts.add(alert(2, cause="labels late"))
    stores.alerts.update(msgspec.structs.replace(first, resolved_at=AT + 5, seq=3))
    stores.alerts.add(alert(3))
    assert [one.number for one in stores.alerts.open("bikes")] == [3, 2]
    assert [one.id for one in stores.alerts.open()] == ["bikes-3", "bikes-2", "cars-1"]
    assert stores.alerts.last("bikes") == (3, 3)
    assert stores.alerts.get("bikes-1").resolved_at == AT + 5


@pytest.mark.parametrize("number", [0, 2, 3, -1])
def test_numbers_have_no_gaps(stores, number):
    with pytest.raises(ConflictError, match="not the next"):
        stores.alerts.add(alert(number))


def test_all_are_listed_newest_first_page_by_page(stores):
    for number in range(1, 6):
        stores.alerts.add(alert(number, cause=f"c{number}"))
    assert [one.number for one in stores.alerts.all("bikes", limit=2)] == [5, 4]
    assert [one.number for one in stores.alerts.all("bikes", limit=2, before=4)] == [3, 2]
    assert [one.number for one in stores.alerts.all("bikes", before=1)] == []
    assert stores.alerts.all("bikes", limit=-1) == ()


def test_deliveries_wait_until_they_are_due_and_come_back_whole(stores):
    stores.alerts.send([])
    one, later = delivery("a"), delivery("b", of="bikes-2", next_at=AT + 10)
    stores.alerts.send([one, later])
    assert stores.alerts.due(AT) == (one,)
    assert stores.alerts.due(AT + 10) == (one, later)
    assert stores.alerts.due(AT + 10, limit=1) == (one,)
    assert stores.alerts.deliveries("bikes-1") == (one,)


def test_a_delivery_is_sent_once_by_its_id(stores):
    stores.alerts.send([delivery("a")])
    stores.alerts.claim(delivery("a"), AT + 60)
    stores.alerts.send([delivery("a", target="other")])
    (kept,) = stores.alerts.deliveries("bikes-1")
    assert (kept.target, kept.tries) == ("log", 1)


def test_no_delivery_overtakes_an_older_one_of_its_alert_and_target(stores):
    stores.alerts.send([delivery("raised"), delivery("raised slack", target="slack"), delivery("resolved")])
    stores.alerts.send([delivery("other", of="bikes-2")])
    assert ids(stores.alerts.due(AT)) == ["raised", "raised slack", "other"]
    stores.alerts.failed("raised", "no answer", AT + 100)
    assert ids(stores.alerts.due(AT)) == ["raised slack", "other"]
    stores.alerts.delivered("raised", AT + 101)
    assert ids(stores.alerts.due(AT)) == ["raised slack", "resolved", "other"]
    stores.alerts.give_up("resolved", "too many tries", AT + 200)
    assert ids(stores.alerts.due(AT)) == ["raised slack", "other"]


def test_only_one_of_two_claims_a_try(stores):
    stores.alerts.send([delivery("a")])
    (seen,) = stores.alerts.due(AT)
    assert stores.alerts.claim(seen, AT + 60)
    assert not stores.alerts.claim(seen, AT + 60)
    assert stores.alerts.due(AT) == ()
    (again,) = stores.alerts.due(AT + 60)
    assert (again.tries, again.next_at) == (1, AT + 60)
    stores.alerts.delivered("a", AT + 1)
    assert not stores.alerts.claim(again, AT + 120)
    assert not stores.alerts.claim(delivery("nobody"), AT)


def test_what_is_done_or_given_up_stays_so(stores):
    stores.alerts.send([delivery("a"), delivery("b", of="bikes-2")])
    stores.alerts.failed("a", "no answer", AT)
    stores.alerts.delivered("a", AT + 1)
    stores.alerts.give_up("b", "too many tries", AT + 2)
    for name in ("a", "b", "nobody"):
        stores.alerts.delivered(name, AT + 9)
        stores.alerts.failed(name, "again", AT + 9)
        stores.alerts.give_up(name, "again", AT + 9)
    (a,), (b,) = stores.alerts.deliveries("bikes-1"), stores.alerts.deliveries("bikes-2")
    assert (a.done_at, a.given_up_at, a.next_at, a.error) == (AT + 1, None, None, None)
    assert (b.done_at, b.given_up_at, b.next_at, b.error) == (None, AT + 2, None, "too many tries")
    assert stores.alerts.due(AT + LONGEST_WAIT_US * 9) == ()


def test_trouble_is_listed_newest_first(stores):
    stores.alerts.send([delivery("a"), delivery("b", target="slack"), delivery("c", of="bikes-2")])
    stores.alerts.failed("a", "no answer", AT + 5)
    stores.alerts.give_up("c", "too many tries", AT)
    assert ids(stores.alerts.troubled("bikes")) == ["c", "a"]
    assert ids(stores.alerts.troubled("bikes", limit=1)) == ["c"]
    assert stores.alerts.troubled("cars") == ()
    stores.alerts.delivered("a", AT)
    assert ids(stores.alerts.troubled("bikes")) == ["c"]


def test_old_deliveries_that_are_over_are_forgotten_and_those_that_wait_are_not(stores):
    stores.alerts.send([delivery("a"), delivery("b", target="slack"), delivery("waits", of="bikes-2")])
    stores.alerts.delivered("a", AT + 1)
    stores.alerts.give_up("b", "too many tries", AT + 2)
    assert stores.alerts.forget_deliveries(AT) == 0
    assert stores.alerts.forget_deliveries(AT + 1) == 2
    assert stores.alerts.deliveries("bikes-1") == ()
    assert ids(stores.alerts.deliveries("bikes-2")) == ["waits"]
    assert ids(stores.alerts.due(AT)) == ["waits"]
    assert stores.alerts.forget_deliveries(AT + 1) == 0


def test_a_clock_that_jumped_back_does_not_hold_deliveries_up(stores):
    stores.alerts.send([delivery("a", next_at=AT + LONGEST_WAIT_US)])
    assert stores.alerts.due(AT) == ()
    assert ids(stores.alerts.due(AT - 1)) == ["a"]


def test_alerts_and_their_deliveries_are_stored_together_or_not_at_all(stores):
    def half_done():
        with stores.tx.transaction():
            stores.alerts.add(alert())
            stores.alerts.send([delivery("a")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_done()
    assert stores.alerts.open() == ()
    assert stores.alerts.due(AT) == ()


def test_each_target_gets_its_share_of_what_is_due_and_none_crowds_out_another(stores):
    down = [delivery(f"d{number}", of=f"bikes-{number}", target="slack:env:DOWN") for number in range(9)]
    stores.alerts.send([*down, delivery("last", of="bikes-99", target="log")])
    assert ids(stores.alerts.due(AT, 3)) == ["d0", "d1", "d2", "last"]
    assert stores.alerts.due(AT, 0) == ()


def test_what_waits_for_a_target_is_given_due_or_not_oldest_first(stores):
    stores.alerts.send([delivery("a"), delivery("b", next_at=AT + 10**12), delivery("c", target="slack:env:URL"), delivery("d")])
    stores.alerts.delivered("a", AT)
    assert ids(stores.alerts.waiting("log")) == ["b", "d"]
    assert ids(stores.alerts.waiting("log", 1)) == ["b"]
    assert stores.alerts.waiting("nobody") == ()


def test_an_alert_keeps_what_it_shows_and_whom_it_was_told_to(stores):
    bars = (Bar(text="rain ☂", before=0.25, after=0.75),)
    sight = Sight(from_us=AT, columns=("weather",), pictures=(Picture(column="weather", numbers=False, bars=bars),))
    one = alert(sight=sight, quiet=True, addressed=("log",))
    stores.alerts.add(one)
    assert stores.alerts.get(one.id) == one
