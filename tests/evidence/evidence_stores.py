"""Stores of evidence in memory and in a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from volant.evidence.model import Label, LabelCounts, Segment
from volant.kernel.digests import digest


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
    """Labels of one model."""

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

    def current(self, model: str, known_by: int) -> tuple[Label, ...]:  # noqa: ARG002
        return tuple({(label.prediction_id, label.key): label for label in self.rows if label.known_at <= known_by}.values())

    def count(self, model: str, known_by: int, recorded_after: int = 0) -> int:  # noqa: ARG002
        return len({(x.prediction_id, x.key) for x in self.rows if x.known_at <= known_by and x.recorded_at > recorded_after})

    def history(self, model: str, subject: str) -> tuple[Label, ...]:  # noqa: ARG002
        return tuple(label for label in self.rows if subject in {label.prediction_id, label.key})


class NoTransactions:
    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield
