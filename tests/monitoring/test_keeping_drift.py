"""Which windows are judged, when anew, and what is kept of it."""

import numpy as np
import polars as pl
import pytest

from volant.config.model import Amount
from volant.kernel.errors import NotFoundError
from volant.monitoring.drift_keeping import DriftKeeper, References, drift_again
from volant.monitoring.drift_reference import reference_of
from volant.monitoring.ports import Covered
from volant.monitoring.shaping import shaped
from volant.monitoring.summary import WindowSummary
from volant.testing.clock import CountingIds, FakeClock
from volant.wiring.stores import memory_stores

HOUR = 3_600_000_000


def rows(count, seed, shift=0.0):
    return pl.DataFrame({"f:temp": np.random.default_rng(seed).standard_normal(count) + shift})


class Project:
    """Stores of one model, whose windows are put there as the watch would."""

    def __init__(self):
        self.stores = memory_stores(FakeClock(), CountingIds())
        self.made = []

    def make(self, version):
        self.made.append(version)
        if version == 9:
            raise NotFoundError("the rows are gone")
        return reference_of({"f:temp": rows(5_000, 1)["f:temp"]}, model="bikes", version=version)

    def references(self):
        return References("bikes", self.stores.windows, self.stores.objects, self.make)

    def answered(self, number, *, shift=0.0, count=500):
        lines = rows(count, 10 + number, shift).with_columns(
            pl.lit(number).alias("_window"),
            (pl.int_range(count) + number * HOUR).alias("at"),
            pl.lit(None, dtype=pl.String).alias("key"),
            pl.lit("bikes").alias("model"),
            pl.lit(1).alias("epoch"),
            pl.lit("champion").alias("arm"),
        )
        shapes = shaped(lines, self.references().of(1))
        extent = {"from_us": number * HOUR, "to_us": number * HOUR + count - 1, "rows": count}
        window = WindowSummary(model="bikes", epoch=1, arm="champion", number=number, **extent)
        before = self.stores.windows.covered("bikes")
        self.stores.windows.commit("bikes", before, "b", {"w": before.revision + 1}, [window], shapes=shapes)

    def revise(self, size, now=0, version=1):
        return DriftKeeper(self.stores.windows, self.references(), size).revise("bikes", 1, version, now)


@pytest.fixture
def project():
    return Project()


def test_only_full_windows_are_judged_and_the_rest_is_said_to_wait(project):
    project.answered(0)
    project.answered(1, count=120, shift=3.0)
    report = project.revise(Amount(rows=500))
    assert [window.number for window in report.windows] == [0]
    assert report.drifting == ()
    assert report.waiting == 120
    project.answered(1, count=500, shift=3.0)
    assert [column.name for column in project.revise(Amount(rows=500)).drifting] == ["temp"]


def test_a_stretch_of_time_is_full_once_it_has_passed(project):
    project.answered(0)
    project.answered(1, shift=3.0)
    assert project.revise(Amount(duration_us=HOUR), now=2 * HOUR - 1).drifting == ()
    report = project.revise(Amount(duration_us=HOUR), now=2 * HOUR)
    assert [column.name for column in report.drifting] == ["temp"]
    assert report.recorded_at == 2 * HOUR


def test_what_was_judged_stays_until_something_is_new(project):
    project.answered(0)
    first = project.revise(Amount(rows=500), now=5)
    assert project.revise(Amount(rows=500), now=6) == first
    project.answered(1)
    assert project.revise(Amount(rows=500), now=7).recorded_at == 7


def test_a_reference_is_made_once_and_opened_from_then_on(project):
    project.answered(0)
    project.revise(Amount(rows=500))
    assert project.made == [1]
    assert project.references().of(1) == project.references().of(1)
    assert project.made == [1]


def test_a_version_whose_rows_are_gone_has_no_drift_and_breaks_nothing(project):
    project.answered(0)
    assert project.revise(Amount(rows=500), version=9) is None
    assert project.stores.windows.drift("bikes", 1) is None
    references = project.references()
    assert (references.of(9), references.of(9)) == (None, None)
    assert project.made.count(9) == 2


def test_shapes_beside_another_version_are_not_judged(project):
    project.answered(0, shift=3.0)
    report = project.revise(Amount(rows=500), version=2)
    assert report.windows == ()
    assert report.basis() is None


def test_what_a_decision_heard_can_be_found_again_from_the_stored_shapes(project):
    for number in range(4):
        project.answered(number, shift=0.5 * (number >= 2))
    report = project.revise(Amount(rows=500))
    heard, basis = report.evidence(), report.basis()
    assert [column.name for column in heard] == ["temp"]
    project.answered(4, shift=-2.0)
    stores = project.stores
    assert drift_again(stores.windows, stores.objects, "bikes", basis, 4 * HOUR) == heard
    assert drift_again(stores.windows, stores.objects, "bikes", basis, 2 * HOUR) == ()


def test_a_watch_that_starts_anew_forgets_shapes_with_their_windows(project):
    project.answered(0)
    project.stores.windows.commit("bikes", project.stores.windows.covered("bikes"), "other", {}, [])
    assert project.stores.windows.shapes("bikes", 1, "champion") == ()
    assert project.stores.windows.covered("bikes") == Covered(revision=2, basis="other", lines={})
