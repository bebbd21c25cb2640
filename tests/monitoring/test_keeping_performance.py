"""What is kept of a champion's performance: computed when there is something new, and only then."""

import pytest
from watched_rows import SECOND, START, label, prediction

from volant.adapters.memory.database import MemoryDatabase
from volant.adapters.memory.evidence import MemoryLabels, MemorySegments
from volant.adapters.memory.windows import MemoryWindows
from volant.adapters.objects.local import LocalObjects
from volant.adapters.objects.memory import MemoryObjects
from volant.config.model import Amount, Task
from volant.evidence.frames import frame
from volant.evidence.log import encode
from volant.evidence.predictions import Predictions
from volant.evidence.sealing import Sealer
from volant.monitoring.live import Performance, Serving, is_settled, recomputed
from volant.monitoring.performance import Question
from volant.monitoring.watching import Watch
from volant.testing.clock import CountingIds, FakeClock

DELAY = 3600 * SECOND
NOW = START + 300 * SECOND


class Counted(Predictions):
    """Counts how often the log is read as a table, and from when."""

    reads: list

    def table(self, model, *, since=None, until=None, upto=None):
        self.reads.append(since)
        return super().table(model, since=since, until=until, upto=upto)


class Kept:
    def __init__(self, folder):
        database = MemoryDatabase(FakeClock(), CountingIds())
        self.folder = folder / "log" / "w"
        self.folder.mkdir(parents=True)
        self.labels, self.store = MemoryLabels(database), MemoryWindows(database)
        self.objects, self.segments = LocalObjects(folder / "objects"), MemorySegments(database)
        self.predictions = Counted(folder / "log", self.objects, self.segments)
        self.predictions.reads = []
        self.performance = Performance(self.predictions, self.labels, self.store, MemoryObjects())

    def log(self, *predictions):
        with (self.folder / "00000000000000000001.log").open("ab") as file:
            file.write(b"".join(frame(encode(p)) for p in predictions))
        Watch(self.predictions, self.store, size=Amount(rows=50)).advance("bikes")

    def revise(self, now=NOW, *, epoch=1, ended=False):
        asked = {"metric": "mae", "task": Task.REGRESSION, "size": Amount(rows=50), "known_by": now, "label_delay_us": DELAY}
        question = Question(**asked, ended=ended)
        return self.performance.revise(Serving(model="bikes", epoch=epoch, version=epoch, report=None), question, now)


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path)


def labels(numbers, value=0.0):
    return [label(n, value, known_at=START + n * SECOND) for n in numbers]


def test_what_is_kept_is_what_was_computed(kept):
    kept.log(*(prediction(n) for n in range(120)))
    kept.labels.add("bikes", labels(range(100)))
    report = kept.revise()
    assert [w.labelled for w in report.windows] == [50, 50, 0]
    assert kept.store.live("bikes", 1) == report


def test_nothing_is_read_again_while_nothing_is_new(kept):
    kept.log(*(prediction(n) for n in range(110)))
    kept.labels.add("bikes", labels(range(100)))
    first = kept.revise()
    assert kept.revise(NOW + SECOND) == first
    assert len(kept.predictions.reads) == 1
    kept.labels.add("bikes", [label(3, 99.0, known_at=START)])
    assert kept.revise(NOW + SECOND).windows[0].loss > first.windows[0].loss
    kept.log(prediction(200))
    assert kept.revise(NOW + SECOND).windows[-1].rows == 11
    assert len(kept.predictions.reads) == 3


def test_a_report_can_be_computed_again_whatever_came_since(kept, tmp_path):
    """From the raw log and labels, also after the log was sealed."""
    kept.log(*(prediction(n) for n in range(110)))
    kept.labels.add("bikes", labels(range(100)))
    before = kept.revise()
    kept.log(*(prediction(n) for n in range(110, 170)))
    kept.labels.add("bikes", [label(3, 99.0, known_at=START), *labels(range(100, 160))])
    after = kept.revise(NOW + SECOND)
    assert [w.labelled for w in after.windows] == [50, 50, 50, 10]
    assert after.windows[0] != before.windows[0]
    assert recomputed(kept.predictions, kept.labels, before.basis()).windows == before.windows
    sealed = Sealer(tmp_path / "log", kept.objects, kept.segments, FakeClock()).seal(keep_us=0)
    assert len(sealed.sealed) == 1
    assert recomputed(kept.predictions, kept.labels, before.basis()).windows == before.windows
    assert recomputed(kept.predictions, kept.labels, after.basis()).windows == after.windows


def test_labels_recorded_before_they_are_known_count_from_that_instant(kept):
    kept.log(*(prediction(n) for n in range(60)))
    kept.labels.add("bikes", [label(n, 0.0, known_at=NOW + SECOND) for n in range(50)])
    kept.labels.add("bikes", [label(n, 0.0, known_at=START) for n in range(50, 60)])
    assert [w.labelled for w in kept.revise().windows] == [0, 10]
    assert [w.labelled for w in kept.revise(NOW + SECOND).windows] == [50, 10]


def test_a_window_that_waits_for_its_labels_is_looked_at_until_their_time_is_over(kept):
    kept.log(*(prediction(n) for n in range(60)))
    assert "due by" in kept.revise().windows[0].waits
    assert kept.revise(NOW + 2 * DELAY).windows[0].waits == "no labels came in time"


def test_an_epoch_is_read_from_its_own_start(kept):
    kept.log(*(prediction(n) for n in range(60)), *(prediction(n, epoch=2) for n in range(60, 90)))
    assert kept.revise(epoch=2).windows[0].rows == 30
    assert kept.predictions.reads == [START + 60 * SECOND]


def test_the_last_window_of_a_former_champion_waits_for_labels_not_for_rows(kept):
    kept.log(*(prediction(n) for n in range(60)), prediction(60, epoch=2))
    assert kept.revise().windows[1].waits == "is still filling"
    after = kept.revise(ended=True)
    assert "due by" in after.windows[1].waits
    assert not is_settled(after)
    kept.labels.add("bikes", labels(range(60)))
    assert is_settled(kept.revise(ended=True))


def test_other_settings_are_another_question(kept):
    kept.log(*(prediction(n) for n in range(50)))
    kept.labels.add("bikes", labels(range(50)))
    kept.revise()
    asked = {"metric": "mae", "task": Task.REGRESSION, "size": Amount(rows=50), "known_by": NOW, "label_delay_us": DELAY}
    question = Question(**asked, slices=("city",))
    found = kept.performance.revise(Serving(model="bikes", epoch=1, version=1, report=None), question, NOW)
    assert [(part.column, part.of, part.rows) for part in found.slices] == [("city", "Lyon", 50)]
