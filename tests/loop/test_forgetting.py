"""Retention in replay and live: rows that count less, and rows since the last change."""

import msgspec
import numpy as np
import pytest
from history_rows import TICK, Ticking, config, stream, trainer

from volant.adapters.memory.database import MemoryDatabase
from volant.adapters.memory.events import MemoryEvents
from volant.config.model import Keep, TriggerConfig, TriggerKind, WindowConfig
from volant.kernel.errors import UsageError
from volant.loop.changes import as_of_change, last_change
from volant.loop.ledger import DecisionLedger
from volant.loop.model import Action, Decision
from volant.loop.replay import Extent, replay
from volant.loop.replay_ledger import Ledger
from volant.stats.predicted import Predicted
from volant.testing.clock import CountingIds, FakeClock

WORSE = (TriggerConfig(kind=TriggerKind.PERFORMANCE),)


def weighing(history, feature, seen):
    """Least squares by weight; ``seen`` collects (rows, weights)."""

    def train(rows, *weights):
        seen.append((rows, *weights))
        weight = weights[0] if weights else np.ones(len(rows))
        slope = float((weight * feature[rows]) @ history.target[rows] / ((weight * feature[rows]) @ feature[rows]))
        return lambda positions: Predicted(slope * feature[positions])

    return train


def test_weighted_learns_from_all_rows_with_old_ones_counting_less_and_so_follows_a_change():
    history, feature = stream(rows=2400)
    seen = []
    asked = ("every:1:growing", "every:1:weighted")
    result = replay(
        config(gates=False), history, weighing(history, feature, seen), clock=Ticking(), extent=Extent(windows=24), policies=asked
    ).result
    never, growing, weighted = result.policies
    assert weighted.name == "every window, weighted"
    assert weighted.metric < growing.metric - 0.05 < never.metric
    rows, weights = next(one for one in reversed(seen) if len(one) == 2)
    assert rows[0] == 0
    half = np.searchsorted(rows, rows[-1] - 470)  # as many rows as the first training had are a half-life
    assert weights[half] / weights[-1] == pytest.approx(0.5, rel=0.01)


def test_the_same_rows_with_other_weights_are_another_training():
    seen = []
    ledger = Ledger(lambda *given: seen.append(given), 10, Ticking(), None)
    rows = np.arange(5)
    one, same, other = (ledger.train(rows, 0, weights=given) for given in (None, None, np.ones(5)))
    assert one is same
    assert other is not one
    assert len(seen) == 2


def test_since_change_keeps_rows_from_where_performance_turned_and_says_so_in_the_decision():
    history, feature = stream(rows=4000)
    seen = []
    settings = msgspec.structs.replace(config(when=WORSE), train=msgspec.structs.replace(config().train, window=WindowConfig()))
    extent = Extent(windows=32)
    result = replay(
        settings,
        history,
        trainer(history, feature, seen),
        clock=Ticking(),
        extent=extent,
        policies=("project:since_change", "project:growing"),
    ).result
    _, since, growing = result.policies
    first = next(decision for decision in since.decisions if decision.action is Action.RETRAIN)
    assert abs(first.evidence["change_us"] - 2000 * TICK) <= 200 * TICK, "the slope turns at row 2000"
    assert since.metric < growing.metric
    assert any(rows[0] > 0 for rows in seen)


def test_a_calendar_sees_no_change():
    history, feature = stream(rows=400)
    with pytest.raises(UsageError, match="none of its triggers sees one"):
        replay(config(), history, trainer(history, feature), clock=Ticking(), policies=("every:2:since_change",))


def test_the_live_loop_keeps_rows_since_the_newest_change_of_its_own_decisions():
    events = MemoryEvents(MemoryDatabase(FakeClock(), CountingIds()))
    ledger = DecisionLedger(events, "toy")
    settings = msgspec.structs.replace(
        config(when=WORSE), train=msgspec.structs.replace(config().train, window=WindowConfig(keep=Keep.SINCE_CHANGE))
    )
    read = lambda: events.read("loop/toy")  # noqa: E731 - read anew at each call
    assert as_of_change(settings, read()).train.window.since_us is None
    for change in (500, 900, None):
        facts = {} if change is None else {"change_us": change}
        ledger.record(Decision(action=Action.RETRAIN, at=1000, sentence="", evidence=facts), actor="policy")
    ledger.record(Decision(action=Action.WAIT, at=1001, sentence="", evidence={"change_us": 950}), actor="policy")
    assert last_change(read()) == 900
    assert as_of_change(settings, read()).train.window.since_us == 900
    assert as_of_change(config(), read()) == config(), "other windows do not ask"
