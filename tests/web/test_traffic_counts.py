from web_seed import NOW, Seeding
from web_site import new_project

from volant.evidence.frames import frame
from volant.evidence.log import encode
from volant.kernel.clock import DAY_US
from volant.wiring.traffic import Traffic


def test_open_and_sealed_rows_are_counted_by_day(tmp_path):
    project = new_project(tmp_path)
    seeding = Seeding(project)
    seeding.evidence()
    sealed = sum(segment.rows for segment in project.segments.segments("bikes"))
    counts = Traffic(project).counts("bikes", NOW)
    assert counts["total"] == sealed + 60
    assert sum(counts["by_day"]) == counts["total"]
    assert counts["last_day"] == counts["by_day"][-1] >= 60


def test_a_growing_log_is_read_on_from_where_it_was_left_off(tmp_path):
    project = new_project(tmp_path)
    seeding, traffic = Seeding(project), Traffic(project)
    folder = project.log_folder / "w1"
    folder.mkdir(parents=True)
    path = folder / "00000000000000000001.log"
    whole = frame(encode(seeding._prediction(1)))
    path.write_bytes(whole + whole[:20])
    assert traffic.counts("bikes", NOW)["total"] == 2
    with path.open("ab") as file:
        file.write(whole[20:] + whole)
    assert traffic.counts("bikes", NOW)["total"] == 6
    path.write_bytes(whole)
    assert traffic.counts("bikes", NOW)["total"] == 2
    path.unlink()
    assert traffic.counts("bikes", NOW)["total"] == 0


def test_damage_and_strangers_in_the_log_folder_stop_nothing(tmp_path):
    project = new_project(tmp_path)
    folder = project.log_folder / "w1"
    folder.mkdir(parents=True)
    good = frame(encode(Seeding(project)._prediction(1)))
    (folder / "00000000000000000001.log").write_bytes(b"garbage" * 50 + good + frame(b"not json") + good)
    (folder / "notes.txt").write_text("hello")
    assert Traffic(project).counts("bikes", NOW)["total"] == 4


def test_rows_of_long_segments_are_spread_and_old_ones_only_in_the_sum(tmp_path):
    from volant.evidence.model import Segment

    project = new_project(tmp_path)
    base = {"model": "bikes", "worker": "w", "digest": "d", "sealed_at": NOW}
    project.segments.add(Segment(id="long", rows=100, first_at=NOW - 10 * DAY_US, last_at=NOW, **base))
    project.segments.add(Segment(id="old", rows=7, first_at=NOW - 90 * DAY_US, last_at=NOW - 80 * DAY_US, **base))
    counts = Traffic(project).counts("bikes", NOW)
    assert counts["total"] == 107
    assert counts["by_day"][-10:] == [10] * 10
    assert sum(counts["by_day"]) == 100
