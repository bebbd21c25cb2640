"""``suites``: read strictly, written back as it was, and refused where a check has nothing to repeat."""

import pytest

from volant.config.dump import dump_project
from volant.config.load import load_text
from volant.config.model import GateKind, SuiteCheck
from volant.config.suites import GATES_OF
from volant.kernel.clock import DAY_US, HOUR_US
from volant.kernel.errors import UsageError

HEAD = """version: 1
project: bikes
task: regression
target: cnt
metric: mae
data: {source: a.csv, contract: contract.odcs.yaml}
gates: [{metric: mae, max: 50}]
"""


def load(suites):
    return load_text(f"{HEAD}suites:\n{suites}\n", "volant.yaml", {}).config


def test_suites_keep_their_order_and_are_written_back_the_same():
    config = load("  nightly: {every: 1d, checks: [contract, floors, drift]}\n  often: {every: 2h, checks: [drift]}")
    nightly, often = config.suites
    assert (nightly.name, nightly.every_us, often.every_us) == ("nightly", DAY_US, 2 * HOUR_US)
    assert nightly.checks == (SuiteCheck.CONTRACT, SuiteCheck.FLOORS, SuiteCheck.DRIFT)
    assert load_text(dump_project(config), "volant.yaml", {}).config == config


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("  n: {every: 1d, checks: [florrs]}", "did you mean 'floors'"),
        ("  n: {every: 1d, checks: []}", "must be a list of checks"),
        ("  n: {every: 1d, checks: [drift, drift]}", "listed twice"),
        ("  n: {every: 1d, checks: [slices]}", "add {slices: [COLUMN], margin: 5%} under gates"),
        ("  n: {every: 30s, checks: [drift]}", "more often than every 1m"),
        ("  n: {checks: [drift]}", "has no 'every'"),
        ("  'a b': {every: 1d, checks: [drift]}", "needs a name"),
        ("  n: nightly", "n must be"),
        ("  [1]", "must be suites by name"),
    ],
)
def test_what_cannot_be_run_is_refused_with_what_to_write(line, said):
    with pytest.raises(UsageError) as caught:
        load(line)
    assert said in str(caught.value)


def test_every_kind_of_gate_that_judges_a_model_by_itself_can_be_repeated():
    repeated = {kind for kind, _ in GATES_OF.values()}
    assert set(GateKind) - repeated == {GateKind.CHAMPION, GateKind.CHURN, GateKind.HOLDOUT}
    assert set(SuiteCheck) - set(GATES_OF) == {SuiteCheck.CONTRACT, SuiteCheck.DRIFT}
