"""Emptying the outbox: at least once, in order, with growing waits, by one of several servers, and not forever."""

import asyncio

import pytest

from volant.adapters.notify.telling import Teller
from volant.config.model import AlertTarget
from volant.kernel.clock import HOUR_US, SECOND_US
from volant.monitoring.alert_delivery import AT_ONCE, Deliverer
from volant.monitoring.alert_model import Severity
from volant.monitoring.alert_ports import Undelivered
from volant.monitoring.alert_rules import CLAIM_US, MOST_TRIES, wait_us
from volant.monitoring.alerts import Alerts
from volant.testing.clock import CountingIds

HOOK, LOG = "webhook:env:HOOK", "log"


@pytest.fixture
def alerts(stores, clock):
    return Alerts(stores.alerts, clock, CountingIds(), tx=stores.tx, events=stores.events, targets=(HOOK,))


class World:
    """Targets that take what they are told, unless the script says otherwise."""

    def __init__(self):
        self.told = []
        self.refusals = []
        self.dies = False

    async def __call__(self, target, delivery_id, notice):
        self.told.append((target, delivery_id, notice.kind.value, notice.alert.cause))
        await asyncio.sleep(0)
        if self.dies:
            raise asyncio.CancelledError
        if self.refusals:
            raise self.refusals.pop(0)

    def kinds(self):
        return [kind for _, _, kind, _ in self.told]


@pytest.fixture
def world():
    return World()


@pytest.fixture
def sending(stores, world, clock):
    deliverer = Deliverer(stores.alerts, world, clock)
    return lambda: asyncio.run(deliverer.round())


def worse(alerts, cause="performance", severity=Severity.WARNING):
    return alerts.raise_(cause, severity=severity, sentence="Worse.", facts={}, model="bikes")


def outbox(stores, alert):
    return stores.alerts.deliveries(alert.id)


def test_what_arrived_is_marked_and_not_sent_again(stores, alerts, world, sending, clock):
    raised = worse(alerts)
    assert (sending(), sending()) == (1, 0)
    (one,) = outbox(stores, raised)
    assert (one.tries, one.done_at, one.next_at, one.error) == (1, clock.now(), None, None)
    assert [told[:3] for told in world.told] == [(HOOK, one.id, "raised")]


def test_each_failure_doubles_the_wait_until_it_is_given_up(stores, alerts, world, sending, clock):
    raised = worse(alerts)
    world.refusals = [Undelivered("it answered 500")] * MOST_TRIES
    for tries in range(1, MOST_TRIES):
        assert sending() == 0
        (one,) = outbox(stores, raised)
        assert (one.tries, one.error, one.next_at) == (tries, "it answered 500", clock.now() + wait_us(tries))
        clock.advance(wait_us(tries) - 1)
        sending()
        assert len(world.told) == tries
        clock.advance(1)
    sending()
    (one,) = outbox(stores, raised)
    assert (one.tries, one.given_up_at, one.next_at, one.error) == (MOST_TRIES, clock.now(), None, "it answered 500")
    clock.advance(HOUR_US * 100)
    sending()
    assert len(world.told) == MOST_TRIES


def test_waits_begin_at_five_seconds_and_end_at_an_hour():
    assert [wait_us(tries) // SECOND_US for tries in (1, 2, 3, 10, 11, 12, 1000)] == [5, 10, 20, 2560, 3600, 3600, 3600]


def test_a_receiver_that_asks_for_a_pause_gets_it_within_reason(stores, alerts, world, sending, clock):
    raised = worse(alerts)
    world.refusals = [Undelivered("it answered 429", 90 * SECOND_US), Undelivered("it answered 429", HOUR_US * 999)]
    sending()
    assert outbox(stores, raised)[0].next_at == clock.now() + 90 * SECOND_US
    clock.advance(90 * SECOND_US)
    sending()
    assert outbox(stores, raised)[0].next_at == clock.now() + HOUR_US


def test_what_no_other_try_would_help_is_given_up_at_once(stores, alerts, world, sending):
    raised = worse(alerts)
    world.refusals = [Undelivered("it is no longer named", final=True)]
    sending()
    (one,) = outbox(stores, raised)
    assert (one.given_up_at is not None, one.tries) == (True, 1)


def test_the_end_of_an_alert_is_told_after_its_beginning(alerts, world, sending, clock):
    worse(alerts)
    alerts.resolve("performance", model="bikes")
    worse(alerts, "contract")
    world.refusals = [Undelivered("it answered 500")]
    assert sending() == 1
    assert [(kind, cause) for _, _, kind, cause in world.told] == [("raised", "performance"), ("raised", "contract")]
    clock.advance(5 * SECOND_US)
    sending()
    sending()
    assert world.kinds() == ["raised", "raised", "raised", "resolved"]


def test_a_burst_is_told_some_at_a_time(alerts, sending):
    for number in range(AT_ONCE + 3):
        worse(alerts, f"cause {number}")
    assert (sending(), sending(), sending()) == (AT_ONCE, 3, 0)


def test_of_two_servers_that_both_believe_to_lead_one_tells(stores, alerts, world, clock):
    for number in range(8):
        worse(alerts, f"cause {number}")

    async def both():
        return await asyncio.gather(*(Deliverer(stores.alerts, world, clock).round() for _ in range(2)))

    assert sum(asyncio.run(both())) == 8
    assert len({name for _, name, _, _ in world.told}) == len(world.told) == 8


def test_a_server_that_died_in_a_try_leaves_it_to_be_made_again_with_the_same_id(stores, alerts, world, sending, clock):
    raised = worse(alerts)
    world.dies = True
    with pytest.raises(asyncio.CancelledError):
        sending()
    world.dies = False
    clock.advance(CLAIM_US - 1)
    assert sending() == 0
    clock.advance(1)
    assert sending() == 1
    assert len(world.told) == 2
    assert len({name for _, name, _, _ in world.told}) == 1
    assert outbox(stores, raised)[0].tries == 2


def test_a_notice_that_kills_its_server_each_time_is_given_up_too(stores, alerts, world, sending, clock):
    raised = worse(alerts)
    world.dies = True
    for _ in range(MOST_TRIES):
        with pytest.raises(asyncio.CancelledError):
            sending()
        clock.advance(CLAIM_US)
    sending()
    (one,) = outbox(stores, raised)
    assert (one.given_up_at is not None, one.tries, one.error) == (True, MOST_TRIES, "the server stopped during the last try")


def test_a_clock_that_was_set_back_delays_nothing(alerts, sending, clock):
    worse(alerts)
    clock.advance(-24 * HOUR_US)
    assert sending() == 1


def test_a_defect_in_one_delivery_does_not_hold_up_the_others(stores, clock, capsys):
    targets = (LOG, "webhook:env:UNSET")
    alerts = Alerts(stores.alerts, clock, CountingIds(), tx=stores.tx, events=stores.events, targets=targets)
    raised = worse(alerts)
    teller = Teller(lambda: [AlertTarget(to=target) for target in targets], {}, clock)
    assert asyncio.run(Deliverer(stores.alerts, teller, clock).round()) == 1
    log, hook = outbox(stores, raised)
    assert log.done_at is not None
    assert "UNSET is not set" in hook.error
    assert "alert 1 raised" in capsys.readouterr().err
