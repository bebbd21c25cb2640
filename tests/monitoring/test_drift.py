"""Which columns moved, when, and how far: from rows to alarms."""

import numpy as np
import polars as pl
import pytest

from volant.kernel.codec import canonical, decode
from volant.monitoring.drift import LEVEL, judged_windows
from volant.monitoring.drift_model import Aspect, DriftReference, Kind, WindowShape, moved_columns
from volant.monitoring.drift_reference import FOLLOWS_TIME, IDENTIFIER, NO_NUMBER, TOO_FEW, column_reference, reference_of
from volant.monitoring.shaping import column_shapes, merged_shapes, shaped

HOUR = 3_600_000_000


def rows(count, seed, *, shift=0.0, rain=0.3, missing=0.0):
    random = np.random.default_rng(seed)
    temp = random.standard_normal(count) + shift
    return pl.DataFrame(
        {
            "f:temp": temp,
            "f:wind": random.exponential(size=count),
            "f:seats": random.poisson(3, count),
            "f:hum": pl.Series(np.where(random.random(count) < missing, np.nan, random.uniform(size=count))).fill_nan(None),
            "f:weather": random.choice(["clear", "rain", "snow"], count, p=[0.9 - rain, rain, 0.1]),
            "f:holiday": random.random(count) < 0.05,
            "prediction": 3 * temp + random.standard_normal(count),
        }
    )


def reference(frame):
    return reference_of({name: frame[name] for name in frame.columns}, model="bikes", version=1)


def windows(known, *parts):
    """One window of each part."""
    found = []
    for number, part in enumerate(parts):
        shapes = column_shapes(part.with_columns(pl.lit(0).alias("_window")), known)
        columns = {name: one[0] for name, one in shapes.items()}
        at = {"from_us": number * HOUR, "to_us": number * HOUR + HOUR - 1, "rows": part.height, "version": 1}
        found.append(WindowShape(model="bikes", epoch=1, arm="champion", number=number, columns=columns, **at))
    return found


@pytest.fixture(scope="module")
def known():
    return reference(rows(10_000, 1))


def judged(known, *parts):
    return judged_windows(windows(known, *parts), known)


def moved(drift):
    return {column.name: column for column in drift.columns if column.drifting}


def test_rows_like_the_champions_own_are_no_alarm(known):
    found = judged(known, *[rows(1_000, 100 + k) for k in range(30)])
    assert moved(found) == {}
    assert not any(column.drifted for window in found.windows for column in window.columns.values())


def test_a_shift_is_an_alarm_in_its_first_window_and_says_how_far_and_since_when(known):
    found = judged(known, *[rows(1_000, k, shift=0.4 * (k >= 5)) for k in range(7)])
    assert set(moved(found)) == {"temp", "the prediction"}
    temp = moved(found)["temp"]
    assert temp.low < 0.39 < temp.high
    assert temp.low > temp.tolerance
    assert (temp.since_us, temp.seen_us) == (5 * HOUR, 6 * HOUR - 1)
    assert temp.windows == 2
    assert [window.columns["f:temp"].drifted for window in found.windows] == [False] * 5 + [True] * 2
    assert found.windows[5].columns["f:temp"].p <= LEVEL


def test_a_shift_too_small_for_one_window_is_found_by_the_windows_together(known):
    found = judged(known, *[rows(1_000, 40 + k, shift=0.07 * (k >= 4)) for k in range(24)])
    alarms = [window.number for window in found.windows if window.columns["f:temp"].drifted]
    assert alarms
    assert alarms[0] > 4
    assert found.windows[4].columns["f:temp"].p > LEVEL
    assert moved(found)["temp"].since_us >= 3 * HOUR


def test_a_change_that_one_window_hides_is_certain_with_the_second_and_over_when_it_is_over(known):
    found = judged(known, *[rows(1_000, 80 + k, shift=0.125 * (3 <= k <= 6)) for k in range(12)])
    alarms = [window.number for window in found.windows if window.columns["f:temp"].drifted]
    adjusted = [window.columns["f:temp"].p for window in found.windows]
    together = [number for number in alarms if adjusted[number] > LEVEL]
    assert together
    assert 3 < min(together) <= 6
    assert max(alarms) <= 8
    assert "temp" not in moved(found)


def test_days_that_each_have_a_level_of_their_own_add_up_to_no_evidence():
    level = np.repeat(np.random.default_rng(52).standard_normal(40) * 0.3, 500)
    frame = rows(20_000, 40).with_columns((pl.col("f:temp") + pl.Series(level)).alias("f:temp")).select("f:temp")
    found = judged(reference(frame[:10_000]), *[frame[k : k + 500] for k in range(10_000, 20_000, 500)])
    assert moved(found) == {}
    assert max(window.columns["f:temp"].evidence for window in found.windows) < 0.1  # by its average error alone it were 0.3


def test_a_jump_in_missing_values_is_an_alarm_in_the_first_window(known):
    found = judged(known, rows(1_000, 2), rows(1_000, 3, missing=0.02))
    hum = moved(found)["hum"]
    assert hum.aspect is Aspect.MISSING
    assert (hum.missing_before, round(hum.missing_after, 2)) == (0.0, 0.02)
    assert hum.since_us == HOUR


