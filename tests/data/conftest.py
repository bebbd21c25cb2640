from contextlib import contextmanager
from pathlib import Path

import pytest

from volant.kernel.digests import digest, digest_file
from volant.kernel.errors import ConflictError, NotFoundError

DATA = Path(__file__).parents[3] / "shared" / "data"


class MemoryVersions:
    def __init__(self):
        self.rows = []

    def add(self, version):
        if version.number != len([v for v in self.rows if v.dataset == version.dataset]) + 1:
            raise ConflictError("taken")
        self.rows.append(version)

    def get(self, dataset, number):
        for version in self.versions(dataset):
            if version.number == number:
                return version
        raise NotFoundError("no such version")

    def latest(self, dataset):
        return next(iter(reversed(self.versions(dataset))), None)

    def with_digest(self, dataset, digest):
        return next((v for v in reversed(self.versions(dataset)) if v.digest == digest), None)

    def versions(self, dataset):
        return tuple(v for v in self.rows if v.dataset == dataset)

    def datasets(self):
        return tuple(sorted({v.dataset for v in self.rows}))


class FolderObjects:
    def __init__(self, folder):
        self.folder = folder

    def put(self, data):
        name = digest(data)
        (self.folder / name).write_bytes(data)
        return name

    def put_file(self, path):
        name = digest_file(path)
        (self.folder / name).write_bytes(path.read_bytes())
        return name

    def get(self, name):
        return (self.folder / name).read_bytes()

    def path(self, name):
        return self.folder / name

    def has(self, name):
        return (self.folder / name).exists()


class NoTransactions:
    @contextmanager
    def transaction(self):
        yield


class FixedClock:
    def __init__(self, at=2_000_000_000_000_000):
        self.at = at

    def now(self):
        return self.at


@pytest.fixture
def versions():
    return MemoryVersions()


@pytest.fixture
def objects(tmp_path):
    folder = tmp_path / "objects"
    folder.mkdir()
    return FolderObjects(folder)


@pytest.fixture
def clock():
    return FixedClock()


@pytest.fixture
def datasets(versions, objects, clock):
    from volant.data.service import Datasets

    return Datasets(versions, objects, NoTransactions(), clock)


@pytest.fixture
def data_folder():
    if not DATA.is_dir():
        pytest.skip("the real data sets are not in ../shared/data")
    return DATA


@pytest.fixture
def write(tmp_path):
    def put(content, name="rows.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return put
