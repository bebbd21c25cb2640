"""Stores and predictions to log."""

from pathlib import Path

import pytest
from evidence_stores import FolderObjects, ListedLabels, ListedSegments, NoTransactions

from volant.evidence.model import Outcome, Prediction
from volant.testing.clock import FakeClock


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
