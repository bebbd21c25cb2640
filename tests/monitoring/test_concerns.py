"""What the windows tell people by themselves, and that little traffic does not cry wolf."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.monitoring.alert_model import Severity
from volant.monitoring.concerns import CAUSES, concerns, surely_over, unseen
from volant.monitoring.model import NEVER_LABELLED, LiveReport, WindowPerformance
from volant.monitoring.summary import WindowSummary


def summary(number=0, rows=500, **changes):
    return WindowSummary(model="bikes", epoch=1, arm="champion", number=number, from_us=number, to_us=number, rows=rows, **changes)


def live(*waits, labels=7):
    def window(number, waits):
        return WindowPerformance(number=number, from_us=number, to_us=number, rows=50, labelled=0 if waits else 50, waits=waits)

    windows = tuple(window(number, said) for number, said in enumerate(waits))
    fields = {"model": "bikes", "epoch": 1, "version": 1, "metric": "mae", "lower_is_better": True, "recorded_at": 0}
    return LiveReport(**fields, labels=labels, lines=0, reference=None, windows=windows)


def causes(summaries, report=None):
    return [concern.cause for concern in concerns(summaries, report)]


def test_nothing_to_see_is_nothing_to_say():
    assert causes([]) == []
    assert causes([summary()], live(None, "is still filling")) == []


@pytest.mark.parametrize(("errors", "rows", "heard"), [(1, 20, False), (1, 500, False), (4, 60, True), (25, 500, True), (5, 1000, False)])
def test_errors_are_heard_of_when_they_are_surely_more_than_tolerated(errors, rows, heard):
    found = concerns([summary(rows=rows, errors=errors)], None)
    assert [concern.cause for concern in found] == (["errors"] if heard else [])
    if heard:
        assert found[0].severity is Severity.CRITICAL
        assert f"{errors} of the newest {rows:,} rows" in found[0].sentence


def test_only_the_newest_windows_count_so_that_what_was_repaired_is_over():
    windows = [summary(0, errors=100), summary(1), summary(2)]
    assert causes(windows[:2]) == ["errors"]
    assert causes(windows) == []


def test_answers_that_cannot_be_used_are_a_cause_of_their_own():
    assert causes([summary(invalid=40)]) == ["unusable answers"]


def test_rows_that_break_the_contract_name_the_rules():
    (found,) = concerns([summary(checked=500, breaks={"temp: range": 200, "city: values": 30, "hum: range": 1})], None)
    assert (found.cause, found.severity) == ("live data", Severity.CRITICAL)
    assert "temp: range (40% of rows); city: values (6% of rows)." in found.sentence
    assert "hum" not in found.sentence


def test_labels_that_stop_are_heard_of_and_labels_that_are_not_due_are_not():
    assert causes([summary()], live(None, None, "waits for labels, due by noon")) == []
    assert causes([summary()], live(None, NEVER_LABELLED, NEVER_LABELLED, "waits for labels, due by noon")) == ["labels"]
    assert causes([summary()], live(NEVER_LABELLED, None)) == []


def test_labels_that_never_came_or_of_which_nobody_said_how_long_they_take_are_not_missed():
    never = live(NEVER_LABELLED, NEVER_LABELLED)
    assert [concern.cause for concern in concerns([summary()], never, label_delay_us=5)] == ["labels"]
    assert concerns([summary()], never) == ()
    assert concerns([summary()], live(NEVER_LABELLED, labels=0), label_delay_us=5) == ()


@given(st.integers(0, 60), st.integers(1, 300))
def test_more_of_the_same_count_is_never_less_sure_and_one_row_is_never_enough(count, of):
    if count < of and surely_over(count, of, 0.005):
        assert surely_over(count + 1, of, 0.005)
    assert not surely_over(1, of, 0.005)


def test_large_counts_stay_finite():
    assert surely_over(900_000, 1_000_000, 0.005)
    assert not surely_over(0, 0, 0.005)
    assert not surely_over(5000, 1_000_000, 0.005)


def test_a_cause_is_gone_only_when_enough_was_seen_without_it():
    assert unseen([], None) == set(CAUSES), "a new champion has answered nothing yet"
    assert unseen([summary(rows=20)], live("waits for labels")) == set(CAUSES)
    assert unseen([summary(rows=20), summary(1, rows=40)], live(None, "waits for labels")) == {"drift"}
    assert unseen([summary()], live(NEVER_LABELLED)) == {"drift"}
