"""Labels and segments, the same over every adapter."""

import math
import threading

import msgspec
import pytest
from stored_values import AT

from volant.evidence.model import Label, LabelCounts, Segment
from volant.kernel.errors import InvalidInputError


def label(subject: str, value=1, *, known_at: int = AT, recorded_at: int = AT, keyed: bool = False) -> Label:
    named = {"key": subject} if keyed else {"prediction_id": subject}
    return Label(**named, value=value, known_at=known_at, recorded_at=recorded_at, source="api")


def counts(new: int = 0, corrected: int = 0, repeated: int = 0) -> LabelCounts:
    return LabelCounts(new=new, corrected=corrected, repeated=repeated)


def test_labels_come_back_as_added(stores):
    given = (label("p.0", 1.5), label("p.1", "größer ☂"), label("p.2", value=True), label("p.3", None), label('["s1"]', -7, keyed=True))
    assert stores.labels.add("bikes", given) == counts(new=5)
    assert stores.labels.current("bikes", AT) == given
    assert [type(found.value) for found in stores.labels.current("bikes", AT)] == [float, str, bool, type(None), int]
    assert stores.labels.count("bikes", AT) == 5
    assert stores.labels.current("other", AT) == ()


def test_an_equal_label_again_adds_no_row_and_another_value_corrects(stores):
    stores.labels.add("bikes", [label("p.0", 1)])
    assert stores.labels.add("bikes", [label("p.0", 1, recorded_at=AT + 1)]) == counts(repeated=1)
    assert stores.labels.add("bikes", [label("p.0", 2, recorded_at=AT + 2)]) == counts(corrected=1)
    assert stores.labels.add("bikes", [label("p.0", 1, recorded_at=AT + 3)]) == counts(corrected=1)
    assert [found.value for found in stores.labels.history("bikes", "p.0")] == [1, 2, 1]
    assert [found.recorded_at for found in stores.labels.history("bikes", "p.0")] == [AT, AT + 2, AT + 3]
    assert stores.labels.count("bikes", AT) == 1


def test_repeats_and_corrections_within_one_batch_count_as_if_sent_one_by_one(stores):
    batch = [label("p.0", 1), label("p.0", 1), label("p.0", 2), label("p.1", 1), label("p.0", 2), label("p.0", 1)]
    assert stores.labels.add("bikes", batch) == counts(new=2, corrected=2, repeated=2)
    assert {found.prediction_id: found.value for found in stores.labels.current("bikes", AT)} == {"p.0": 1, "p.1": 1}


@pytest.mark.parametrize(("before", "after"), [(1, 1.0), (1, True), (0, False), ("1", 1), (0.0, -0.0), (None, "null"), (0, None)])
def test_values_of_another_type_are_corrections(stores, before, after):
    stores.labels.add("bikes", [label("p.0", before)])
    assert stores.labels.add("bikes", [label("p.0", after)]) == counts(corrected=1)
    (found,) = stores.labels.current("bikes", AT)
    assert type(found.value) is type(after)
    assert repr(found.value) == repr(after)


def test_a_late_label_counts_from_when_it_is_known(stores):
    stores.labels.add("bikes", [label("p.0", 1, known_at=AT + 10), label("p.1", 2, known_at=AT)])
    assert [found.prediction_id for found in stores.labels.current("bikes", AT)] == ["p.1"]
    assert stores.labels.current("bikes", AT - 1) == ()
    assert stores.labels.count("bikes", AT + 9) == 1
    assert stores.labels.count("bikes", AT + 10) == 2


def test_the_last_recorded_of_the_labels_known_by_then_wins(stores):
    """A correction that arrives first but is known later must not hide what was known before it."""
    stores.labels.add("bikes", [label("p.0", 1, known_at=AT + 5)])
    stores.labels.add("bikes", [label("p.0", 2, known_at=AT + 20)])
    stores.labels.add("bikes", [label("p.0", 3, known_at=AT + 10)])
    winners = {known_by: [found.value for found in stores.labels.current("bikes", AT + known_by)] for known_by in (4, 5, 9, 10, 20, 99)}
    assert winners == {4: [], 5: [1], 9: [1], 10: [3], 20: [3], 99: [3]}


