"""After an outage: people get one message, programs each notice by itself, and nobody waits for one that is down."""

import asyncio

import pytest

from volant.kernel.clock import DAY_US, HOUR_US, SECOND_US
from volant.monitoring.alert_delivery import AT_ONCE, Deliverer
from volant.monitoring.alert_model import Severity
from volant.monitoring.alert_ports import Undelivered
from volant.monitoring.alert_rules import CLAIM_US
from volant.monitoring.alerts import Alerts
from volant.testing.clock import CountingIds

MAIL, HOOK = "mail:ana@example.com", "webhook:env:HOOK"


class World:
    """Targets, of which some are down."""

    def __init__(self):
        self.down, self.single, self.digests, self.tries, self.dies = {}, [], [], 0, False

    async def __call__(self, target, delivery_id, notice):
        self.answer(target)
        self.single.append((target, delivery_id, notice.kind.value, notice.alert.cause))

    async def together(self, target, _delivery_id, notices):
        self.answer(target)
        self.digests.append((target, [(notice.kind.value, notice.alert.cause) for notice in notices]))
        if self.dies:
            raise asyncio.CancelledError

    def answer(self, target):
        self.tries += 1
        if target in self.down:
            raise self.down[target]


@pytest.fixture
def world():
    return World()


@pytest.fixture
def deliverer(stores, world, clock):
    return Deliverer(stores.alerts, world, clock)


def service(stores, clock, *targets, ids=None):
    return Alerts(stores.alerts, clock, ids or CountingIds(), tx=stores.tx, events=stores.events, targets=targets)


def see(alerts, cause):
    return alerts.raise_(cause, severity=Severity.WARNING, sentence="Moved.", facts={}, model="bikes")


def rounds(deliverer, times=1):
    return sum(asyncio.run(deliverer.round()) for _ in range(times))


def test_a_receiver_that_was_down_for_a_day_gets_one_message_with_everything_in_order(stores, clock, world, deliverer):
    alerts = service(stores, clock, MAIL)
    world.down[MAIL] = Undelivered("connection refused")
    for number in range(10):
        see(alerts, f"cause {number}")
    alerts.resolve("cause 3", model="bikes")
    for _ in range(24):
        rounds(deliverer)
        clock.advance(HOUR_US)
    assert world.tries == 24
    world.down.clear()
    assert (rounds(deliverer), rounds(deliverer)) == (11, 0)
    ((_, told),) = world.digests
    assert told == [*(("raised", f"cause {number}") for number in range(10)), ("resolved", "cause 3")]
    assert world.single == []


def test_new_alerts_do_not_use_up_the_tries_of_those_that_wait(stores, clock, world, deliverer):
    alerts = service(stores, clock, MAIL)
    world.down[MAIL] = Undelivered("connection refused")
    for number in range(25):
        see(alerts, f"cause {number}")
        rounds(deliverer)
        clock.advance(SECOND_US)
    assert max(one.tries for one in stores.alerts.waiting(MAIL)) < 8


def test_programs_get_each_notice_by_itself_after_a_day_and_in_order(stores, clock, world, deliverer):
    alerts = service(stores, clock, HOOK)
    world.down[HOOK] = Undelivered("connection refused")
    for number in range(10):
        see(alerts, f"cause {number}")
        alerts.resolve(f"cause {number}", model="bikes")
    for _ in range(24):
        rounds(deliverer, 2)
        clock.advance(HOUR_US)
    world.down.clear()
    rounds(deliverer, 8)
    assert len({name for _, name, _, _ in world.single}) == len(world.single) == 20
    for number in range(10):
        assert [kind for _, _, kind, cause in world.single if cause == f"cause {number}"] == ["raised", "resolved"]


def test_a_few_are_told_one_by_one(stores, clock, world, deliverer):
    alerts = service(stores, clock, MAIL)
    for number in range(5):
        see(alerts, f"cause {number}")
    assert rounds(deliverer) == 5
    assert (len(world.single), world.digests) == (5, [])


def test_one_target_that_is_down_holds_up_no_other_however_much_waits_for_it(stores, clock, world, deliverer):
    ids = CountingIds()
    alerts = service(stores, clock, HOOK, ids=ids)
    world.down[HOOK] = Undelivered("connection refused")
    for number in range(5 * AT_ONCE):
        see(alerts, f"cause {number}")
    see(service(stores, clock, HOOK, MAIL, ids=ids), "the last one")
    assert rounds(deliverer) == 1
    assert [target for target, *_ in world.single] == [MAIL]


def test_one_that_asks_for_a_pause_is_left_alone_with_everything_that_waits(stores, clock, world, deliverer):
    alerts = service(stores, clock, HOOK)
    world.down[HOOK] = Undelivered("it answered 429", 90 * SECOND_US)
    see(alerts, "first")
    rounds(deliverer)
    world.down.clear()
    see(alerts, "second")
    clock.advance(89 * SECOND_US)
    assert (rounds(deliverer), world.tries) == (0, 1)
    clock.advance(SECOND_US)
    assert rounds(deliverer) == 2


def test_a_clock_that_jumps_makes_no_pause_longer_than_an_hour(stores, clock, world, deliverer):
    alerts = service(stores, clock, HOOK)
    world.down[HOOK] = Undelivered("it answered 429", HOUR_US)
    see(alerts, "first")
    rounds(deliverer)
    world.down.clear()
    clock.advance(-30 * DAY_US)
    assert rounds(deliverer) == 1


def test_a_server_that_died_in_a_digest_leaves_it_to_be_told_again(stores, clock, world, deliverer):
    alerts = service(stores, clock, MAIL)
    for number in range(9):
        see(alerts, f"cause {number}")
    world.dies = True
    with pytest.raises(asyncio.CancelledError):
        rounds(deliverer)
    world.dies = False
    other = Deliverer(stores.alerts, world, clock)
    assert rounds(other) == 0
    clock.advance(CLAIM_US)
    assert rounds(other) == 9
    assert world.digests[0] == world.digests[1]


def test_of_two_servers_each_notice_is_told_by_one(stores, clock, world):
    alerts = service(stores, clock, MAIL)
    for number in range(9):
        see(alerts, f"cause {number}")

    async def both():
        return await asyncio.gather(*(Deliverer(stores.alerts, world, clock).round() for _ in range(2)))

    assert sum(asyncio.run(both())) <= 9
    for _ in range(2):  # what one server had begun, the other left to it
        clock.advance(HOUR_US)
        asyncio.run(both())
    told = [cause for _, notices in world.digests for _, cause in notices] + [cause for *_, cause in world.single]
    assert sorted(told) == sorted(f"cause {number}" for number in range(9))
