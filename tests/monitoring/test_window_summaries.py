"""Summaries of windows: what they count, that they merge, and that folding bit by bit gives what one pass gives."""

import itertools
import math
import random
import statistics

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from watched_rows import SECOND, START, prediction, table

from volant.adapters.memory.database import MemoryDatabase
from volant.adapters.memory.evidence import MemorySegments
from volant.adapters.memory.windows import MemoryWindows
from volant.adapters.objects.local import LocalObjects
from volant.config.model import Amount
from volant.data.contract import Check, Contract, ContractColumn, Rule
from volant.data.model import Dtype
from volant.evidence.batch import Answers, Batch, log_batch
from volant.evidence.frames import frame
from volant.evidence.log import encode
from volant.evidence.model import Outcome
from volant.evidence.predictions import Predictions
from volant.evidence.sealing import Sealer
from volant.monitoring.folding import summarised
from volant.monitoring.summary import MOST_VALUES, OTHERS, ColumnSummary, Latencies, WindowSummary, limited, total
from volant.monitoring.watching import Watch
from volant.monitoring.windows import WINDOW, cut
from volant.testing.clock import CountingIds, FakeClock

CONTRACT = Contract(
    id="c",
    name="bikes",
    columns=(
        ContractColumn(name="x", dtype=Dtype.FLOAT, required=True, unique=True),
        ContractColumn(name="city", dtype=Dtype.STRING),
        ContractColumn(name="cnt", dtype=Dtype.INT, required=True),
    ),
    rules=(Rule(check=Check.RANGE, columns=("x",), minimum=0, maximum=10), Rule(check=Check.VALUES, columns=("city",), values=("Lyon",))),
)


def one(predictions, contract=None):
    (found,) = summarised(cut(table(predictions), Amount(rows=10_000)), contract)
    return found


def test_a_window_counts_rows_requests_errors_and_answers_that_cannot_be_used():
    window = one(
        [
            prediction(1, values=[1.0, None, 2.0], columns={"x": [1.0, 2.0, None]}),
            prediction(2, values=[], columns={"x": [4.0]}, outcome=Outcome.ERROR, error="ValueError"),
            prediction(3, values=[5.0], columns={"x": [math.inf]}, latency_us=9000, version=2),
        ]
    )
    assert (window.rows, window.requests, window.errors, window.invalid) == (5, 3, 1, 1)
    assert (window.versions, window.sources) == ({"1": 4, "2": 1}, {"http": 5})
    assert window.latencies.requests == 3
    column = window.columns["x"]
    assert (column.rows, column.missing, column.numbers, column.minimum, column.maximum) == (5, 1, 3, 1.0, 4.0)
    assert column.mean == pytest.approx(7 / 3)
    assert column.sd == pytest.approx(statistics.stdev([1.0, 2.0, 4.0]))


def test_live_rows_are_held_to_the_contract_but_for_what_requests_do_not_carry():
    window = one(
        [
            prediction(1, values=[1.0] * 4, columns={"x": [1.0, 11.0, None, 2.0], "city": ["Lyon", "Paris", None, "Lyon"]}),
        ],
        CONTRACT,
    )
    assert window.checked == 4
    assert window.breaks == {"x: range": 1, "x: required": 1, "city: values": 1}


def test_without_a_contract_nothing_is_claimed_to_be_checked():
    window = one([prediction(1)])
    assert (window.checked, window.breaks) == (0, {})


def test_latency_quantiles_are_known_to_a_fifth():
    counts = one([prediction(n, latency_us=us) for n, us in enumerate(range(100, 1100))]).latencies
    assert counts.quantile(0.5) == pytest.approx(600, rel=0.2)
    assert counts.quantile(0.99) == pytest.approx(1090, rel=0.2)
    assert Latencies().quantile(0.5) is None
    assert one([prediction(1, latency_us=0)]).latencies.quantile(1.0) == 2


def test_values_beyond_the_most_frequent_are_counted_together():
    found = limited({f"v{n:03}": 1 + (n == 7) for n in range(80)})
    assert len(found) == MOST_VALUES + 1
    assert found["v007"] == 2
    assert found[OTHERS] == 30
    assert sum(limited({**found, "new": 1}).values()) == 82


numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)


