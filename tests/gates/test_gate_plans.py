"""A plan says how many labels a decision needs; decisions with so many labels then come out as planned."""

import itertools

import msgspec
import numpy as np
import pytest
from gate_rows import check, rows, share

from volant.cli.gatetext import plan_blocks
from volant.cli.main import application
from volant.gates.facts import Facts
from volant.gates.model import GateReport, Measured, Verdict
from volant.gates.planning import labels_for, plan_from, row_variance, smallest_gain
from volant.gates.rules import evaluate
from volant.kernel.clock import DAY_US
from volant.kernel.codec import plain
from volant.stats.paired import Finding, judge, paired_difference
from volant.stats.predicted import Predicted

RANDOM = np.random.default_rng(11)


def report(*checks, version=3):
    return GateReport(
        id="g", model="bikes", version=version, package="p", champion=1, champion_package="q", run_id="r", dataset="bikes",
        dataset_version=1, holdout_rows=500, holdout_from_us=0, holdout_to_us=DAY_US, excluded_rows=0, predictions="x",
        verdict=Verdict.PASS, checks=checks, baselines={}, seed=0, recorded_at=0,
    )  # fmt: skip


def compared(n=500, **fields):
    target = RANDOM.normal(10, 3, n)
    answers = {name: Predicted(target + RANDOM.normal(0, spread, n)) for name, spread in (("candidate", 1.0), ("champion", 1.02))}
    gates = (check("champion", **fields), check("latency", latency_us=1000))
    return evaluate(gates, rows(target), answers, metric="mae", facts=Facts(measured=Measured(p99_us=10)))


@pytest.mark.parametrize(("margin", "gain"), list(itertools.product((0.0, 0.02), (0.02, 0.05))))
def test_with_the_labels_that_are_planned_four_of_five_such_candidates_pass(margin, gain):
    needed = labels_for(0.25, gain, margin, 0.95)
    random = np.random.default_rng(3)
    passed = 0
    for _ in range(300):
        loss = random.normal(-gain, 0.5, needed)
        passed += judge(paired_difference(loss, np.zeros(needed), 0.95), margin) is Finding.BETTER
    assert 0.72 <= passed / 300 <= 0.88


def test_the_gain_that_rows_show_now_is_the_one_that_needs_no_more_of_them():
    for margin in (0.0, 0.01, 0.3):
        least = smallest_gain(0.25, 800, margin, 0.95)
        assert labels_for(0.25, least * 1.001, margin, 0.95) <= 800 < labels_for(0.25, least * 0.99, margin, 0.95)


def test_the_variance_is_read_off_the_bounds_of_the_report():
    target = RANDOM.normal(10, 3, 4000)
    first, second = (Predicted(target + RANDOM.normal(0, 1, 4000)) for _ in range(2))
    (found,) = evaluate((check("champion"),), rows(target), {"candidate": first, "champion": second}, metric="mae")
    losses = np.abs(first.values - target) - np.abs(second.values - target)
    assert row_variance(found) == pytest.approx(losses.var(), rel=0.25)


def test_only_comparisons_are_planned_and_a_larger_margin_needs_fewer_labels():
    plan = plan_from(report(*compared()), 40.0)
    assert [(one.title, one.metric, one.rows) for one in plan.checks] == [("mae vs champion", "mae", 500)]
    strict, wide = (plan_from(report(*compared(margin=share(m))), 40.0).checks[0] for m in (0.0, 0.02))
    assert wide.gains[0].labels < strict.gains[0].labels
    assert [gain.labels for gain in strict.gains] == sorted((gain.labels for gain in strict.gains), reverse=True)


def test_the_wait_is_what_is_missing_at_the_rate_of_labels():
    checks = compared()
    (known,), (unknown,) = (plan_from(report(*checks), rate).checks for rate in (40.0, None))
    gain = known.gains[0]
    assert gain.further == gain.labels - 500
    assert gain.takes_us == pytest.approx(gain.further / 40 * DAY_US)
    assert unknown.gains[0].takes_us is None
    easy = plan_from(report(msgspec.structs.replace(checks[0], rows=10**7, low=-0.0101, high=-0.01)), None).checks[0].gains[-1]
    assert (easy.further, easy.takes_us) == (0, 0)


def test_a_report_that_compared_nothing_has_no_plan_and_says_so():
    plan = plan_from(report(*compared()[1:]), 40.0)
    assert plan.checks == ()
    assert any("compared nothing" in str(block) for block in plan_blocks(plain(plan)))
    skipped = evaluate((check("champion"),), rows(np.ones(5)), {"candidate": Predicted(np.ones(5)), "champion": None}, metric="mae")
    assert plan_from(report(*skipped), 40.0).checks == ()


def test_two_models_that_answer_alike_need_no_labels_to_tell_a_gain():
    same = Predicted(np.arange(50.0))
    (found,) = evaluate((check("champion"),), rows(np.arange(50.0) + 1), {"candidate": same, "champion": same}, metric="mae")
    (planned,) = plan_from(report(found), 40.0).checks
    assert (planned.smallest_gain, planned.gains[0].labels, planned.gains[0].further) == (0.0, 0, 0)


def test_a_version_after_gate_is_judged_and_a_plan_is_planned():
    gate = application().get_command(None, "gate")
    for words, meant in (([], "judge"), (["bikes@3"], "judge"), (["--json"], "judge"), (["plan"], "plan"), (["plan", "bikes@3"], "plan")):
        context = gate.make_context("gate", list(words))
        assert gate.resolve_command(context, [*context._protected_args, *context.args])[0] == meant
