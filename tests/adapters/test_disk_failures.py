"""Disks that are full, folders that cannot be written, files that are not what they should be."""

import os
import random
import sqlite3
import subprocess
import tempfile
from pathlib import Path

import pytest
from registry_parts import approve_next, registry_of
from stored_values import AT, dataset_version, new_event, run

from volant.adapters.db.sqlite.migrating import check_library
from volant.adapters.db.sqlite.places import UNSAFE, file_system
from volant.adapters.db.sqlite.statements import SCHEMA, migrations
from volant.adapters.objects.local import LocalObjects
from volant.evidence.model import Label
from volant.kernel.audit import checkpoint_if_new, read_anchors, verify
from volant.kernel.errors import IntegrityError, UnavailableError
from volant.tracking.model import Metric
from volant.wiring.stores import sqlite_stores


def mount(place: Path, options: str) -> None:
    said = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(place)], capture_output=True, text=True, check=False)
    if said.returncode:
        pytest.skip(f"no file system can be mounted here: {said.stderr.strip()}")


@pytest.fixture
def small(tmp_path):
    """A disk of 2 MB."""
    place = tmp_path / "small"
    place.mkdir()
    mount(place, "size=2m")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def on_small(small, clock, ids):
    stores = sqlite_stores(small / "state", clock, ids)
    yield stores
    stores.tx.close()


def fill(place: Path, leave: int = 0) -> Path:
    """Take all space but ``leave`` bytes."""
    ballast = place / "ballast"
    file = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(file, b"x" * 4096):
            pass
    except OSError:
        os.ftruncate(file, max(0, os.fstat(file).st_size - leave))
    finally:
        os.close(file)
    return ballast


def labels(count: int, value: int = 1) -> list[Label]:
    return [Label(key=f"{number:050d}", value=value, known_at=AT, recorded_at=AT) for number in range(count)]


