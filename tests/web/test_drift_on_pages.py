"""Drift on the model's page: the strip of columns over windows, and what moved before and now."""

import xml.etree.ElementTree as ET

import pytest
from web_site import Page, new_project, site_of

from volant.monitoring.drift_model import Aspect, Bar, ColumnDrift, DriftReport, DriftWindow, Judged, Kind
from volant.web.drift_strip import drift_overlay, drift_strip
from volant.wiring.drifted import shown

AT = 1_750_000_000_000_000
HOSTILE = "f:<script>&'\"☂"


def found(effect, *, drifted=False, low=None):
    low = effect / 2 if low is None else low
    return Judged(aspect=Aspect.VALUES, effect=effect, low=low, high=effect * 2, p=0.001 if drifted else 0.5, evidence=0.1, drifted=drifted)


BARS = (Bar(text="0 to 1", before=0.4, after=0.9), Bar(text="1 to 2", before=0.6, after=0.1))


def column(name="f:temp", *, drifting=True, bars=BARS, **more):
    numbers = {"effect": 0.4, "low": 0.3, "high": 0.5, "tolerance": 0.03, "design_effect": 1.0}
    when = {"since_us": AT, "seen_us": AT, "windows": 2, "rows": 900} if drifting else {}
    return ColumnDrift(
        column=name,
        kind=Kind.NUMBER,
        aspect=Aspect.VALUES,
        drifting=drifting,
        bars=bars,
        familiar={"psi (evidently)": 0.2},
        **numbers,
        **when,
        **more,
    )


def report(*columns, windows=3):
    names = [one.column for one in columns]
    strip = tuple(
        DriftWindow(
            number=n, from_us=AT + n, to_us=AT + n + 1, rows=450, columns={name: found(0.1 * n, drifted=n == windows - 1) for name in names}
        )
        for n in range(windows)
    )
    fields = {"model": "bikes", "epoch": 1, "version": 1, "recorded_at": AT, "lines": 1, "asked": "", "reference_rows": 7_000}
    return DriftReport(windows=strip, columns=columns, **fields)


def test_a_cell_stands_for_each_column_in_each_window_and_alarms_are_red():
    view = shown(report(column(), column("f:hum", drifting=False)), 60)
    cells = [node for node in ET.fromstring(str(drift_strip(view))).iter() if node.tag.endswith("rect")]
    assert len(cells) == 6
    assert sum(node.get("class") == "alarm" for node in cells) == 2
    assert "temp until" in str(drift_strip(view))


def test_only_the_newest_windows_are_given():
    assert [window["number"] for window in shown(report(column(), windows=9), 4)["strip"]] == [5, 6, 7, 8]


def test_what_moved_comes_first_and_what_is_left_out_last():
    columns = [column("f:b", drifting=False), column("f:c", drifting=False, left_out="it moves on with time"), column("f:a")]
    assert [one["name"] for one in shown(report(*columns), 60)["columns"]] == ["a", "b", "c"]


@pytest.mark.parametrize("bars", [(), (Bar(text="only", before=0.0, after=0.0),), (Bar(text="<b>", before=1.0, after=0.0),)])
def test_drawings_are_whole_for_any_bars_and_names(bars):
    view = shown(report(column(HOSTILE, bars=bars)), 60)
    strip, overlay = str(drift_strip(view)), str(drift_overlay(view["columns"][0]))
    assert "<script>" not in strip
    ET.fromstring(strip)
    if overlay:
        assert "<b>" not in overlay
        ET.fromstring(overlay)


def test_nothing_compared_is_nothing_drawn():
    assert drift_strip(shown(report(), 60)) == ""
    assert drift_strip(shown(report(column(), windows=0), 60)) == ""


def test_the_page_shows_drift_with_its_effect_and_leaves_hostile_names_alone(tmp_path):
    from web_seed import Seeding

    project = new_project(tmp_path)
    Seeding(project).everything()
    epoch = project.registry.state(project.name).epoch
    from msgspec.structs import replace

    project.windows.keep_drift(replace(report(column(), column(HOSTILE)), model=project.name, epoch=epoch))
    with site_of(project) as site:
        text = site.get(f"/models/{project.name}").text
    assert Page(text).tags.count("h1") == 1
    assert 'class="heat"' in text
    assert 'class="overlay"' in text
    assert "2 columns moved away from what v1 learned" in text
    assert "<script>&'" not in text
