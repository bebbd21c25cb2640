"""Objects by content, the same in memory and as local files."""

import fcntl
import os
import threading

import pytest
from blake3 import blake3

from volant.adapters.objects.local import LocalObjects
from volant.adapters.objects.memory import MemoryObjects
from volant.kernel.errors import IntegrityError, NotFoundError, UnavailableError

HELLO = blake3(b"hello").hexdigest()


@pytest.fixture(params=["memory", "local"])
def objects(request, tmp_path):
    return MemoryObjects() if request.param == "memory" else LocalObjects(tmp_path / "objects")


@pytest.fixture
def local(tmp_path):
    return LocalObjects(tmp_path / "objects")


def place(tmp_path, digest: str):
    return tmp_path / "objects" / digest[:2] / digest


@pytest.mark.parametrize("data", [b"", b"hello", b"\x00\xff" * 700_000])
def test_bytes_come_back_by_their_digest(objects, data):
    digest = objects.put(data)
    assert digest == blake3(data).hexdigest()
    assert objects.has(digest)
    assert objects.get(digest) == data
    assert objects.path(digest).read_bytes() == data
    assert objects.put(data) == digest


@pytest.mark.parametrize("size", [0, 5, 1 << 20, (1 << 20) + 1])
def test_a_file_is_stored_by_its_content(objects, tmp_path, size):
    source = tmp_path / "source.bin"
    source.write_bytes(os.urandom(size))
    digest = objects.put_file(source)
    assert digest == blake3(source.read_bytes()).hexdigest()
    assert objects.get(digest) == source.read_bytes()
    assert objects.put_file(source) == objects.put(source.read_bytes()) == digest
    assert source.exists()


@pytest.mark.parametrize("source", ["missing.bin", ".", "nul\x00"])
def test_a_file_that_cannot_be_read_is_named(objects, tmp_path, source):
    with pytest.raises(UnavailableError) as error:
        objects.put_file(tmp_path / source)
    assert error.value.what.startswith(str(tmp_path / source))


HOSTILE = [
    "../x",
    "",
    "..",
    "/etc/passwd",
    "a",
    HELLO.upper(),
    HELLO + "0",
    HELLO[:-1],
    "../" * 20 + "etc/passwd",
    "\x00" * 64,
    "é" * 64,
    f"{HELLO[:60]}/../",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_digest_is_not_found(objects, tmp_path, name):
    (tmp_path / "x").write_text("secret")
    objects.put(b"hello")
    assert not objects.has(name)
    for read in (objects.get, objects.path):
        with pytest.raises(NotFoundError) as error:
            read(name)
        assert len(str(error.value)) < 1000


def test_an_absent_object_is_not_found(objects):
    with pytest.raises(NotFoundError, match=HELLO):
        objects.get(HELLO)
    assert not objects.has(HELLO)


@pytest.mark.parametrize("damage", [b"", b"hellp", b"hello "])
def test_damaged_bytes_are_reported_not_returned(local, tmp_path, damage):
    digest = local.put(b"hello")
    place(tmp_path, digest).chmod(0o644)
    place(tmp_path, digest).write_bytes(damage)
    for read in (local.get, local.path, LocalObjects(tmp_path / "objects").path):
        with pytest.raises(IntegrityError, match="damaged") as error:
            read(digest)
        assert str(place(tmp_path, digest)) in str(error.value)


def test_a_path_is_verified_once_per_process(local, tmp_path):
    digest = local.put(b"hello")
    first = local.path(digest)
    place(tmp_path, digest).chmod(0o644)
    place(tmp_path, digest).write_bytes(b"hellp")
    assert local.path(digest) == first
    with pytest.raises(IntegrityError):
        local.get(digest)


def test_an_object_that_cannot_be_read_says_so(local, tmp_path):
    digest = local.put(b"hello")
    place(tmp_path, digest).unlink()
    place(tmp_path, digest).mkdir()
    for read in (local.get, local.path):
        with pytest.raises(UnavailableError, match="cannot be read"):
            read(digest)


def test_objects_are_read_only_files_and_nothing_else_stays(local, tmp_path):
    local.put(b"hello")
    files = [path for path in (tmp_path / "objects").rglob("*") if path.is_file()]
    assert files == [place(tmp_path, HELLO)]
    assert files[0].stat().st_mode & 0o777 == 0o444


def test_a_second_process_sees_the_same_objects(local, tmp_path):
    digest = local.put(b"hello")
    assert LocalObjects(tmp_path / "objects").get(digest) == b"hello"


def test_writers_of_the_same_content_do_not_disturb_each_other(tmp_path):
    stores = [LocalObjects(tmp_path / "objects") for _ in range(4)]
    data, found = os.urandom(300_000), []

    def put(store):
        found.extend(store.put(data) for _ in range(5))

    threads = [threading.Thread(target=put, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert set(found) == {blake3(data).hexdigest()}
    assert len(found) == 20
    assert stores[0].get(found[0]) == data
    assert list((tmp_path / "objects" / "tmp").iterdir()) == []


def test_opening_sweeps_what_a_dead_process_left_and_spares_a_live_one(tmp_path):
    tmp = tmp_path / "objects" / "tmp"
    tmp.mkdir(parents=True)
    dead, alive, foreign = tmp / f"{os.getpid()}-{'a' * 16}", tmp / f"7-{'b' * 16}", tmp / "notes.txt"
    for file in (dead, alive, foreign):
        file.write_bytes(b"half")
    with alive.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        LocalObjects(tmp_path / "objects")
        assert not dead.exists(), "its pid lives again, but nobody holds the file"
        assert alive.exists()
    assert foreign.exists()


def test_sweeping_all_the_time_never_takes_a_file_that_is_being_written(tmp_path):
    store, stop = LocalObjects(tmp_path / "objects"), threading.Event()

    def sweep():
        while not stop.is_set():
            LocalObjects(tmp_path / "objects")

    thread = threading.Thread(target=sweep)
    thread.start()
    try:
        names = [store.put(os.urandom(2000)) for _ in range(200)]
    finally:
        stop.set()
        thread.join(30)
    assert all(store.has(name) for name in names)


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "objects").write_text("not a folder")
    with pytest.raises(UnavailableError, match="cannot be opened"):
        LocalObjects(tmp_path / "objects")
