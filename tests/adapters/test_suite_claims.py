"""A suite runs once in each stretch of its rhythm, whoever looks and however many do."""

import pytest

from volant.config.model import SuiteCheck, SuiteConfig
from volant.gates.model import Verdict
from volant.kernel.clock import DAY_US, HOUR_US
from volant.loop.suite_ledger import SuiteLedger, due, period_of, stream_of
from volant.loop.suite_model import SuiteEnd

NIGHTLY = SuiteConfig(name="nightly", every_us=DAY_US, checks=(SuiteCheck.DRIFT,))
HOURLY = SuiteConfig(name="hourly", every_us=HOUR_US, checks=(SuiteCheck.DRIFT,))


@pytest.fixture
def ledger(stores):
    return SuiteLedger(stores.events, "bikes")


def test_a_period_can_be_claimed_once_and_the_next_one_again(ledger, stores, clock):
    other, now = SuiteLedger(stores.events, "bikes"), clock.now()
    assert ledger.claim(NIGHTLY, now) is not None
    assert other.claim(NIGHTLY, now) is None
    assert other.claim(HOURLY, now) is not None
    assert ledger.claim(NIGHTLY, now + DAY_US) is not None
    assert ledger.claim(NIGHTLY, now) is None, "a clock that goes back runs nothing twice"


def test_who_claims_while_somebody_else_writes_looks_again(stores, clock):
    class Racing:
        """The same events, into which another server writes first."""

        def __init__(self):
            self.others = [HOURLY, NIGHTLY]

        def read(self, stream, after_seq=0):
            return stores.events.read(stream, after_seq)

        def append(self, stream, expected, events, *, actor):
            if self.others:
                SuiteLedger(stores.events, "bikes").claim(self.others.pop(0), clock.now())
            return stores.events.append(stream, expected, events, actor=actor)

    assert SuiteLedger(Racing(), "bikes").claim(NIGHTLY, clock.now()) is None
    assert len(SuiteLedger(stores.events, "bikes").runs()) == 2


def test_a_run_that_a_person_asks_for_claims_no_period(ledger, clock):
    ledger.begin("nightly", "ann")
    assert ledger.claim(NIGHTLY, clock.now()) is not None


def test_a_run_is_read_from_its_two_events_and_one_that_died_has_no_end(ledger, clock):
    first, second = ledger.claim(NIGHTLY, clock.now()), ledger.begin("nightly", "ann")
    ledger.end(SuiteEnd(suite="nightly", start=second, verdict=Verdict.FAIL, version=3, lines=4, failed=1, report="d" * 64), "ann")
    died, ended = ledger.runs()
    assert (died.id, died.end, died.period) == (first, None, period_of(NIGHTLY, clock.now()))
    assert (ended.id, ended.actor, ended.end.verdict, ended.end.failed) == (second, "ann", Verdict.FAIL, 1)


def test_what_is_due_can_be_told_from_new_events_alone(ledger, stores, clock):
    now = clock.now()
    place, claimed = ledger.claimed()
    assert due([NIGHTLY, HOURLY], claimed, now) == (NIGHTLY, HOURLY)
    ledger.claim(HOURLY, now)
    later, newer = ledger.claimed(place)
    assert (later, due([NIGHTLY, HOURLY], claimed | newer, now)) == (1, (NIGHTLY,))
    assert ledger.claimed(later) == (1, frozenset())
    assert stream_of("bikes") in stores.events.streams()
