"""Closer looks on the model's page: what was found, and texts of whoever named columns and values."""

import json

from web_site import Page, new_project, site_of

from volant.kernel.codec import plain
from volant.monitoring.inspection_model import (
    AttributionFound,
    ColumnAttribution,
    Driver,
    Inspection,
    InspectionKind,
    MultivariateFound,
    ReleaseShift,
    SkewedColumn,
    SkewFound,
    SlicesFound,
    WeakSlice,
)

AT = 1_750_000_000_000_000
HOSTILE = "<script>&'\"☂"
NUMBERS = {"effect": 0.4, "low": 0.3, "high": 0.5, "tolerance": 0.03, "p": 0.001}
SLICE = WeakSlice(
    text=f"sky = {HOSTILE}",
    conditions=(),
    rows=9,
    share_of_rows=0.05,
    share_of_loss=0.2,
    loss=4.0,
    elsewhere=1.0,
    ratio=None,
    low=None,
    high=None,
    p=0.01,
)
COLUMN = SkewedColumn(
    name=HOSTILE,
    compared=10,
    differing=5,
    share=0.5,
    low=0.2,
    high=0.8,
    missing_served=0,
    missing_trained=0,
    row=HOSTILE,
    trained="1",
    served=HOSTILE,
)
WHEN = {"rows": 500, "reference_rows": 5_000, "from_us": AT, "to_us": AT}
FOUND = {
    InspectionKind.SLICES: SlicesFound(source="live", loss="mae", rows=400, searched=200, confirmed=200, tried=1, slices=(SLICE,)),
    InspectionKind.SKEW: SkewFound(
        by="key", trained=10, served=10, paired=10, columns=(COLUMN,), shifts=(ReleaseShift(name=HOSTILE, skewed=True, **NUMBERS),)
    ),
    InspectionKind.MULTIVARIATE: MultivariateFound(
        auc=0.7, p=0.001, p_rows=0.001, drifted=True, drivers=(Driver(name=HOSTILE, lost=0.2, alone=None),), **WHEN
    ),
    InspectionKind.ATTRIBUTION: AttributionFound(
        of="the prediction",
        scale=1.0,
        answered=9,
        columns=(
            ColumnAttribution(
                name=HOSTILE,
                before=0.5,
                after=0.9,
                rank_before=2,
                rank_after=1,
                change=0.4,
                low=0.3,
                high=0.5,
                direction=1.0,
                p=0.001,
                drifted=True,
            ),
        ),
        **WHEN,
    ),
}


def kept(project, kind, found, epoch=0):
    project.inspections.add(
        Inspection(
            id=f"{kind.value}-{epoch}",
            model=project.name,
            kind=kind,
            epoch=epoch,
            version=1,
            recorded_at=AT,
            position={"log": 1},
            labels=1,
            asked={"seed": 7},
            found=plain(found),
            sentence=f"Something about {HOSTILE}.",
        )
    )


def test_what_was_found_is_on_the_page_and_nothing_of_it_is_markup(tmp_path):
    project = new_project(tmp_path)
    for kind, found in FOUND.items():
        kept(project, kind, found)
    with site_of(project) as site:
        page, view = site.get(f"/models/{project.name}").text, json.loads(site.get(f"/models/{project.name}.json").text)
    read = Page(page)
    assert read.inline_scripts == []
    text = " ".join(read.seen)
    assert all(said in text for said in ("Weak slices", "Training and serving", "Whole rows", "What the model leans on", HOSTILE))
    assert view["inspections"]["slices"]["found"]["slices"][0]["text"] == f"sky = {HOSTILE}"
    assert view["inspections"]["slices"]["former"] is False


def test_a_look_at_an_earlier_champion_says_so_and_one_that_saw_nothing_is_no_good_news(tmp_path):
    project = new_project(tmp_path)
    kept(
        project,
        InspectionKind.SLICES,
        SlicesFound(source="live", loss="mae", rows=3, searched=0, confirmed=0, tried=0, why_not="3 rows"),
        4,
    )
    with site_of(project) as site:
        text = " ".join(Page(site.get(f"/models/{project.name}").text).seen)
    assert "which serves no more" in text
    assert "not known" in text
    assert "Training and serving" not in text


def test_without_a_look_there_is_no_section(tmp_path):
    project = new_project(tmp_path)
    with site_of(project) as site:
        assert "Closer looks" not in site.get(f"/models/{project.name}").text