@settings(max_examples=50, deadline=None)
@given(numbers, numbers)
def test_two_summaries_merge_into_that_of_both(left, right):
    def summary(values):
        return one([prediction(1, values=[1.0] * len(values), columns={"x": values})]).columns["x"]

    merged, whole = summary(left).merged(summary(right)), summary(left + right)
    assert (merged.rows, merged.numbers, merged.minimum, merged.maximum) == (whole.rows, whole.numbers, whole.minimum, whole.maximum)
    assert merged.mean == pytest.approx(whole.mean, rel=1e-9, abs=1e-6)
    assert merged.squares == pytest.approx(whole.squares, rel=1e-9, abs=1e-3)


def test_a_summary_survives_being_stored_whatever_was_predicted():
    lines = cut(table([prediction(1, values=[1e308, -1e308, math.nan], columns={"x": [1e308, 5e-324, -1e308]})]), Amount(rows=9))
    (window,) = summarised(lines.with_columns(pl.col("prediction").cast(pl.Float64)), None)
    assert msgspec.json.decode(msgspec.json.encode(window), type=WindowSummary) == window
    assert window.invalid == 3


def test_merging_nothing_changes_nothing():
    column = one([prediction(n, columns={"x": [float(n)]}) for n in range(5)]).columns["x"]
    assert column.merged(ColumnSummary()) == column
    assert ColumnSummary().merged(column) == column
    assert total([]) is None


class Site:
    """A log folder, sealed segments and a watch over them."""

    def __init__(self, folder, *, rows=50):
        self.clock = FakeClock(START)
        database = MemoryDatabase(self.clock, CountingIds())
        self.folder, self.objects, self.segments = folder / "log", LocalObjects(folder / "objects"), MemorySegments(database)
        self.store = MemoryWindows(database)
        self.predictions = Predictions(self.folder, self.objects, self.segments)
        self.size = Amount(rows=rows)
        self.files = 1  # a sealed file's name is not used again

    def write(self, worker, predictions):
        path = self.folder / worker / f"{self.files:020d}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(b"".join(frame(encode(p)) for p in predictions))

    def seal(self):
        self.files += 1
        Sealer(self.folder, self.objects, self.segments, self.clock).seal(0)

    def watch(self, **changes):
        return Watch(self.predictions, self.store, **{"size": self.size} | changes)

    def windows(self, epoch=1, arm="champion"):
        return self.store.latest("bikes", epoch, arm)


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_the_log_is_folded_once_however_often_and_whenever_it_is_looked_at(tmp_path):
    predictions = [prediction(n, columns={"x": [float(n % 13)], "city": ["Lyon" if n % 3 else "Nice"]}) for n in range(333)]
    whole = Site(tmp_path / "whole")
    whole.write("w1", predictions)
    assert whole.watch().advance("bikes") == 333
    assert whole.watch().advance("bikes") == 0
    pieces, random_ = Site(tmp_path / "pieces"), random.Random(5)
    rest = predictions
    while rest:
        count = random_.randint(1, 40)
        pieces.write(f"w{random_.randint(1, 3)}", rest[:count])
        rest = rest[count:]
        if random_.random() < 0.3:
            pieces.seal()
        if random_.random() < 0.6:
            pieces.watch().advance("bikes")
    pieces.watch().advance("bikes")
    assert [w.rows for w in whole.windows()] == [50] * 6 + [33]
    for left, right in zip(whole.windows(), pieces.windows(), strict=True):
        assert (left.from_us, left.to_us, left.rows, left.latencies) == (right.from_us, right.to_us, right.rows, right.latencies)
        assert left.columns["city"] == right.columns["city"]
        assert left.columns["x"].mean == pytest.approx(right.columns["x"].mean)


def test_sealing_between_two_looks_counts_nothing_twice(site):
    site.write("w1", [prediction(n) for n in range(30)])
    assert site.watch().advance("bikes") == 30
    site.write("w1", [prediction(n) for n in range(30, 45)])
    site.seal()
    assert site.watch().advance("bikes") == 15
    assert [w.rows for w in site.windows()] == [45]


def test_a_request_that_was_sent_again_is_counted_once_before_and_after_sealing(site):
    named = [prediction(n, request_id=f"r{n // 2}", fingerprint="f") for n in range(10)]
    site.write("w1", named)
    assert site.watch().advance("bikes") == 5
    site.seal()
    assert site.watch().advance("bikes") == 0
    assert total(site.windows()).rows == 5


