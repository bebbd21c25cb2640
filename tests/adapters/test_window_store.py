"""Summaries of windows with what they cover, the same over every adapter."""

import pytest
from stored_values import AT

from volant.kernel.errors import ConflictError, InvalidInputError
from volant.monitoring.drift_model import Aspect, ColumnDrift, ColumnShape, DriftReport, Kind, WindowShape
from volant.monitoring.model import LiveReport, Reference, WindowPerformance
from volant.monitoring.ports import Covered, Extent
from volant.monitoring.summary import ColumnSummary, Latencies, WindowSummary


def window(number=0, **changes):
    fields = {
        "model": "bikes",
        "epoch": 1,
        "arm": "champion",
        "number": number,
        "from_us": AT + number * 100,
        "to_us": AT + number * 100 + 99,
        "rows": 10,
        "latencies": Latencies(counts={"33": 9, "40": 1}),
        "columns": {"Zürich ☂": ColumnSummary(rows=10, numbers=10, mean=0.1, squares=2.5, minimum=-1.0, maximum=1e70)},
        "breaks": {"temp: range": 2},
    }
    return WindowSummary(**fields | changes)


def test_windows_come_back_with_what_they_cover(stores):
    assert stores.windows.covered("bikes") == Covered()
    stores.windows.commit("bikes", Covered(), "b1", {"w-1-bikes": 7, "w-2-bikes": 3}, [window(0), window(1)])
    assert stores.windows.covered("bikes") == Covered(revision=1, basis="b1", lines={"w-1-bikes": 7, "w-2-bikes": 3})
    assert stores.windows.get("bikes", 1, "champion", 0) == window(0)
    assert stores.windows.get("bikes", 1, "champion", 9) is None
    assert stores.windows.extents("bikes", 1, "champion") == (
        Extent(number=0, from_us=AT, to_us=AT + 99, rows=10),
        Extent(number=1, from_us=AT + 100, to_us=AT + 199, rows=10),
    )


def test_a_window_is_replaced_and_positions_move_on(stores):
    stores.windows.commit("bikes", Covered(), "b1", {"w": 7, "x": 1}, [window(0)])
    stores.windows.commit("bikes", stores.windows.covered("bikes"), "b1", {"w": 9}, [window(0, rows=12)])
    assert stores.windows.covered("bikes") == Covered(revision=2, basis="b1", lines={"w": 9, "x": 1})
    assert [extent.rows for extent in stores.windows.extents("bikes", 1, "champion")] == [12]


def test_who_read_before_another_committed_changes_nothing(stores):
    before = stores.windows.covered("bikes")
    stores.windows.commit("bikes", before, "b1", {"w": 7}, [window(0)])
    with pytest.raises(ConflictError) as refused:
        stores.windows.commit("bikes", before, "b1", {"w": 9}, [window(0, rows=99), window(1)])
    assert "revision 1, not 0" in str(refused.value)
    assert stores.windows.covered("bikes").lines == {"w": 7}
    assert stores.windows.latest("bikes", 1, "champion") == (window(0),)


def test_another_basis_starts_anew_and_leaves_other_models_alone(stores):
    stores.windows.commit("bikes", Covered(), "b1", {"w": 7}, [window(0), window(1)])
    stores.windows.commit("trams", Covered(), "b1", {"v": 1}, [window(0, model="trams")])
    stores.windows.commit("bikes", stores.windows.covered("bikes"), "b2", {"x": 4}, [window(5)])
    assert stores.windows.covered("bikes") == Covered(revision=2, basis="b2", lines={"x": 4})
    assert stores.windows.latest("bikes", 1, "champion") == (window(5),)
    assert stores.windows.latest("trams", 1, "champion") == (window(0, model="trams"),)


def test_the_newest_windows_of_an_arm_come_oldest_first(stores):
    windows = [window(number) for number in (0, 1, 2, 10)]
    stores.windows.commit("bikes", Covered(), "b1", {}, [*windows, window(3, arm="canary"), window(4, epoch=2)])
    assert [w.number for w in stores.windows.latest("bikes", 1, "champion", 2)] == [2, 10]
    assert stores.windows.latest("bikes", 1, "champion", 0) == ()
    assert stores.windows.arms("bikes") == ((1, "canary"), (1, "champion"), (2, "champion"))
    assert stores.windows.arms("nobody") == ()


def test_a_summary_that_json_cannot_hold_leaves_nothing_behind(stores):
    broken = window(1, columns={"x": ColumnSummary(mean=float("nan"))})
    with pytest.raises(InvalidInputError):
        stores.windows.commit("bikes", Covered(), "b1", {"w": 1}, [window(0), broken])
    assert stores.windows.covered("bikes") == Covered()
    assert stores.windows.latest("bikes", 1, "champion") == ()


