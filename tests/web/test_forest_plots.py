"""The gate as a forest plot: a row for each comparison, readable without colour and on a narrow page."""

import re
import xml.etree.ElementTree as ET

import msgspec
import pytest

from volant.config.model import GateConfig, GateKind
from volant.gates.model import CheckResult, Verdict
from volant.web.checks import check_view
from volant.web.forest_plot import MOST_ROWS, forest_plot

HOSTILE = "<script>&'\"☂"


def result(kind=GateKind.CHAMPION, verdict=Verdict.PASS, **fields):
    numbers = {"candidate": 9.8, "other": 10.0, "other_name": "champion v1", "difference": -0.2, "low": -0.3, "high": -0.1, "allowed": 0.1}
    title = fields.pop("title", "mae vs champion v1")
    check = GateConfig(kind=kind)
    return CheckResult(check=check, title=title, verdict=verdict, sentence="said", rows=100, **{**numbers, **fields})


def a_slice(value, **fields):
    title = f"mae where season = {value} vs champion v1"
    return result(GateKind.SLICES, title=title, slice_column="season", slice_value=value, **fields)


def drawn(*results):
    """The wide drawing and the narrow one, as XML, and all their text."""
    found = str(forest_plot({"checks": [check_view(one) for one in results]}))
    wide, narrow = (ET.fromstring(part) for part in re.findall(r"<svg.*?</svg>", found, re.DOTALL))
    return wide, narrow, [node.text for node in wide.iter() if node.tag.endswith("text")]


def shapes(drawing):
    rows = [node for node in drawing if node.get("class", "").startswith("tone-")]
    return [sorted({child.tag + child.get("class", "") for child in row} & {"circle", "circlering", "polygon"}) for row in rows]


def test_each_comparison_is_a_row_with_its_numbers_as_text_in_both_drawings():
    wide, narrow, texts = drawn(result(), a_slice("spring", difference=0.4, low=0.2, high=0.6, verdict=Verdict.FAIL))
    assert "holds: \u22122 % [\u22123, \u22121]" in texts
    assert "fails: +4 % [+2, +6]" in texts
    assert {"mae vs champion v1", "mae, season = spring"} <= set(texts)
    assert set(texts) == {node.text for node in narrow.iter() if node.tag.endswith("text")}
    assert (wide.get("width"), narrow.get("width")) == ("1056", "340")


def test_a_verdict_is_a_shape_and_not_only_a_colour():
    wide, *_ = drawn(
        result(), a_slice("a", verdict=Verdict.FAIL, difference=0.4, low=0.2, high=0.6), a_slice("b", verdict=Verdict.NOT_ENOUGH)
    )
    assert shapes(wide) == [["circle"], ["polygon"], ["circlering"]]


def test_a_slice_without_enough_evidence_says_how_many_labels_it_needs():
    _, narrow, texts = drawn(result(), a_slice("b", verdict=Verdict.NOT_ENOUGH, labels_needed=1_234))
    assert any(text.endswith("needs 1,234 more labels") for text in texts)
    assert "needs 1,234 more labels" in [node.text for node in narrow.iter() if node.tag.endswith("text")]
    nothing = {"difference": None, "low": None, "high": None, "candidate": None, "other": None}
    _, _, texts = drawn(result(), a_slice("c", verdict=Verdict.NOT_ENOUGH, **nothing))
    assert "undecided, too few labels" in texts


def test_left_is_better_for_scores_too_and_the_margin_stands_right_of_zero():
    wide, *_ = drawn(result(lower_is_better=False, difference=0.2, low=0.1, high=0.3))
    zero = float(next(node for node in wide.iter() if node.get("class") == "zero").get("x1"))
    margin = float(next(node for node in wide.iter() if node.get("class") == "allowed").get("x1"))
    estimate = float(next(node for node in wide.iter() if node.tag.endswith("circle")).get("cx"))
    assert estimate < zero < margin


def test_an_end_beyond_the_axis_is_an_arrow_that_stays_on_the_drawing():
    rows = [a_slice(str(number)) for number in range(8)]
    wide, *_ = drawn(*rows, a_slice("wild", low=-90.0, high=90.0, verdict=Verdict.NOT_ENOUGH))
    numbers = [float(n) for node in wide.iter() if node.tag.endswith("polygon") for n in node.get("points").replace(",", " ").split()]
    assert numbers
    assert 0 <= min(numbers) <= max(numbers) <= 1056


def test_baselines_are_drawn_only_where_there_is_no_champion():
    _, _, texts = drawn(result(GateKind.BASELINE, title="mae vs mean"), result())
    assert "mae vs mean" not in texts
    _, _, texts = drawn(result(GateKind.BASELINE, title="mae vs mean"))
    assert "mae vs mean" in texts


@pytest.mark.parametrize("value", [HOSTILE, "x" * 300, ""])
def test_whatever_a_slice_is_called_it_is_text(value):
    wide, _, texts = drawn(a_slice(value))
    assert len(list(wide.iter())) == len(list(drawn(a_slice("plain"))[0].iter()))
    assert all(len(text) < 60 for text in texts)


def test_nothing_to_compare_is_no_drawing_and_many_slices_are_cut():
    assert forest_plot({"checks": []}) == ""
    assert forest_plot({"checks": [check_view(msgspec.structs.replace(result(GateKind.LATENCY), difference=None))]}) == ""
    wide, *_ = drawn(*(a_slice(str(number)) for number in range(MOST_ROWS + 20)))
    assert sum(node.get("class", "").startswith("tone-") for node in wide) == MOST_ROWS
