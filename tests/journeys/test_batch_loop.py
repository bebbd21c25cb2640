"""The whole loop for people who never serve: files are scored, labels come by key, and the wheel turns."""

import csv
from datetime import datetime, timedelta

import pytest
from journey_parts import query, volant

pytestmark = pytest.mark.slow
DAYS = 10


def split(root):
    """The project's last ``DAYS`` days leave its file: raw rows (no target), and their demand by key."""
    path = root / "data" / "example.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kept, later = rows[: -24 * DAYS], rows[-24 * DAYS :]
    write(path, kept)
    write(root / "today.csv", [{k: v for k, v in row.items() if k != "demand"} for row in later])
    write(root / "truth.csv", [truth(row) for row in reversed(later)])
    return len(kept), later


def truth(row):
    """A label as it comes in: by key, known a day later."""
    known = datetime.fromisoformat(row["hour"]) + timedelta(days=1)
    return {"hour": row["hour"], "demand": row["demand"], "known": known.isoformat()}


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_files_are_scored_labelled_by_key_and_learned_from_without_a_server(plain):
    before, later = split(plain)
    assert volant(plain, "run").json["state"] == "proposed"
    volant(plain, "approve", "latest", "--reason", "good")
    scored = volant(plain, "predict", "@champion", "--data", "today.csv").json
    assert (scored["rows"], scored["logged"], scored["version"]) == (len(later), len(later), 1)
    unlabelled = volant(plain, "run").json
    assert unlabelled["cached"]  # predictions without labels teach nothing

    half = plain / "half.csv"
    write(half, [truth(row) for row in later[: len(later) // 2]])
    assert volant(plain, "labels", "add", "half.csv", "--on", "hour", "--known-at", "known").json["new"] == len(later) // 2
    added = volant(plain, "labels", "add", "truth.csv", "--on", "hour", "--known-at", "known").json
    assert (added["new"], added["repeated"], added["unmatched"]) == (len(later) // 2, len(later) // 2, 0)

    second = volant(plain, "run", expect=None).json
    assert second["version"] == 2
    status = volant(plain, "status").json
    assert status["data"]["rows"] == before + len(later)
    assert status["labels"] == len(later)
    volant(plain, "approve", "toy@2", "--override", "--reason", "it has seen more")
    assert volant(plain, "predict", "@champion", "--data", "today.csv").json["version"] == 2

    corrected = plain / "corrected.csv"
    write(corrected, [truth(later[0]) | {"demand": "999"}])
    assert volant(plain, "labels", "add", "corrected.csv", "--on", "hour", "--known-at", "known").json["corrected"] == 1
    assert volant(plain, "run", expect=None).json["version"] == 3
    assert len(query(plain, "select number from dataset_version")) >= 3
    assert volant(plain, "audit", "verify").json["intact"]
