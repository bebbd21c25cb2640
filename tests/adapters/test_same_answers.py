"""Whatever is done, both adapters give the same answers: random work on both, compared after every change."""

import itertools
import tempfile
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stored_values import AT, run

from volant.evidence.model import Label
from volant.kernel.errors import VolantError
from volant.testing.clock import CountingIds, FakeClock
from volant.tracking.model import Metric, RunStatus
from volant.wiring.stores import memory_stores, sqlite_stores

QUIET = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

texts = st.text(max_size=4) | st.sampled_from(["a", "b", "nul\x00", "nul\x00x", "\ud800"])
instants = st.integers(min_value=AT - 3, max_value=AT + 3)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
labels = st.builds(
    lambda keyed, subject, **rest: Label(**{"key" if keyed else "prediction_id": subject}, **rest),
    keyed=st.booleans(),
    subject=texts,
    value=scalars | st.sampled_from([0, 1, 0.0, -0.0]),
    known_at=instants,
    recorded_at=instants,
    source=texts,
)
values = st.floats() | st.sampled_from([0.0, 1.0])
metrics = st.builds(Metric, key=st.sampled_from("ab"), value=values, timestamp_us=instants, step=st.integers(-1, 2))
numbers = st.integers(min_value=1, max_value=5)
pairs = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz"), max_size=3)
run_changes = st.one_of(
    st.tuples(st.just("create"), numbers, st.sampled_from("ef")),
    st.tuples(st.just("update"), numbers, st.sampled_from("ef")),
    st.tuples(st.just("metrics"), numbers, st.lists(metrics, max_size=4)),
    st.tuples(st.just("params"), numbers, pairs),
    st.tuples(st.just("tags"), numbers, pairs),
)


def both(folder: str):
    clock = FakeClock()
    return memory_stores(clock, CountingIds()), sqlite_stores(Path(folder), clock, CountingIds())


def outcome(act) -> str:
    """What came of it; NaN has no equal, its text has."""
    try:
        return repr(act())
    except VolantError as error:
        return f"{error.code}: {error}"


@QUIET
@given(batches=st.lists(st.lists(labels, max_size=8), max_size=5))
def test_labels_in_any_order(batches):
    with tempfile.TemporaryDirectory() as folder:
        stores = both(folder)
        for batch in batches:
            assert len({outcome(lambda s=s: s.labels.add("bikes", batch)) for s in stores}) == 1  # noqa: B023
            for known_by in range(AT - 4, AT + 4):
                assert len({outcome(lambda s=s: s.labels.current("bikes", known_by)) for s in stores}) == 1  # noqa: B023
                assert len({outcome(lambda s=s: s.labels.count("bikes", known_by, AT)) for s in stores}) == 1  # noqa: B023
        stores[1].tx.close()


def change(stores, what: str, number: int, value):
    name = run(number).id
    if what == "create":
        return stores.runs.create(run(number, experiment=value))
    if what == "update":
        stored = stores.runs.get(name).run
        return stores.runs.update(msgspec.structs.replace(stored, revision=stored.revision + 1, experiment=value, status=RunStatus.FAILED))
    return {"metrics": stores.runs.log_metrics, "params": stores.runs.log_params, "tags": stores.runs.set_tags}[what](name, value)


@QUIET
@given(changes=st.lists(run_changes, max_size=15))
def test_runs_in_any_order(changes):
    with tempfile.TemporaryDirectory() as folder:
        stores = both(folder)
        for one in changes:
            assert len({outcome(lambda s=s: change(s, *one)) for s in stores}) == 1  # noqa: B023
        for experiment, key, descending, offset in itertools.product((None, "e"), (None, "a"), (True, False), (0, 1, 3)):
            options = {"order_by_metric": key, "descending": descending, "offset": offset, "limit": 3}
            assert len({outcome(lambda s=s: s.runs.search(experiment, **options)) for s in stores}) == 1  # noqa: B023
        for number in range(1, 6):
            assert len({outcome(lambda s=s: s.runs.history(run(number).id, "a")) for s in stores}) == 1  # noqa: B023
        stores[1].tx.close()