def test_one_missing_value_where_there_was_none_is_nothing(known):
    part = rows(1_000, 4).with_columns(pl.when(pl.int_range(1_000) > 0).then("f:hum").alias("f:hum"))
    assert part["f:hum"].null_count() == 1
    assert moved(judged(known, part)) == {}


def test_a_column_that_is_not_sent_any_more_is_missing_everywhere(known):
    found = moved(judged(known, rows(500, 5).drop("f:wind")))
    assert found["wind"].aspect is Aspect.MISSING
    assert found["wind"].missing_after == 1.0


def test_categories_move_and_new_ones_are_seen(known):
    found = moved(judged(known, rows(3_000, 6, rain=0.42)))
    assert set(found) == {"weather"}
    hail = rows(1_000, 7).with_columns(pl.when(pl.int_range(1_000) < 60).then(pl.lit("hail")).otherwise("f:weather").alias("f:weather"))
    weather = moved(judged(known, hail))["weather"]
    assert weather.unseen == pytest.approx(0.06)
    assert {bar.text: bar.before for bar in weather.bars}["hail"] == 0.0


def test_many_names_that_are_each_rare_are_no_alarm_for_being_new():
    random = np.random.default_rng(36)

    def names(count, rare, first):
        held = random.choice(["a", "b", "c"], count - rare * 4)
        return pl.DataFrame({"f:x": [*held, *(f"rare {first + k // 4}" for k in range(rare * 4))]}).sample(
            fraction=1.0, shuffle=True, seed=1
        )

    known = reference(names(4_000, 20, 0))
    found = judged(known, names(20_000, 100, 1_000))
    assert len(windows(known, names(20_000, 100, 1_000))[0].columns["f:x"].unseen) == 51
    assert moved(found) == {}
    assert set(moved(judged(known, names(20_000, 600, 1_000)))) == {"x"}


def test_a_column_that_came_back_has_not_moved_any_more(known):
    found = judged(known, *[rows(1_000, 60 + k, shift=0.5 * (k in {2, 3})) for k in range(12)])
    assert moved(found) == {}
    assert [w.number for w in found.windows if w.columns["f:temp"].drifted][:2] == [2, 3]
    again = judged(known, *[rows(1_000, 60 + k, shift=0.5 * (k in {2, 3, 11})) for k in range(12)])
    assert moved(again)["temp"].since_us == 11 * HOUR


def test_shapes_of_parts_add_up_to_the_shape_of_the_whole(known):
    parts = [rows(700, 8), rows(300, 9, missing=0.1), rows(500, 10).with_columns(pl.lit("fog").alias("f:weather"))]
    whole = windows(known, pl.concat(parts))[0]
    one, two, three = windows(known, *parts)
    for added in (merged_shapes(merged_shapes(one, two), three), merged_shapes(one, merged_shapes(two, three))):
        assert added.columns == whole.columns
        assert added.rows == whole.rows
    assert decode(canonical(whole), WindowShape) == whole


def test_windows_whose_numbers_have_gaps_are_shaped_as_each_alone(known):
    part = rows(900, 42, missing=0.05)
    for numbers in ([7, 9, 7_000_000], [3, 4, 6]):
        found = column_shapes(part.with_columns(pl.Series("_window", [numbers[k % 3] for k in range(900)])), known)
        alone = [windows(known, part[k::3])[0].columns for k in range(3)]
        assert {name: shapes[1] for name, shapes in found.items()} == alone[1]
        assert [shape.rows for shape in found["f:temp"]] == [300, 300, 300]


def test_shapes_beside_different_references_are_never_added(known):
    one, two = windows(known, rows(50, 1), rows(50, 2))
    from msgspec.structs import replace

    with pytest.raises(ValueError, match="version 1 and 2"):
        merged_shapes(one, replace(two, version=2))


def test_more_unseen_names_than_are_kept_stay_counted_when_windows_are_added(known):
    parts = [rows(400, k).with_columns(pl.format("new {}", pl.int_range(400) + 300 * k).alias("f:weather")) for k in range(2)]
    one, two = windows(known, *parts)
    added = merged_shapes(one, two).columns["f:weather"]
    assert sum(added.unseen.values()) == 800
    assert len(added.unseen) == 51


def test_a_reference_opens_again_as_it_was(known):
    assert decode(canonical(known), DriftReference) == known


def test_rows_with_the_same_key_in_one_window_count_once(known):
    part = pl.concat([rows(600, 11)] * 2).with_columns(
        pl.Series("key", [str(k % 600) for k in range(1_200)]),
        pl.lit(0).alias("_window"),
        pl.lit("ok").alias("outcome"),
        pl.int_range(1_200).alias("at"),
        pl.lit("bikes").alias("model"),
        pl.lit(1).alias("epoch"),
        pl.lit("champion").alias("arm"),
    )
    (found,) = shaped(part, known)
    assert found.rows == 600
    assert found.columns["f:temp"].rows == 600
    assert shaped(part[:0], known) == ()


