"""A holdout is used up by the candidates that it judged; then checks get stricter and fresh labels are asked for."""

import itertools
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from gate_rows import check, rows

from volant.adapters.objects.memory import MemoryObjects
from volant.config.model import DataConfig, GateKind, ProjectConfig, Task
from volant.gates.model import Verdict
from volant.gates.service import Contestant, GateData, judge
from volant.gates.spending import BUDGET, held_to, holdout_line, level_left, use_of
from volant.kernel.clock import DAY_US
from volant.stats.predicted import Predicted

N = 400
RANDOM = np.random.default_rng(7)
TARGET = RANDOM.normal(10, 3, N)
NOISE = RANDOM.normal(0, 1.5, N)
MEMBERS = RANDOM.normal(0, 1, N)


class Ledger:
    """Reports in the order in which they came."""

    def __init__(self):
        self.kept = []

    def add(self, report):
        self.kept.append(report)

    def reports(self, model):
        return tuple(report for report in self.kept[::-1] if report.model == model)


class Instants:
    def __init__(self, now=0):
        self.instant = now
        self.numbers = itertools.count()

    def now(self):
        return self.instant

    def new(self):
        return f"r{next(self.numbers)}"


def data(first=200):
    times = np.arange(N, dtype=np.int64) * DAY_US
    names = np.array([f"v1:{number}" for number in range(N)])
    training = np.arange(first - 10)
    return GateData("bikes", 1, names, np.arange(N, dtype=np.uint64), times, times, TARGET, training, np.arange(first, N), None, {})


def turn(ledger, package, *gates, first=200, spread=0.8, now=0):
    conf = ProjectConfig(
        version=1, project="bikes", task=Task.REGRESSION, target="cnt", metric="mae", data=DataConfig(source="x.csv"), gates=gates
    )
    candidate = Contestant(package, lambda at: Predicted(TARGET[at] + spread * NOISE[at]))
    champion = Contestant("reigning", lambda at: Predicted(TARGET[at] + NOISE[at]), version=1)
    parts = Instants(now)
    return judge(conf, data(first), candidate, champion, run_id="r", gates=ledger, objects=MemoryObjects(), clock=parts, ids=parts)


def test_every_candidate_spends_a_use_and_the_same_one_again_spends_none():
    ledger = Ledger()
    uses = [turn(ledger, package, check("champion")).use.use for package in ("a", "b", "b", "c", "a")]
    assert uses == [1, 2, 2, 3, 3]


def test_rows_that_are_new_are_fresh():
    ledger = Ledger()
    for package in "abcd":
        turn(ledger, package, check("champion"), first=200)
    half = data(200).holdout[100:]
    later = rows(TARGET[half], times=half * DAY_US)
    line = holdout_line(())
    assert use_of(later, "e", ledger.kept, line, dataset="bikes", now=0).use == 5
    beyond = replace(later, times=later.times + 50 * DAY_US)
    assert use_of(beyond, "e", ledger.kept, line, dataset="bikes", now=0).use == 3
    assert use_of(later, "e", ledger.kept, line, dataset="another", now=0).use == 1


def test_beyond_its_budget_a_holdout_asks_for_more_and_for_fresh_labels_and_by_itself_stops_nobody():
    ledger, gates = Ledger(), (check("champion"), check("holdout", uses=3))
    within = [turn(ledger, package, *gates) for package in "abc"]
    assert [report.checks[-1].verdict for report in within] == [Verdict.PASS] * 3
    assert {report.checks[0].check.confidence for report in within} == {0.95}
    spent = turn(ledger, "d", *gates)
    champion, holdout = spent.checks
    assert champion.check.confidence == pytest.approx(1 - 0.05 * 6 / np.pi**2)
    assert champion.high - champion.low > within[-1].checks[0].high - within[-1].checks[0].low
    assert (spent.verdict, holdout.verdict, holdout.labels_needed) == (Verdict.PASS, Verdict.NOT_ENOUGH, 67)
    assert "used up, so checks ask for 96.96 % instead of 95 %. About 67 fresh labels" in holdout.sentence


def test_the_labels_asked_for_are_those_that_renew_it():
    ledger = Ledger()
    for package in "abcd":
        turn(ledger, package, check("champion"))
    line = holdout_line((check("holdout", uses=3),))
    now = rows(TARGET[200:], times=np.arange(200, 400) * DAY_US)
    needed = use_of(now, "e", ledger.kept, line, dataset="bikes", now=0).fresh_labels
    for labels, good in ((needed - 1, False), (needed, True)):
        moved = rows(np.zeros(200), times=np.arange(200 + labels, 400 + labels) * DAY_US)
        assert (use_of(moved, "e", ledger.kept, line, dataset="bikes", now=0).used_up is False) == good


def test_each_further_candidate_meets_wider_bounds():
    gates, ledger = (check("champion"), check("holdout", uses=1)), Ledger()
    spread = 0.985
    assert turn(Ledger(), "z", *gates, spread=spread).verdict is Verdict.PASS
    tried = [turn(ledger, f"p{number}", *gates, spread=spread).checks[0] for number in range(8)]
    widths = [one.high - one.low for one in tried]
    assert widths == sorted(widths)
    assert widths[-1] > widths[0]


def test_an_expired_holdout_leaves_the_candidate_waiting():
    line = check("holdout", uses=30, expires_us=90 * DAY_US)
    good = turn(Ledger(), "a", check("champion"), line, now=(N + 80 - 100) * DAY_US)
    assert good.verdict is Verdict.PASS
    old = turn(Ledger(), "a", check("champion"), line, now=(N + 80) * DAY_US)
    assert (old.verdict, old.checks[-1].verdict) == (Verdict.NOT_ENOUGH, Verdict.NOT_ENOUGH)
    assert "expired: more than half of it is older than 90d" in old.checks[-1].sentence
    assert old.checks[-1].labels_needed == 90


def test_without_a_line_the_default_budget_holds_and_is_silent_while_it_lasts():
    assert holdout_line(()).uses == BUDGET
    report = turn(Ledger(), "a", check("champion"))
    assert [one.check.kind for one in report.checks] == [GateKind.CHAMPION]
    assert (report.use.budget, report.use.use) == (BUDGET, 1)


def test_what_is_spent_beyond_the_budget_adds_up_to_the_level_at_most():
    assert level_left(0.05, BUDGET, BUDGET) == 0.05
    spent = sum(level_left(0.05, BUDGET + j, BUDGET) for j in range(1, 20_000))
    assert 0.0499 < spent <= 0.05


def test_every_check_with_a_confidence_is_held_to_what_is_left():
    ledger = Ledger()
    for package in "abc":
        turn(ledger, package, check("champion"))
    use = use_of(rows(TARGET[200:], times=np.arange(200, 400) * DAY_US), "d", ledger.kept, check("holdout", uses=2), dataset="bikes", now=0)
    first, second = held_to((check("champion", confidence=0.9), check("floor", maximum=5.0)), use)
    assert first.confidence == pytest.approx(1 - level_left(0.1, use.use, 2))
    assert second == msgspec.structs.replace(check("floor", maximum=5.0), confidence=1 - level_left(1 - 0.95, use.use, 2))


def test_a_holdout_without_rows_has_a_statement_too():
    empty = rows(np.empty(0), times=np.empty(0, dtype=np.int64))
    use = use_of(empty, "a", (), check("holdout", uses=2, expires_us=DAY_US), dataset="bikes", now=9 * DAY_US)
    assert (use.use, use.used_up, use.expired, use.fresh_labels) == (1.0, False, False, 0)