def test_windows_join_an_open_transaction_and_go_with_it(stores):
    def both():
        with stores.tx.transaction():
            stores.windows.commit("bikes", Covered(), "b1", {"w": 1}, [window(0)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        both()
    assert stores.windows.covered("bikes") == Covered()
    assert stores.windows.get("bikes", 1, "champion", 0) is None


def live(epoch, **changes):
    window = WindowPerformance(number=0, from_us=AT, to_us=AT + 9, rows=50, labelled=20, loss=1.5, waits="waits for labels")
    fields = {
        "model": "bikes",
        "epoch": epoch,
        "version": epoch,
        "metric": "mae",
        "lower_is_better": True,
        "recorded_at": AT,
        "labels": 7,
        "labels_known": 7,
        "lines": 3,
        "reference": Reference(rows=100, loss=1.0, loss_variance=0.1, df=9, value=1.0),
        "windows": (window,),
    }
    return LiveReport(**fields | changes)


def test_the_performance_of_an_epoch_is_revised_in_its_place(stores):
    assert stores.windows.live("bikes", 1) is None
    for report in (live(2), live(1), live(10), live(2, labels=9), live(3, model="trams")):
        stores.windows.keep_live(report)
    assert stores.windows.live("bikes", 2) == live(2, labels=9)
    assert [report.epoch for report in stores.windows.lives("bikes")] == [1, 2, 10]
    assert [report.epoch for report in stores.windows.lives("bikes", 2)] == [2, 10]


def shape(number, **changes):
    columns = {
        "f:Zürich ☂": ColumnShape(rows=10, absent=1, counts=(4, 0, 5)),
        "f:city": ColumnShape(rows=10, absent=0, unseen={"Lyon": 10}),
    }
    fields = {"model": "bikes", "epoch": 1, "arm": "champion", "number": number, "version": 3, "from_us": AT, "to_us": AT + 9, "rows": 10}
    return WindowShape(**fields | {"columns": columns} | changes)


def test_shapes_are_committed_with_their_windows_or_not_at_all(stores):
    stores.windows.commit("bikes", Covered(), "b1", {"w": 7}, [window(0), window(1)], shapes=[shape(0), shape(1)])
    assert stores.windows.shapes("bikes", 1, "champion") == (shape(0), shape(1))
    assert stores.windows.shapes("bikes", 1, "champion", 1) == (shape(1),)
    assert stores.windows.shape("bikes", 1, "champion", 1) == shape(1)
    assert stores.windows.shape("bikes", 2, "champion", 1) is None
    with pytest.raises(ConflictError):
        stores.windows.commit("bikes", Covered(), "b1", {"w": 9}, [window(0)], shapes=[shape(0, rows=99)])
    assert stores.windows.shape("bikes", 1, "champion", 0) == shape(0)


def test_shapes_go_with_their_windows_when_everything_starts_anew(stores):
    stores.windows.commit("bikes", Covered(), "b1", {"w": 7}, [window(0)], shapes=[shape(0)])
    stores.windows.commit("trams", Covered(), "b1", {"w": 7}, [], shapes=[shape(0, model="trams")])
    stores.windows.commit("bikes", stores.windows.covered("bikes"), "b2", {"w": 7}, [window(5)])
    assert stores.windows.shapes("bikes", 1, "champion") == ()
    assert stores.windows.shapes("trams", 1, "champion") == (shape(0, model="trams"),)


def test_drift_and_the_name_of_a_reference_are_put_in_the_place_of_what_was_kept(stores):
    numbers = {"effect": 0.4, "low": 0.3, "high": 0.5, "tolerance": 0.03, "design_effect": 1.0}
    moved = ColumnDrift(column="f:temp", kind=Kind.NUMBER, aspect=Aspect.VALUES, drifting=True, **numbers)
    report = DriftReport(
        model="bikes", epoch=1, version=3, recorded_at=AT, lines=1, asked="x", reference_rows=100, windows=(), columns=(moved,)
    )
    assert stores.windows.drift("bikes", 1) is None
    stores.windows.keep_drift(report)
    assert stores.windows.drift("bikes", 1) == report
    assert stores.windows.drift("bikes", 1).drifting == (moved,)
    assert stores.windows.reference("bikes", 3) is None
    for digest in ("d1", "d2"):
        stores.windows.keep_reference("bikes", 3, digest)
    assert stores.windows.reference("bikes", 3) == "d2"