def test_current_labels_are_in_the_order_of_recording_whatever_their_times(stores):
    stores.labels.add("bikes", [label("p.2", recorded_at=AT + 9), label("p.0"), label("p.1", known_at=AT - 9, recorded_at=AT - 9)])
    stores.labels.add("bikes", [label("p.2", 5, recorded_at=AT - 99)])
    assert [found.prediction_id for found in stores.labels.current("bikes", AT)] == ["p.0", "p.1", "p.2"]


def test_labels_recorded_after_an_instant_are_counted(stores):
    stores.labels.add("bikes", [label("p.0"), label("p.1", recorded_at=AT + 5)])
    stores.labels.add("bikes", [label("p.0", 2, recorded_at=AT + 9)])
    assert stores.labels.count("bikes", AT, recorded_after=AT - 1) == 2
    assert stores.labels.count("bikes", AT, recorded_after=AT) == 2
    assert stores.labels.count("bikes", AT, recorded_after=AT + 5) == 1
    assert stores.labels.count("bikes", AT, recorded_after=AT + 9) == 0


def test_the_labels_of_an_earlier_revision_can_be_asked_for(stores):
    stores.labels.add("bikes", [label("p.0", 1), label("p.1", 1, known_at=AT + 7, recorded_at=AT + 1)])
    before = stores.labels.revision("bikes")
    stores.labels.add("bikes", [label("p.0", 2, recorded_at=AT + 2), label("p.2", 3, recorded_at=AT + 3)])
    assert [found.value for found in stores.labels.current("bikes", AT + 9, revision=before)] == [1, 1]
    assert stores.labels.count("bikes", AT + 9, revision=before) == 2
    assert stores.labels.count("bikes", AT + 9, recorded_after=AT, revision=before) == 1
    assert stores.labels.count("bikes", AT + 9, recorded_after=AT) == 3
    assert stores.labels.revision("bikes", recorded_by=AT + 1) == before
    assert stores.labels.revision("bikes", recorded_by=AT - 1) == 0
    assert stores.labels.revision("bikes", recorded_by=AT + 3) == stores.labels.revision("bikes")


def test_the_labels_of_a_few_subjects_are_those_among_all(stores):
    given = [
        label("p.0", 1),
        label("k", 2, keyed=True),
        label("p.1", 3, known_at=AT + 5),
        label("k", 4),
        label("p.0", 5, recorded_at=AT + 1),
    ]
    stores.labels.add("bikes", given)
    found = stores.labels.current_of("bikes", ["p.0", "p.1", "absent", "p.0"], ["k", "p.0"], AT)
    assert [(one.prediction_id, one.key, one.value) for one in found] == [(None, "k", 2), ("p.0", None, 5)]
    assert [one.value for one in stores.labels.current_of("bikes", ["p.0", "p.1"], [], AT + 5, revision=3)] == [1, 3]
    assert stores.labels.current_of("bikes", ["p.0", "p.1", "k"], ["k"], AT + 5) == stores.labels.current("bikes", AT + 5)
    assert stores.labels.current_of("trams", ["p.0"], ["k"], AT) == ()


def test_what_is_known_is_named_by_the_revision_and_the_latest_time_at_which_something_became_known(stores):
    assert stores.labels.known_until("bikes", AT) is None
    stores.labels.add("bikes", [label("p.0", 1, known_at=AT + 4), label("p.1", 1, known_at=AT + 7)])
    before = stores.labels.revision("bikes")
    assert [stores.labels.known_until("bikes", AT + at) for at in (3, 4, 6, 7, 99)] == [None, AT + 4, AT + 4, AT + 7, AT + 7]
    stores.labels.add("bikes", [label("p.2", 1, known_at=AT + 5)])
    assert stores.labels.known_until("bikes", AT + 6) == AT + 5
    assert stores.labels.known_until("bikes", AT + 6, revision=before) == AT + 4
    assert stores.labels.known_until("trams", AT + 9) is None


def test_a_key_and_a_prediction_of_the_same_text_are_two_subjects(stores):
    assert stores.labels.add("bikes", [label("x.0", 1), label("x.0", 2, keyed=True)]) == counts(new=2)
    assert stores.labels.count("bikes", AT) == 2
    assert [found.value for found in stores.labels.history("bikes", "x.0")] == [1, 2]
    assert stores.labels.add("bikes", [label("x.0", 2, keyed=True), label("x.0", 1)]) == counts(repeated=2)


