"""Steps that take longer than a retrain interval are refused where the pace of rows is known."""

import pytest

from volant.config.load import load_project
from volant.deployments.pace import Pace, check_pace, declared_pace
from volant.kernel.errors import UsageError

SETTINGS = """version: 1
project: bikes
task: regression
target: cnt
metric: mae
data: {source: x.csv, TICK}
release: {steps: [{shadow: 100 rows}, {canary: 10%, rows: 200}, full]}
retrain: {when: [{clock: 7d}]}
"""
HOUR = 3_600_000_000


@pytest.fixture
def config(tmp_path):
    def read(tick="tick: 1h", text=SETTINGS):
        (tmp_path / "volant.yaml").write_text(text.replace("TICK", tick))
        return load_project(tmp_path / "volant.yaml", {})

    return read


def test_three_hundred_hourly_rows_do_not_fit_into_a_week(config):
    found = config()
    with pytest.raises(UsageError) as error:
        check_pace(found, declared_pace(found))
    assert error.value.what == "The release steps take longer than the time between two retrains, 7d."
    assert "300 rows take about 12d" in error.value.found
    assert error.value.next_step == "ask for 168 rows in all at most, or retrain less often"
    assert error.value.field == "release.steps"


def test_steps_that_fit_and_a_pace_that_nobody_knows_pass(config):
    check_pace(config("tick: 30m"), declared_pace(config("tick: 30m")))
    assert declared_pace(config("time: hour")) is None
    check_pace(config("time: hour"), None)
    check_pace(config(text=SETTINGS.replace("clock: 7d", "new_labels: 5")), declared_pace(config()))


def test_the_pace_of_the_log_decides_where_it_is_known(config):
    check_pace(config(), Pace(rows=1000, span_us=10 * HOUR, known_from="1,000 rows of the log"))
    with pytest.raises(UsageError, match="take longer"):
        check_pace(config("time: hour"), Pace(rows=100, span_us=100 * 24 * HOUR, known_from="100 rows of the log"))