def test_answers_count_only_where_there_is_one(known):
    part = rows(200, 12).with_columns(pl.lit(0).alias("_window"), pl.Series("outcome", ["ok"] * 150 + ["error"] * 50))
    shapes = column_shapes(part, known)
    assert shapes["prediction"][0].rows == 150
    assert shapes["f:temp"][0].rows == 200


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (np.arange(1_000), FOLLOWS_TIME),
        ([f"id {k}" for k in range(1_000)], IDENTIFIER),
        (pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 2, 1), "1h", eager=True), NO_NUMBER),
        ([None] * 500, NO_NUMBER),
        ([1.0, None, 2.0], TOO_FEW),
        ([float("nan")] * 100, TOO_FEW),
    ],
)
def test_what_cannot_be_compared_is_left_out_with_the_reason(values, why):
    assert column_reference(pl.Series("x", values)).left_out == why


STRANGE = {
    "one row": rows(1, 20),
    "all missing": rows(300, 21).with_columns(pl.lit(None, dtype=pl.Float64).alias("f:temp")),
    "infinite": rows(300, 22).with_columns(pl.lit(float("inf")).alias("f:temp")),
    "texts for numbers": rows(300, 23).with_columns(pl.lit("warm").alias("f:temp")),
    "numbers for texts": rows(300, 24).with_columns(pl.lit(7.5).alias("f:weather")),
    "far away": rows(300, 25).with_columns(pl.lit(1e65).alias("f:temp")),
    "many names": rows(5_000, 26).with_columns(pl.format("n{}", pl.int_range(5_000)).alias("f:weather")),
    "hostile names": rows(300, 27).with_columns(pl.lit("\x00others").alias("f:weather")),
    "long names": rows(300, 28).with_columns(pl.lit("é" * 5_000).alias("f:weather")),
}


@pytest.mark.parametrize("case", STRANGE)
def test_strange_windows_are_a_statement_and_never_nan(known, case):
    found = judged(known, rows(1_000, 29), STRANGE[case], rows(1_000, 30))
    numbers = [value for column in found.columns for value in (column.effect, column.low, column.high, column.tolerance)]
    numbers += [value for column in found.columns for value in column.familiar.values()]
    assert np.isfinite(numbers).all()
    assert b"null" not in canonical(found.windows)
    if case == "one row":
        assert moved(found) == {}
    else:
        assert moved(found)


def test_a_constant_column_that_begins_to_vary_has_moved():
    steady = rows(2_000, 31).with_columns(pl.lit(1.0).alias("f:wind"))
    found = moved(judged(reference(steady), steady[:500], rows(500, 32)))
    assert set(found) == {"wind"}
    assert moved(judged(reference(steady), steady[:500])) == {}


def test_no_window_and_no_column_are_no_drift(known):
    assert judged_windows([], known).columns == ()
    nothing = DriftReference(model="bikes", version=1, rows=0, columns={})
    assert judged(nothing, rows(100, 33)).columns == ()


def test_rows_of_a_common_season_are_no_alarm_while_the_season_lasts():
    season = np.sqrt(2) * np.sin(np.arange(24_000) * 2 * np.pi / 700)
    frame = rows(24_000, 34).with_columns((pl.col("f:temp") + pl.Series(season)).alias("f:temp"))
    known = reference(frame[:12_000])
    found = judged(known, *[frame[k : k + 400] for k in range(12_000, 24_000, 400)])
    assert "temp" not in moved(found)
    assert sum(window.columns["f:temp"].drifted for window in found.windows) <= 1
    naive = abs(float(frame[12_000:12_400]["f:temp"].mean() or 0.0)) * 20
    assert naive > 4  # standard errors, had the rows been independent
    far = judged(known, frame[12_000:12_400].with_columns(pl.col("f:temp") + 9.0))
    assert "temp" in moved(far)


def test_what_the_decision_core_hears_names_the_strongest_column_first(known):
    found = moved_columns(judged(known, rows(1_000, 35, shift=0.6, missing=0.05)).columns)
    assert {column.name for column in found} == {"temp", "the prediction", "hum"}
    assert [column.effect for column in found] == sorted((column.effect for column in found), reverse=True)
    assert {column.name: column.answer for column in found} == {"temp": False, "the prediction": True, "hum": False}


def test_kinds_follow_the_type_that_the_champion_learned_from(known):
    kinds = {name: column.kind for name, column in known.columns.items()}
    assert kinds["f:seats"] is Kind.NUMBER
    assert kinds["f:holiday"] is Kind.CATEGORY
    assert known.columns["f:holiday"].names == ("false", "true")


@pytest.mark.filterwarnings("error")
def test_names_that_are_all_new_in_a_far_larger_window_have_moved_beyond_doubt():
    known = reference(pl.DataFrame({"f:x": pl.Series(np.arange(2_000) % 7).cast(pl.String)}))
    found = judged(known, pl.DataFrame({"f:x": pl.Series(np.arange(60_000)).cast(pl.String)}))
    (x,) = found.columns
    assert x.drifting
    assert x.low > x.tolerance
    assert x.unseen > 0.99
    assert np.isfinite(found.windows[0].columns["f:x"].evidence)