def test_models_do_not_share_labels(stores):
    stores.labels.add("bikes", [label("x.0", 1)])
    assert stores.labels.add("trams", [label("x.0", 1)]) == counts(new=1)
    assert len(stores.labels.history("bikes", "x.0")) == 1


def test_no_labels_are_no_change(stores):
    assert stores.labels.add("bikes", []) == counts()
    assert stores.labels.count("bikes", AT) == 0
    assert stores.labels.history("bikes", "x") == ()


def test_twenty_five_thousand_labels_in_one_call_are_counted_exactly(stores):
    """More than one chunk, with repeats and corrections of a chunk before."""
    many = [label(f"{number:08x}.0", number) for number in range(25_000)]
    assert stores.labels.add("bikes", many) == counts(new=25_000)
    again = [*many[:12_000], *(msgspec.structs.replace(given, value=-1) for given in many[12_000:]), label("00000000.0", -1)]
    assert stores.labels.add("bikes", again) == counts(repeated=12_000, corrected=13_001)
    assert stores.labels.count("bikes", AT) == 25_000
    assert sum(found.value == -1 for found in stores.labels.current("bikes", AT)) == 13_001


SUBJECTS = [
    "Zürich ☂ 東京",
    "🚲" * 50,
    "nul\u0000a",
    "nul\u0000b",
    "nul",
    "'; DROP TABLE label;--",
    '["s1","2011-01-01T00:00:00Z"]',
    "",
    "a" * 10_000,
]


def test_hostile_subjects_are_kept_apart(stores):
    given = [label(subject, number, keyed=True) for number, subject in enumerate(SUBJECTS)]
    assert stores.labels.add("bikes", given) == counts(new=len(SUBJECTS))
    assert stores.labels.add("bikes", given) == counts(repeated=len(SUBJECTS))
    assert stores.labels.current("bikes", AT) == tuple(given)
    for found in given:
        assert stores.labels.history("bikes", found.key) == (found,)


@pytest.mark.parametrize(
    "bad",
    [
        label("lone \ud800", keyed=True),
        label("\udfff.0"),
        label("p.1", "lone \ud800"),
        label("p.1", math.nan),
        label("p.1", math.inf),
        label("p.1", 2**64),
        label("p.1", -(2**63) - 1),
    ],
)
def test_a_label_that_cannot_be_stored_is_refused_and_none_of_its_batch_stays(stores, bad):
    with pytest.raises(InvalidInputError):
        stores.labels.add("bikes", [label("p.0"), bad])
    assert stores.labels.current("bikes", AT) == ()


def test_threads_that_add_at_once_lose_nothing(stores):
    def add(worker: int) -> None:
        for number in range(20):
            stores.labels.add("bikes", [label(f"{worker}-{number}.0"), label("shared.0", worker)])

    threads = [threading.Thread(target=add, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert stores.labels.count("bikes", AT) == 81


def segment(name: str, first_at: int = AT) -> Segment:
    return Segment(id=name, model="bikes", worker="w1", digest="d" * 64, rows=5, first_at=first_at, last_at=first_at + 9, sealed_at=AT + 99)


def test_segments_are_listed_by_first_row_then_id(stores):
    for name, first_at in (("b", AT + 5), ("c", AT), ("a", AT + 5)):
        assert stores.segments.add(segment(name, first_at)) is True
    assert stores.segments.segments("bikes") == (segment("c"), segment("a", AT + 5), segment("b", AT + 5))
    assert stores.segments.segments("other") == ()


def test_a_segment_sealed_again_after_a_crash_is_not_added_again(stores):
    first = segment("a")
    assert stores.segments.add(first) is True
    assert stores.segments.add(first) is False
    assert stores.segments.add(msgspec.structs.replace(first, rows=6)) is False
    assert stores.segments.segments("bikes") == (first,)


def test_the_revision_grows_with_every_new_or_corrected_label_and_with_nothing_else(stores):
    assert stores.labels.revision("bikes") == 0
    stores.labels.add("bikes", [label("p.0", 1)])
    first = stores.labels.revision("bikes")
    stores.labels.add("trams", [label("p.0", 1)])
    stores.labels.add("bikes", [label("p.0", 1)])
    assert stores.labels.revision("bikes") == first
    stores.labels.add("bikes", [label("p.0", 2)])
    second = stores.labels.revision("bikes")
    stores.labels.add("bikes", [label("p.1", 2)])
    assert 0 < first < second < stores.labels.revision("bikes")
