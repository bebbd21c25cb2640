"""A champion that some rows chose was lucky on them; the next candidate on the same rows is not judged by that luck."""

import numpy as np
import pytest
from gate_rows import check, rows, share

from volant.adapters.objects.memory import MemoryObjects
from volant.config.model import DataConfig, ProjectConfig, Task
from volant.gates.comparing import slope_on
from volant.gates.luck import FEWEST, Past, luck_of, made_up
from volant.gates.model import Luck, Verdict
from volant.gates.rules import evaluate
from volant.gates.service import Contestant, GateData, judge
from volant.stats.paired import Interval
from volant.stats.predicted import Predicted


def past(difference, *, variance=1.0, slope=-0.2, seen=1.0):
    return Past(difference, variance, slope, seen)


def test_nothing_is_made_up_for_before_a_few_comparisons_are_known():
    few = [past(-1.0)] * (FEWEST - 1)
    assert luck_of(few, few) is None
    assert luck_of([*few, past(-1.0)], few) is not None


def test_where_gains_do_not_differ_all_of_a_difference_is_luck():
    equal = [past(d) for d in (0.4, -0.4, 0.2, -0.2, 0.0)]
    found = luck_of(equal, [past(-0.4)])
    assert found == Luck(value=pytest.approx(0.4), variance=0.0)


def test_where_gains_differ_much_little_of_a_difference_is_luck():
    spread = [past(d) for d in (40.0, -40.0, 20.0, -20.0, 0.0)]
    found = luck_of(spread, [past(-40.0)])
    assert 0 < found.value < 0.1
    assert 0 < found.variance <= 1.0


def test_luck_fades_with_each_champion_and_with_fresh_rows():
    equal = [past(d) for d in (0.4, -0.4, 0.2, -0.2, 0.0)]
    followed = luck_of(equal, [past(-0.4), past(0.0, slope=-0.5)])
    assert followed.value == pytest.approx(0.4 * 0.5)
    assert luck_of(equal, [past(-0.4, seen=0.25)]).value == pytest.approx(0.1)
    assert luck_of(equal, [past(-0.4, seen=0.0)]).value == 0.0


def test_what_is_made_up_moves_the_difference_and_widens_its_bounds():
    raw = Interval(0.1, -0.1, 0.3, 0.01, 50, 100)
    moved = made_up(raw, Luck(value=0.5, variance=0.03), -0.5)
    assert moved.value == pytest.approx(0.1 - 0.25)
    assert moved.variance == pytest.approx(0.01 + 0.25 * 0.03)
    assert moved.high - moved.value == pytest.approx(0.2 * np.sqrt(moved.variance / 0.01))
    assert made_up(raw, None, -0.5) is raw
    assert made_up(raw, Luck(value=0.5, variance=0.03), None) is raw


def chosen(random, *, candidates=12, n=4_000, error=0.2, moved=0.06):
    """A champion that the rows chose among equals, and one more candidate that is as good: how much worse it looks, and its luck."""
    wrong = random.random(n) < error
    every, chain = [], []
    for _ in range(candidates):
        flips = random.random(n) < np.where(wrong, moved / 2 / error, moved / 2 / (1 - error))
        candidate = wrong ^ flips
        difference = candidate.astype(float) - wrong
        raw = Interval(difference.mean(), -1.0, 1.0, difference.var() / n, 100, n)
        slope = slope_on(candidate.astype(float), wrong.astype(float))
        seen = made_up(raw, luck_of(every, chain), slope)
        every.append(Past(seen.value, seen.variance, slope, 1.0))
        if difference.mean() < 0:
            chain.append(every[-1])
            wrong = candidate
    return difference.mean(), seen.value


def test_candidates_as_good_as_a_champion_that_the_rows_chose_look_worse_and_do_not_when_it_is_made_up_for():
    found = np.array([chosen(np.random.default_rng((11, seed))) for seed in range(150)])
    raw, corrected = found.mean(axis=0)
    noise = found.std(axis=0, ddof=1).max() / np.sqrt(len(found))
    assert raw > 3 * noise
    assert abs(corrected) < raw / 2


def judged(metric, luck):
    random = np.random.default_rng(3)
    target = random.integers(0, 2, 2_000)
    champion = np.where(random.random(2_000) < 0.2, 1 - target, target)
    candidate = np.where(random.random(2_000) < 0.1, target, champion)
    predicted = {name: Predicted(values, None, ()) for name, values in (("candidate", candidate), ("champion", champion))}
    (result,) = evaluate((check("champion", margin=share(0.01)),), rows(target), predicted, metric=metric, luck=luck)
    return result


@pytest.mark.parametrize(("metric", "sign"), [("error", -1), ("accuracy", 1)])
def test_a_report_shows_what_was_made_up_for_in_the_direction_of_the_metric(metric, sign):
    plain, told = judged(metric, None), judged(metric, Luck(value=0.05, variance=1e-6))
    assert plain.made_up is None
    assert -1 < plain.slope < 0
    assert sign * told.made_up == pytest.approx(-plain.slope * 0.05)
    assert told.difference == pytest.approx(plain.difference + told.made_up)
    assert "luck" in told.sentence
    assert "luck" not in plain.sentence
    assert told.verdict is Verdict.PASS


N = 600
RANDOM = np.random.default_rng(7)
TARGET = RANDOM.normal(10, 3, N)
ERRORS = {name: RANDOM.normal(0, 1.5, N) for name in ("first", "a", "b", "c", "d", "e", "f", "g")}


class Ledger:
    def __init__(self):
        self.kept = []

    def add(self, report):
        self.kept.append(report)

    def reports(self, model):
        return tuple(report for report in self.kept[::-1] if report.model == model)


class Moments:
    def __init__(self, ledger):
        self.ledger = ledger

    def now(self):
        return len(self.ledger.kept)

    def new(self):
        return f"r{len(self.ledger.kept)}"


def turn(ledger, package, champion, *, start=100):
    gates = (check("champion", metric="mae"),)
    conf = ProjectConfig(
        version=1, project="bikes", task=Task.REGRESSION, target="cnt", metric="mae", data=DataConfig(source="x.csv"), gates=gates
    )
    names = np.array([f"v1:{number}" for number in range(N)])
    times, held = np.arange(N, dtype=np.int64), np.arange(start, start + 300)
    data = GateData("bikes", 1, names, times.astype(np.uint64), times, times, TARGET, np.arange(50), held, None, {})
    models = [Contestant(name, lambda at, name=name: Predicted(TARGET[at] + ERRORS[name][at]), version=1) for name in (package, champion)]
    parts = Moments(ledger)
    return judge(conf, data, *models, run_id="r", gates=ledger, objects=MemoryObjects(), clock=parts, ids=parts)


def test_luck_is_read_from_the_reports_by_which_the_champion_came_about():
    ledger = Ledger()
    for package in "abcde":
        assert turn(ledger, package, "first").checks[0].made_up is None
    best = min(ledger.kept, key=lambda report: report.checks[0].difference)
    never_judged, chosen_here = turn(Ledger(), "f", best.package), turn(ledger, "f", best.package)
    assert never_judged.checks[0].made_up is None
    assert chosen_here.checks[0].made_up < 0
    assert chosen_here.checks[0].difference == pytest.approx(never_judged.checks[0].difference + chosen_here.checks[0].made_up)
    assert turn(ledger, "g", "first").checks[0].made_up == 0.0
    elsewhere = turn(ledger, "g", best.package, start=250).checks[0]
    assert 0 > elsewhere.made_up > chosen_here.checks[0].made_up