def test_batches_count_too_with_their_own_arm(site):
    rows = pl.DataFrame({"x": [float(n) for n in range(120)], "city": ["Lyon"] * 120})
    batch = Batch(content="c", model="bikes", version=1, epoch=1, at=START, latency_us=10)
    log_batch(site.objects, site.segments, batch, rows, Answers(values=pl.Series("prediction", [1.0] * 120)))
    site.watch().advance("bikes")
    assert [(w.rows, w.requests, w.sources, w.latencies.requests) for w in site.windows()] == [
        (50, 1, {"batch": 50}, 0),
        (50, 0, {"batch": 50}, 0),
        (20, 0, {"batch": 20}, 0),
    ]


def test_lines_that_come_late_join_the_window_that_was_open_then(site):
    site.write("w1", [prediction(n) for n in range(120)])
    site.watch().advance("bikes")
    site.write("w2", [prediction(500, at=START + 10 * SECOND), prediction(501, at=START - SECOND), prediction(502, at=START + 60 * SECOND)])
    site.watch().advance("bikes")
    assert [w.rows for w in site.windows()] == [52, 51, 20]
    assert site.windows()[0].from_us == START - SECOND


def test_another_window_size_or_contract_makes_all_windows_anew(site):
    site.write("w1", [prediction(n) for n in range(100)])
    site.watch().advance("bikes")
    assert site.watch(size=Amount(rows=20)).advance("bikes") == 100
    assert [w.rows for w in site.windows()] == [20] * 5
    site.watch(size=Amount(duration_us=60 * SECOND), contract=CONTRACT).advance("bikes")
    assert sum(w.rows for w in site.windows()) == 100
    assert total(site.windows()).breaks == {"x: range": 89}


def test_arms_and_epochs_have_windows_of_their_own(site):
    site.write("w1", [prediction(n, arm="canary" if n % 10 == 0 else "champion", epoch=1 + n // 50) for n in range(100)])
    site.watch().advance("bikes")
    assert site.store.arms("bikes") == ((1, "canary"), (1, "champion"), (2, "canary"), (2, "champion"))
    assert [w.rows for w in site.windows(2, "canary")] == [5]


def test_who_is_overtaken_looks_again(site):
    site.write("w1", [prediction(n) for n in range(20)])

    class Overtaken(MemoryWindows):
        def covered(self, model):
            found = super().covered(model)
            if not site.store.covered("bikes").revision:
                site.watch().advance(model)
            return found

    late = Watch(site.predictions, Overtaken(site.store._db), size=site.size)
    assert late.advance("bikes") == 0
    assert [w.rows for w in site.windows()] == [20]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.booleans()), min_size=1, max_size=150), st.integers(1, 30))
def test_nothing_is_lost_or_doubled_in_any_order_of_arrival(arrivals, rows):
    store = MemoryWindows(MemoryDatabase(FakeClock(), CountingIds()))
    predictions = [prediction(n, at=START + at * SECOND) for n, (at, _) in enumerate(arrivals)]
    parts, last = [], 0
    for number, (_, looks) in enumerate(arrivals, start=1):
        if looks or number == len(arrivals):
            parts.append((f"part{number}", table(predictions[last:number])))
            last = number

    class Parts:
        def after(self, _model, position):
            return [(name, lines) for name, lines in parts[: self.shown] if name not in position]

    log = Parts()
    for shown in range(1, len(parts) + 1):
        log.shown = shown
        Watch(log, store, size=Amount(rows=rows)).advance("bikes")
    windows = store.latest("bikes", 1, "champion", 1000)
    assert sum(w.rows for w in windows) == len(arrivals)
    assert total(windows).columns["x"].mean == pytest.approx(statistics.fmean(range(len(arrivals))))
    assert [w.number for w in windows] == list(range(len(windows)))
    assert all(w.rows >= rows for w in windows[:-1])
    assert all(left.from_us <= right.from_us for left, right in itertools.pairwise(windows))
    assert WINDOW not in windows[0].columns


def test_a_full_window_takes_no_more_rows(site):
    for start in (0, 50, 100):
        site.write("w1", [prediction(n) for n in range(start, start + 50)])
        site.watch().advance("bikes")
    assert [(w.number, w.rows) for w in site.windows()] == [(0, 50), (1, 50), (2, 50)]


def test_a_look_that_finds_nothing_leaves_no_trace(site):
    site.write("w1", [prediction(n) for n in range(60)])
    site.seal()
    site.watch().advance("bikes")
    before = site.store.covered("bikes")
    site.watch().advance("bikes")
    assert site.store.covered("bikes") == before
