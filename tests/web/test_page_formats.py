# ruff: noqa: RUF001 - a minus as wide as a plus and a dash for absence are what is tested
import math

import pytest

from volant.kernel.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from volant.web import drawings
from volant.web.formats import ago, breakable, instant, interval, lasting, moment, number, percent, run_short, segment, signed, size, span
from volant.web.rendering import clean, embedded


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (True, "yes"),
        (12960, "12,960"),
        (-3, "−3"),
        (22.4021, "22.40"),
        (0.648, "0.6480"),
        (999.96, "1000"),
        (1234567.8, "1,234,568"),
        (0.00012, "0.0001200"),
        (0.000012, "1.200e−05"),
        (math.nan, "NaN"),
        (-math.inf, "−∞"),
        (0.0, "0"),
        (10**400, "more than 10^308"),
        ("a text", "a text"),
    ],
)
def test_numbers_have_four_digits_and_absence_is_a_dash(value, text):
    assert number(value) == text


def test_both_bounds_of_an_interval_have_the_same_decimals():
    assert interval(-1.904, -0.664) == "[−1.904, −0.664]"
    assert interval(-10.35, 7.2518) == "[−10.35, +7.25]"
    assert interval(None, 0.3) == "[–, +0.3000]"
    assert interval(None, None) == ""
    assert interval(math.nan, 1.0)
    assert span(21.2, 22.9) == "[21.20, 22.90]"


def test_signs_shares_and_sizes():
    assert (signed(1.5), signed(-1.5), signed(0.0), signed(None)) == ("+1.500", "−1.500", "0", "–")
    assert (percent(0.123), percent(None), percent(math.inf)) == ("12.3\u00a0%", "–", "–")
    assert (size(0), size(412_220), size(None)) == ("0\u00a0B", "412\u00a0kB", "–")


def test_durations_and_ages_have_units_that_do_not_break_off():
    assert lasting(0) == "0\u00a0s"
    assert lasting(900) == "900\u00a0µs"
    assert lasting(41 * SECOND_US) == "41\u00a0s"
    assert lasting(2 * DAY_US + 4 * HOUR_US) == "2\u00a0d\u00a04\u00a0h"
    assert lasting(30 * DAY_US + HOUR_US) == "30\u00a0d"
    assert ago(0, 3 * HOUR_US) == "3\u00a0h\u00a0ago"
    assert ago(5 * MINUTE_US, 0) == "in\u00a05\u00a0min"
    assert ago(0, 1) == "just\u00a0now"


def test_moments_beyond_the_calendar_are_still_shown():
    assert moment(0) == "1970-01-01 00:00:00 UTC"
    assert "since 1970" in moment(10**20)


def test_instants_leave_out_what_is_zero():
    assert instant("2026-03-02T00:00:00Z") == "2026-03-02"
    assert instant("2026-03-02T05:30:00Z") == "2026-03-02 05:30"
    assert instant("2026-03-02T05:30:12Z") == "2026-03-02 05:30:12"
    assert instant("no instant") == "no instant"
    assert instant(12.5) == "12.50"


def test_names_are_escaped_where_they_may_break_and_in_addresses():
    assert breakable("a.<b>/c") == "a.&lt;b&gt;/<wbr>c"
    assert segment("a/b?c=<d>") == "a%2Fb%3Fc%3D%3Cd%3E"
    assert segment("\ud800") == "%3F"
    assert run_short("0" * 24 + "12345678") == "12345678"


def test_embedded_json_cannot_end_its_element():
    text = str(embedded({"name": "</script><script>alert(1)</script>", "bad": math.nan}))
    assert "<" not in text
    assert '"bad": null' in text


def test_what_json_has_no_word_for_becomes_null():
    assert clean({"a": [math.inf, 1.0, (math.nan,)], 3: "x"}) == {"a": [None, 1.0, [None]], "3": "x"}


def test_drawings_of_nothing_are_nothing():
    assert drawings.sparkline([], "none") == ""
    assert drawings.sparkline([None, math.nan], "none") == ""
    assert drawings.bars([0, 0], "none") == ""
    assert drawings.whisker({"value": None, "low": None, "high": None, "allowed": None}, 1.0, "tone-pass", "none") == ""


def test_drawings_say_what_they_show_and_escape_it():
    made = str(drawings.sparkline([1, None, 3], '"><script>'))
    assert "<script>" not in made
    assert 'role="img"' in made


def test_a_bound_beyond_the_axis_is_an_arrow_within_the_drawing():
    effect = {"value": -0.5, "low": -90.0, "high": 0.1, "allowed": 0.05}
    made = str(drawings.whisker(effect, 0.6, "tone-pass", "x", width=200))
    assert "polygon" in made
    assert "nan" not in made
    assert "-90" not in made


def test_one_wild_interval_does_not_flatten_the_others():
    effects = [{"value": v, "low": v - 0.1, "high": v + 0.1, "allowed": 0.01} for v in (-0.2, 0.1, 0.05, -0.1)]
    effects.append({"value": 0.3, "low": -80.0, "high": 80.0, "allowed": 0.0})
    assert drawings.forest_reach(effects) < 1
    assert drawings.forest_reach([]) == 1.0
