"""What would take years is out of reach, and a plan says what would bring it into it."""

import pytest
from gate_rows import check

from volant.cli.gatetext import plan_blocks
from volant.gates.model import CheckResult, GateReport, Verdict
from volant.gates.planning import SHARES, Reach, labels_for, margin_for, plan_from, row_variance
from volant.kernel.clock import DAY_US
from volant.kernel.codec import plain


def report(*, rows=500, half=0.6, margin=0.0):
    low, high = -0.1 - half, -0.1 + half
    compared = CheckResult(
        check=check("champion"), title="mae vs champion v1", verdict=Verdict.NOT_ENOUGH, sentence="", rows=rows,
        candidate=9.9, other=10.0, difference=-0.1, low=low, high=high, allowed=margin,
    )  # fmt: skip
    return GateReport(
        id="g", model="bikes", version=3, package="p", champion=1, champion_package="q", run_id="r", dataset="bikes",
        dataset_version=1, holdout_rows=rows, holdout_from_us=0, holdout_to_us=DAY_US, excluded_rows=0, predictions="x",
        verdict=Verdict.PASS, checks=(compared,), baselines={}, seed=0, recorded_at=0,
    )  # fmt: skip


def planned(labels_per_day, **fields):
    return plan_from(report(**fields), labels_per_day).checks[0]


def test_gains_are_within_reach_now_or_later_or_out_of_it():
    found = planned(20.0)
    assert [gain.reach for gain in found.gains] == [Reach.OUT, Reach.OUT, Reach.LATER, Reach.NOW]
    assert [gain.reach for gain in planned(2_000.0).gains] == [Reach.LATER, Reach.LATER, Reach.LATER, Reach.NOW]
    assert planned(None, rows=5, half=6.0).gains[0].reach is Reach.OUT


def test_what_would_bring_a_gain_into_reach_does():
    found = planned(20.0)
    said = "; ".join(found.ways)
    assert said.startswith("a gain of 2% is out of reach with 500 rows and 20 labels a day; a margin of ")
    assert "labels a day would show it in 90 days" in said
    assert planned(50_000.0).ways == ()
    gain = SHARES[1] * 10.0
    variance = row_variance(report().checks[0])
    margin = margin_for(variance, 500 + 90 * 20, gain, 0.95)
    assert labels_for(variance, gain, margin, 0.95) == pytest.approx(500 + 90 * 20, abs=2)
    wider = planned(20.0, margin=margin)
    assert wider.gains[1].reach is Reach.LATER
    assert wider.gains[1].takes_us <= 91 * DAY_US


def test_no_margin_helps_where_the_estimate_itself_would_be_a_toss():
    assert margin_for(1e6, 100, 0.1, 0.95) is None
    assert not any("margin" in way for way in planned(0.01, half=50.0).ways)


def test_a_margin_that_suffices_is_never_below_zero():
    assert margin_for(1.0, 10**6, 1.0, 0.95) == 0.0


def test_the_text_says_out_of_reach_and_no_number_of_years():
    text = "\n".join(map(str, plan_blocks(plain(plan_from(report(), 20.0)))))
    assert "out of reach" in text
    assert "years" not in text
