"""Inspections, the same over every adapter."""

import pytest
from stored_values import AT

from volant.kernel.errors import AlreadyExistsError
from volant.monitoring.inspection_model import Inspection, InspectionKind


def inspection(name, kind=InspectionKind.SLICES, model="bikes", **found):
    return Inspection(
        id=name,
        model=model,
        kind=kind,
        epoch=1,
        version=2,
        recorded_at=AT,
        position={"log": 3},
        labels=4,
        asked={"seed": 7},
        found={"rows": 1, "name": "Zürich ☂"} | found,
        sentence="nothing",
    )


def test_inspections_are_listed_last_added_first_and_by_kind(stores):
    for name in ("b", "a"):
        stores.inspections.add(inspection(name))
    stores.inspections.add(inspection("c", InspectionKind.SKEW))
    stores.inspections.add(inspection("d", model="other"))
    assert stores.inspections.newest("bikes", InspectionKind.SLICES) == inspection("a")
    assert [one.id for one in stores.inspections.inspections("bikes")] == ["c", "a", "b"]
    assert [one.id for one in stores.inspections.inspections("bikes", limit=1)] == ["c"]
    assert stores.inspections.newest("bikes", InspectionKind.ATTRIBUTION) is None


def test_an_inspection_never_changes(stores):
    stores.inspections.add(inspection("a"))
    with pytest.raises(AlreadyExistsError):
        stores.inspections.add(inspection("a", model="other"))
    assert stores.inspections.newest("other", InspectionKind.SLICES) is None
