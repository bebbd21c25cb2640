"""Decisions, what came of them, and pauses, as events."""

import pytest

from volant.adapters.memory.database import MemoryDatabase
from volant.adapters.memory.events import MemoryEvents
from volant.kernel.errors import ConflictError, IllegalTransitionError
from volant.loop.ledger import CycleEnd, DecisionLedger
from volant.loop.model import Action, Decision
from volant.testing.clock import CountingIds, FakeClock


@pytest.fixture
def ledger():
    return DecisionLedger(MemoryEvents(MemoryDatabase(FakeClock(), CountingIds())), "bikes")


def retrain(sentence="the performance is worse"):
    return Decision(action=Action.RETRAIN, at=5, sentence=sentence, trigger="performance", evidence={"loss": 0.5})


def test_a_decision_comes_back_as_it_was_made(ledger):
    made = retrain()
    name = ledger.record(made, actor="policy")
    [(event, found)] = ledger.decisions()
    assert (event.id, found) == (name, made)


def test_two_that_decide_at_once_cannot_both_win(ledger):
    ledger.record(retrain(), actor="policy", expected_seq=0)
    with pytest.raises(ConflictError):
        ledger.record(retrain(), actor="policy", expected_seq=0)
    assert len(ledger.decisions()) == 1


def test_a_cycle_is_open_until_its_end_is_kept(ledger):
    assert ledger.open_cycle() is None
    name = ledger.record(retrain(), actor="policy")
    ledger.record(Decision(action=Action.PROPOSE, at=6, sentence="it passed", version=2), actor="policy")
    assert ledger.open_cycle().decision == name
    ledger.end(CycleEnd(decision=name, mark="m", run_id="r", version=2), actor="policy")
    assert ledger.open_cycle() is None
    assert [end.version for end in ledger.ends()] == [2]


def test_a_pause_says_who_and_why_until_it_is_over(ledger):
    assert ledger.paused() is None
    with pytest.raises(IllegalTransitionError):
        ledger.resume("x", actor="ada")
    ledger.pause("labels are being repaired", actor="ada")
    assert ledger.paused() == "by ada: labels are being repaired"
    with pytest.raises(IllegalTransitionError, match="paused already"):
        ledger.pause("again", actor="bob")
    ledger.resume("done", actor="ada")
    assert ledger.paused() is None
