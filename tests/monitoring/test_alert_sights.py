"""What an alert shows beside its sentence, from the windows themselves."""

import pytest

from volant.monitoring.alert_model import Alert, Picture, Severity
from volant.monitoring.alert_picture import MOST_LINES, block, few, picture_lines
from volant.monitoring.alert_rules import LARGEST_FACTS, limited_sight
from volant.monitoring.alert_sights import performance_sight, share_interval, sight_of
from volant.monitoring.alert_text import alert_record, sight_lines
from volant.monitoring.concerns import DRIFT, ERRORS, LABELS, LIVE_DATA
from volant.monitoring.drift_model import Aspect, Bar, ColumnDrift, DriftReport, DriftWindow, Kind
from volant.monitoring.model import NEVER_LABELLED, LiveReport, WindowPerformance
from volant.monitoring.summary import WindowSummary


def column(name, effect, *, aspect=Aspect.VALUES, since=100, **fields):
    given = {"kind": Kind.NUMBER, "drifting": True, "low": effect - 0.1, "high": effect + 0.1, "tolerance": 0.03, "design_effect": 1.0}
    bars = (Bar(text="0 to 1", before=0.9, after=0.2), Bar(text="1 to 2", before=0.1, after=0.8))
    return ColumnDrift(column=f"f:{name}", aspect=aspect, effect=effect, since_us=since, **{"bars": bars, **given, **fields})


def report(*columns):
    windows = tuple(DriftWindow(number=at, from_us=at * 50, to_us=at * 50 + 49, rows=500, columns={}) for at in range(5))
    basis = {"epoch": 1, "version": 1, "recorded_at": 0, "lines": 1, "asked": "", "reference_rows": 1000}
    return DriftReport(model="bikes", windows=windows, columns=columns, **basis)


def window(number, value, **fields):
    return WindowPerformance(number=number, from_us=number * 10, to_us=number * 10 + 9, rows=500, labelled=500, value=value, **fields)


def live(*windows):
    basis = {"epoch": 1, "version": 1, "metric": "mae", "lower_is_better": True, "recorded_at": 0, "labels": 1, "lines": 1}
    return LiveReport(model="bikes", reference=None, windows=windows, **basis)


def summary(**fields):
    return WindowSummary(model="bikes", epoch=1, arm="champion", number=1, from_us=5, to_us=9, **fields)


def test_drift_names_the_columns_that_moved_the_strongest_first_with_the_first_window_and_how_they_looked():
    missing = column("station", 0.3, aspect=Aspect.MISSING, missing_before=0.01, missing_after=0.31, bars=())
    seen = sight_of(
        DRIFT, [], None, report(column("hum", 0.2, since=150), column("temp", 0.8), missing, column("wind", 0.1, drifting=False))
    )
    assert (seen.columns, seen.from_us, seen.to_us) == (("temp", "station", "hum"), 100, 149)
    assert (seen.effect.name, seen.effect.value, seen.effect.low, seen.effect.high) == (
        "temp moved by",
        0.8,
        pytest.approx(0.7),
        pytest.approx(0.9),
    )
    assert [picture.column for picture in seen.pictures] == ["temp", "station", "hum"]
    assert [(bar.text, bar.after) for bar in seen.pictures[1].bars] == [("there", pytest.approx(0.69)), ("missing", 0.31)]


def test_nothing_that_moved_is_nothing_to_show():
    assert sight_of(DRIFT, [], None, report(column("temp", 0.8, drifting=False))) is None
    assert sight_of(DRIFT, [], None, None) is None
    assert sight_of(ERRORS, [], None, None) is None
    assert performance_sight(None) is None
    assert sight_of(LIVE_DATA, [summary(rows=10)], None, None) is None


def test_a_share_of_rows_comes_with_its_interval():
    seen = sight_of(ERRORS, [summary(rows=1000, errors=14)], None, None)
    assert (seen.from_us, seen.to_us, seen.effect.value) == (5, 9, 0.014)
    assert (seen.effect.low, seen.effect.high) == (pytest.approx(0.008357, abs=1e-5), pytest.approx(0.023364, abs=1e-5))
    broken = sight_of(LIVE_DATA, [summary(rows=100, checked=100, breaks={"a": 12, "b": 30})], None, None)
    assert broken.effect.value == 0.3


@pytest.mark.parametrize(("count", "of"), [(0, 1), (1, 1), (0, 10**9), (10**9, 10**9)])
def test_the_interval_of_a_share_stays_within_0_and_1_and_around_it(count, of):
    low, high = share_interval(count, of)
    assert 0 <= low <= count / of <= high <= 1 or (low, high) == (pytest.approx(count / of), pytest.approx(count / of, abs=1e-6))


def test_performance_shows_the_newest_window_with_labels():
    seen = performance_sight(live(window(1, 30.0), window(2, 41.5, low=38.2, high=44.8), window(3, None, waits="is still filling")))
    assert (seen.from_us, seen.effect.value, seen.effect.low, seen.effect.high) == (20, 41.5, 38.2, 44.8)


def test_labels_that_stopped_show_the_first_window_without():
    windows = (window(1, 30.0), window(2, None, waits=NEVER_LABELLED), window(3, None, waits=NEVER_LABELLED))
    assert (sight_of(LABELS, [], live(*windows), None).from_us, sight_of(LABELS, [], live(window(1, 30.0)), None)) == (20, None)


def test_bars_are_lines_of_bounded_number_and_width_that_keep_every_share():
    bars = tuple(Bar(text=f"{at} to {at + 1}", before=0.05, after=0.0 if at else 1.0) for at in range(20))
    picture = Picture(column="temp", numbers=True, bars=bars)
    lines = picture_lines(picture, width=10)
    assert len(lines) <= MOST_LINES + 1
    assert sum(before for _, before, _ in few(picture)) == pytest.approx(1.0)
    assert few(picture)[0][0] == "0 to 2"
    assert max(map(len, lines)) < 80
    assert picture_lines(Picture(column="x", numbers=False, bars=())) == []


def test_what_is_there_at_all_is_seen_and_nothing_is_wider_than_its_room():
    assert (block(0.0, 10), block(1e-9, 10), block(1.0, 10), block(7.0, 10)) == ("", "▏", "█" * 10, "█" * 10)


def test_pictures_that_are_too_large_are_left_out_and_the_rest_is_kept():
    bars = tuple(Bar(text="x" * 100, before=0.0, after=1.0) for _ in range(LARGEST_FACTS // 100))
    seen = sight_of(DRIFT, [], None, report(column("temp", 0.8, bars=bars)))
    assert (limited_sight(seen).pictures, limited_sight(seen).columns) == ((), ("temp",))
    assert limited_sight(None) is None


def test_programs_get_it_with_instants_and_without_whom_it_was_told_to():
    seen = sight_of(DRIFT, [], None, report(column("temp", 0.8)))
    alert = Alert(
        id="a",
        model="bikes",
        number=1,
        cause=DRIFT,
        severity=Severity.WARNING,
        sentence="x",
        facts={},
        opened_at=0,
        last_seen_at=0,
        seq=1,
        sight=seen,
    )
    record = alert_record(alert)
    assert (record["sight"]["from"], record["urgency"]) == ("1970-01-01T00:00:00.000100Z", "ticket")
    assert not {"quiet", "addressed"} & record.keys()
    assert any("0.8 [0.7, 0.9]" in line for line in sight_lines(alert))
