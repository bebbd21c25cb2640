"""Live performance on the model's page: what its stored rows become, and that the drawing survives any of them."""

import math
import xml.etree.ElementTree as ET

import pytest
from web_seed import Seeding
from web_site import Page, new_project, site_of

from volant.monitoring.model import FILLING, Estimate, LiveReport, Reference, WindowPerformance
from volant.web.live_plot import live_plot, round_values

AT = 1_700_000_000_000_000
HOUR = 3_600_000_000


def window(number, value=10.0, *, epoch=1, **changes):
    start = AT + (epoch * 100 + number) * HOUR
    known = {} if value is None else {"loss": value, "value": value, "low": value - 1, "high": value + 1}
    fields = {"number": number, "from_us": start, "to_us": start + HOUR - 1, "rows": 50, "labelled": 0 if value is None else 50}
    return WindowPerformance(**fields | known | changes)


def report(epoch=1, windows=(), **changes):
    reference = Reference(rows=100, loss=9.0, loss_variance=0.1, df=9, value=9.0, low=8.5, high=9.5)
    fields = {
        "model": "bikes",
        "epoch": epoch,
        "version": epoch + 3,
        "metric": "mae",
        "lower_is_better": True,
        "labels": 1,
        "labels_known": 1,
        "lines": 1,
    }
    return LiveReport(**fields | {"recorded_at": AT, "reference": reference, "windows": tuple(windows)} | changes)


@pytest.fixture
def site(tmp_path):
    """A site of its own, because these tests change it."""
    project = new_project(tmp_path)
    Seeding(project).everything()
    with site_of(project) as running:
        yield running


@pytest.fixture
def shown(site):
    """The model's page and its twin, with live performance kept."""

    def show(*reports):
        for one in reports:
            site.project.windows.keep_live(one)
        page = site.get("/models/bikes")
        assert page.status == 200
        twin = site.get("/models/bikes.json", accept="application/json")
        return page.text, twin.json["live"]

    return show


def test_a_model_that_nobody_asked_has_no_plot(shown):
    text, live = shown()
    assert "Live performance" not in text
    assert (live["windows"], live["series"]) == (0, [])


def test_champions_follow_each_other_with_a_mark_where_each_begins(shown):
    text, live = shown(report(1, [window(n, 10.0 + n) for n in range(3)]), report(2, [window(n, 8.0, epoch=2) for n in range(2)]))
    assert [len(line["points"]) for line in live["series"]] == [3, 2]
    assert [point["place"] for line in live["series"] for point in line["points"]] == [0, 1, 2, 3, 4]
    assert [(m["kind"], m["place"], m["version"]) for m in live["markers"] if m["kind"] == "promotion"] == [
        ("promotion", 0, 4),
        ("promotion", 3, 5),
    ]
    assert 'class="live"' in text
    assert Page(text).tags.count("h1") == 1


def test_windows_that_wait_are_hollow_and_say_what_for(shown):
    text, live = shown(
        report(1, [window(0), window(1, 11.0, waits="waits for labels, due by <noon>"), window(2, None, waits="is still filling")])
    )
    assert 'class="waits"' in text
    assert "due by &lt;noon&gt;" in text
    assert [point["waits"] for point in live["series"][0]["points"]][2] == "is still filling"


def test_without_any_label_the_page_says_how_to_bring_some(shown):
    text, _ = shown(report(1, [window(0, None, waits="waits for labels")]))
    assert "No window has a label yet" in text
    assert "volant labels add" in text


def test_another_metrics_past_is_not_drawn_with_this_one(shown):
    _, live = shown(report(1, [window(0)], metric="rmse"), report(2, [window(0, epoch=2)]))
    assert [line["epoch"] for line in live["series"]] == [2]


def test_only_the_newest_windows_are_drawn(shown):
    _, live = shown(report(1, [window(n) for n in range(300)]), report(2, [window(n, epoch=2) for n in range(100)]))
    assert [len(line["points"]) for line in live["series"]] == [140, 100]
    assert live["series"][0]["points"][0]["window"] == 160


@pytest.mark.parametrize(
    "values",
    [[5.0], [0.0, 0.0], [1e308, -1e308], [1e-320, 2e-320], [math.nan, 3.0], [None, None], [-1.0, 4.0, 1e12]],
)
def test_the_drawing_is_whole_for_any_values(values):
    points = [
        {
            "place": n,
            "window": n,
            "from_at": AT,
            "to_at": AT,
            "happened_at": None,
            "rows": 5,
            "labelled": 5,
            "coverage": 1.0,
            **bounds(v),
        }
        for n, v in enumerate(values)
    ]
    series = [{"epoch": 1, "version": 1, "reference": {"value": None, "low": None, "high": None}, "points": points}]
    drawn = str(live_plot({"metric": "mae", "windows": len(values), "series": series, "markers": []}))
    if not drawn:
        assert all(value is None for value in values)
        return
    assert "nan" not in drawn.lower().replace("nan\u2013", "")
    numbers = [float(node.get(name)) for node in ET.fromstring(drawn).iter() for name in ("cx", "cy", "x1", "y1", "y2") if node.get(name)]
    assert all(-1 <= value <= 1000 for value in numbers)


def bounds(value):
    return {"value": value, "low": None if value is None else value - 1, "high": None, "waits": None}


def test_what_is_estimated_without_labels_is_a_line_of_its_own_with_a_legend(shown):
    def estimated(value, **changes):
        bounds = {"low": value - 1, "high": value + 1, "low_loss": value - 1, "high_loss": value + 1, "bias_variance": 0.1, "bias_df": 9}
        return Estimate(rows=50, loss=value, loss_variance=0.1, df=9, value=value, **bounds | changes)

    windows = [
        window(0, 10.0, estimate=estimated(9.5)),
        window(1, None, estimate=estimated(12.0), waits="waits for labels"),
        window(2, None, estimate=estimated(14.0, outside_column="temp", outside=0.3), waits="waits for labels"),
        window(3, None, estimate=estimated(99.0), waits=FILLING),
    ]
    page, live = shown(report(windows=windows))
    assert [point["estimate"] and point["estimate"]["value"] for point in live["series"][0]["points"]] == [9.5, 12.0, 14.0, None]
    assert page.count('<circle class="expected"') == 2
    assert page.count('<circle class="doubt"') == 1
    assert "in doubt: too many rows lie outside of what it saw (temp)" in page
    assert "estimated without labels, 95 %" in page


@pytest.mark.parametrize(
    ("low", "high", "values"),
    [(-2.0, 430.0, [0, 100, 200, 300, 400]), (5.0, 5.6, [5.0, 5.2, 5.4]), (-1e300, 1e300, [-1e300, -5e299, 0, 5e299, 1e300])],
)
def test_lines_across_stand_at_round_values(low, high, values):
    assert round_values(low, high) == pytest.approx(values)