@pytest.mark.parametrize("leave", [0, 4096, 40_960, 200_000])
def test_a_full_disk_refuses_a_change_whole_and_takes_it_when_there_is_space(small, on_small, leave):
    on_small.labels.add("bikes", labels(5))
    ballast = fill(small, leave)
    for _ in range(3):
        with pytest.raises(UnavailableError) as error:
            on_small.labels.add("bikes", labels(20_000, value=2))
        assert error.value.next_step
        assert [found.value for found in on_small.labels.current("bikes", AT)] == [1] * 5
    ballast.unlink()
    assert on_small.labels.add("bikes", labels(100, value=2)).corrected == 5
    assert on_small.labels.count("bikes", AT) == 100
    assert sqlite3.connect(small / "state" / "volant.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_full_disk_says_that_there_is_no_space(small, on_small):
    fill(small)
    with pytest.raises(UnavailableError, match="no space left"):
        on_small.labels.add("bikes", labels(20_000))


def test_a_disk_that_fills_up_bit_by_bit_keeps_all_that_was_acknowledged(small, on_small):
    """Every store until nothing fits any more: what was said is there, and the histories are whole."""
    ballast, told, number = fill(small, 600_000), 0, 0
    on_small.runs.create(run())
    try:
        while True:
            number += 1
            told = approve_next(on_small, number).epoch
            on_small.runs.log_metrics(run().id, [Metric(key="mae", value=number, step=number, timestamp_us=AT)])
    except UnavailableError:
        pass
    state = registry_of(on_small).state("bikes")
    assert state.epoch in {told, told + 1}
    assert told > 2
    assert on_small.models.aliases("bikes")["champion"] == state.champion
    assert verify(on_small.events).intact
    ballast.unlink()
    assert approve_next(on_small, number + 1).epoch == state.epoch + 1
    assert verify(on_small.events).intact


def test_an_error_inside_a_transaction_that_the_caller_catches_lets_nothing_through(small, on_small):
    """SQLite may end a transaction by itself when the disk is full: what follows must not be written outside of it."""
    ballast = fill(small, 100_000)
    with pytest.raises(UnavailableError), on_small.tx.transaction():  # noqa: PT012 - the transaction is the statement
        on_small.events.append("s/a", 0, [new_event("first")], actor="x")
        with pytest.raises(UnavailableError):
            on_small.labels.add("bikes", labels(50_000))
        ballast.unlink()
        on_small.events.append("s/b", 0, [new_event("second")], actor="x")
        with pytest.raises(UnavailableError):
            on_small.labels.add("bikes", labels(5_000_000 // 100))
    assert on_small.labels.current("bikes", AT) == ()
    assert on_small.events.streams() in {(), ("s/a", "s/b")}


def test_a_full_disk_refuses_an_object_and_leaves_nothing_of_it(small):
    store = LocalObjects(small / "objects")
    kept = store.put(b"kept" * 1000)
    source = small / "source"
    source.write_bytes(os.urandom(900_000))
    ballast = fill(small, 300_000)
    for put in (lambda: store.put(os.urandom(900_000)), lambda: store.put_file(source)):
        with pytest.raises(UnavailableError, match="no space left"):
            put()
    assert list((small / "objects" / "tmp").iterdir()) == []
    assert [path.name for path in (small / "objects").rglob("*") if path.is_file()] == [kept]
    assert store.get(kept) == b"kept" * 1000
    ballast.unlink()
    assert store.get(store.put_file(source)) == source.read_bytes()


def test_a_full_disk_refuses_an_anchor_and_keeps_it_when_there_is_space(small, disk, anchors):
    disk.events.append("s/a", 0, [new_event()], actor="x")
    ballast = fill(small)
    with pytest.raises(UnavailableError, match="anchor"):
        checkpoint_if_new(disk.events, anchors)
    assert read_anchors(anchors) == ()
    ballast.unlink()
    assert not checkpoint_if_new(disk.events, anchors)
    assert [anchor.number for anchor in read_anchors(anchors)] == [1]


@pytest.fixture
def anchors(small):
    return small / "anchors"


def test_a_database_cannot_be_made_on_a_full_disk(small, clock, ids):
    ballast = fill(small)
    with pytest.raises(UnavailableError):
        sqlite_stores(small / "state", clock, ids)
    ballast.unlink()
    sqlite_stores(small / "state", clock, ids).tx.close()


def test_a_read_only_disk_is_refused_with_a_reason_but_its_objects_are_read(small, clock, ids):
    stores = sqlite_stores(small / "state", clock, ids)
    name = stores.objects.put(b"kept")
    stores.tx.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    for folder in ("state", "other"):
        with pytest.raises(UnavailableError) as error:
            sqlite_stores(small / folder, clock, ids)
        assert "rights" in error.value.next_step or "write to it" in error.value.next_step
    objects = LocalObjects(small / "state" / "objects")
    assert objects.get(name) == b"kept"
    assert objects.put(b"kept") == name
    with pytest.raises(UnavailableError, match="cannot be written"):
        objects.put(b"new")


def test_a_folder_without_the_right_to_write_is_refused_with_a_reason(clock, ids):
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "state"
        sqlite_stores(folder, clock, ids).tx.close()
        for path in (Path(place), folder):
            path.chmod(0o555)
        child = os.fork()
        if child == 0:  # rights do not bind the superuser
            code = 1
            try:
                os.setuid(65534 if os.geteuid() == 0 else os.geteuid())
                sqlite_stores(folder, clock, ids).events.append("s/a", 0, [new_event()], actor="x")
            except UnavailableError as error:
                code = 0 if "rights" in error.next_step or "may write to it" in error.next_step else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        for path in (Path(place), folder):
            path.chmod(0o755)


@pytest.mark.parametrize(
    "content",
    [b"this is not a database\n" * 400, random.Random(7).randbytes(50_000), b"PK\x03\x04" + b"\0" * 9000],
    ids=["text", "noise", "zip"],
)
def test_a_file_that_is_not_a_database_is_refused_and_left_alone(folder, clock, ids, content):
    folder.mkdir()
    (folder / "volant.db").write_bytes(content)
    with pytest.raises(IntegrityError, match="damaged"):
        sqlite_stores(folder, clock, ids)
    assert (folder / "volant.db").read_bytes() == content


def test_a_database_of_another_program_is_refused_and_left_alone(folder, clock, ids):
    folder.mkdir()
    other = sqlite3.connect(folder / "volant.db")
    other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.close()
    before = (folder / "volant.db").read_bytes()
    with pytest.raises(IntegrityError, match="not a database of Volant"):
        sqlite_stores(folder, clock, ids)
    assert (folder / "volant.db").read_bytes() == before


def test_a_database_of_a_newer_schema_is_refused_with_the_way_out(disk, folder, clock, ids):
    disk.tx.close()
    newer = sqlite3.connect(folder / "volant.db")
    newer.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    newer.close()
    with pytest.raises(UnavailableError, match="newer Volant") as error:
        sqlite_stores(folder, clock, ids)
    assert "upgrade" in error.value.next_step


def test_a_folder_in_the_place_of_the_database_is_refused(folder, clock, ids):
    (folder / "volant.db").mkdir(parents=True)
    with pytest.raises(UnavailableError):
        sqlite_stores(folder, clock, ids)


def test_a_file_in_the_place_of_the_folder_is_refused(folder, clock, ids):
    folder.write_text("a file")
    with pytest.raises(UnavailableError, match="cannot be used"):
        sqlite_stores(folder, clock, ids)


def test_a_damaged_page_is_an_error_not_an_answer(disk, folder, clock, ids):
    disk.labels.add("bikes", labels(2000))
    disk.datasets.add(dataset_version())
    disk.tx.close()
    with (folder / "volant.db").open("r+b") as file:
        for page in range(1, Path(file.name).stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(b"\xde\xad\xbe\xef" * 16)
    with pytest.raises(IntegrityError, match="damaged"):
        sqlite_stores(folder, clock, ids).labels.current("bikes", AT)


def test_a_stored_document_that_was_changed_is_an_error_that_names_it(disk, folder):
    disk.datasets.add(dataset_version())
    other = sqlite3.connect(folder / "volant.db")
    other.execute("""UPDATE dataset_version SET body = CAST('{"dataset":1}' AS BLOB)""")
    other.commit()
    other.close()
    with pytest.raises(IntegrityError, match="DatasetVersion"):
        disk.datasets.latest("bikes")


def test_the_schema_number_is_that_of_the_last_migration(disk, folder):
    assert [number for number, _, _ in migrations()] == list(range(1, SCHEMA + 1))
    assert disk
    found = sqlite3.connect(folder / "volant.db")
    assert found.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
    assert found.execute("SELECT number, name FROM migration ORDER BY number").fetchall() == [(n, name) for n, name, _ in migrations()]
    assert found.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    found.close()


def test_an_sqlite_too_old_for_the_schema_is_refused_with_the_way_out():
    check_library(sqlite3.sqlite_version_info)
    with pytest.raises(UnavailableError, match=r"3\.34\.1.*3\.37") as error:
        check_library((3, 34, 1))
    assert "Python" in error.value.next_step


def test_a_network_file_system_is_recognised_from_the_mount_table():
    table = (
        "36 35 98:0 / / rw,noatime shared:1 - ext4 /dev/root rw\n"
        "41 36 0:57 / /home/a\\040b rw,relatime shared:9 - nfs4 server:/export rw\n"
        "42 36 0:58 / /mnt rw - fuse.sshfs host:/ rw\n"
    )
    assert file_system(os.makedev(0, 57), table) == "nfs4"
    assert file_system(os.makedev(98, 0), table) == "ext4"
    assert file_system(os.makedev(0, 99), table) is None
    assert {"nfs4", "cifs", "9p", "fuse.sshfs"} <= UNSAFE
    assert not {"ext4", "tmpfs", "overlay", "btrfs", "zfs"} & UNSAFE
