"""Stores in memory and predictions to log."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from volant.evidence.model import Label, LabelCounts, Outcome, Prediction, Segment
from volant.kernel.digests import digest
from volant.testing.clock import FakeClock


class FolderObjects:
    """Objects as files of one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)

    def put(self, data: bytes) -> str:
        name = digest(data)
        (self._root / name).write_bytes(data)
        return name

    def put_file(self, path: Path) -> str:
        return self.put(path.read_bytes())

    def get(self, name: str) -> bytes:
        return (self._root / name).read_bytes()

    def path(self, name: str) -> Path:
        return self._root / name

    def has(self, name: str) -> bool:
        return (self._root / name).exists()


class ListedSegments:
    def __init__(self) -> None:
        self.rows: dict[str, Segment] = {}

    def add(self, segment: Segment) -> bool:
        if segment.id in self.rows:
            return False
        self.rows[segment.id] = segment
        return True

    def segments(self, model: str) -> tuple[Segment, ...]:
        return tuple(sorted((s for s in self.rows.values() if s.model == model), key=lambda s: (s.first_at, s.id)))


class ListedLabels:
    def __init__(self) -> None:
        self.rows: list[Label] = []

    def add(self, model: str, labels) -> LabelCounts:
        counts = {"new": 0, "corrected": 0, "repeated": 0}
        for label in labels:
            before = self.history(model, label.prediction_id or label.key or "")
            kind = "new" if not before else "repeated" if before[-1].value == label.value else "corrected"
            counts[kind] += 1
            if kind != "repeated":
                self.rows.append(label)
        return LabelCounts(**counts)

    def current(self, model: str, known_by: int) -> tuple[Label, ...]:
        return tuple({(label.prediction_id, label.key): label for label in self.rows if label.known_at <= known_by}.values())

    def count(self, model: str, known_by: int, recorded_after: int = 0) -> int:
        return len({(x.prediction_id, x.key) for x in self.rows if x.known_at <= known_by and x.recorded_at > recorded_after})

    def history(self, model: str, subject: str) -> tuple[Label, ...]:
        return tuple(label for label in self.rows if subject in {label.prediction_id, label.key})


class NoTransactions:
    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def objects(tmp_path: Path) -> FolderObjects:
    return FolderObjects(tmp_path / "objects")


@pytest.fixture
def segments() -> ListedSegments:
    return ListedSegments()


@pytest.fixture
def label_store() -> ListedLabels:
    return ListedLabels()


@pytest.fixture
def tx() -> NoTransactions:
    return NoTransactions()


@pytest.fixture
def make_prediction():
    def make(number: int, *, rows: int = 1, at: int = 1_700_000_000_000_000, **changes) -> Prediction:
        fields = {
            "id": f"{number:032x}",
            "request_id": None,
            "at": at + number,
            "model": "bikes",
            "version": 1,
            "arm": "champion",
            "epoch": 1,
            "columns": {"x": [number + i / 10 for i in range(rows)], "city": ["Lyon"] * rows},
            "values": [float(number)] * rows,
            "scores": None,
            "keys": None,
            "event_times": None,
            "latency_us": 300,
            "outcome": Outcome.OK,
        }
        return Prediction(**fields | changes)

    return make
