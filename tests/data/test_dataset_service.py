import os
import subprocess
import sys

import polars as pl
import pytest

from volant.config.model import DataConfig, ProjectConfig, Task
from volant.data.contract_inference import infer_contract
from volant.data.model import Origin
from volant.data.odcs import dump_contract
from volant.data.reading import read_frame, sniff
from volant.data.service import MEMO, parquet_bytes, read_contract
from volant.data.stat_memo import StatMemo
from volant.kernel.digests import digest
from volant.kernel.errors import InvalidInputError, NotFoundError, UsageError

ROWS = "hour,x,y\n" + "".join(f"2026-01-{d:02d},{d}.5,{d % 3}\n" for d in range(1, 29))


def config(source="rows.csv", target="y", **data):
    return ProjectConfig(version=1, project="p", task=Task.REGRESSION, target=target, metric="mae", data=DataConfig(source=source, **data))


def test_the_source_becomes_a_version_with_its_profile(datasets, write, tmp_path, objects):
    write(ROWS)
    version = datasets.ingest(config(), tmp_path)
    assert (version.number, version.rows, version.origin, version.format) == (1, 28, Origin.SOURCE, "csv")
    assert [c.name for c in version.columns] == ["hour", "x", "y"]
    assert datasets.frame(version).equals(read_frame(tmp_path / "rows.csv", "csv", version.columns))
    assert datasets.profile(version).rows == 28
    assert version.report is None
    assert objects.has(version.digest)


def test_the_same_bytes_are_the_same_version_and_other_bytes_the_next(datasets, write, tmp_path):
    write(ROWS)
    first = datasets.ingest(config(), tmp_path)
    assert datasets.ingest(config(), tmp_path) == first
    write(ROWS + "2026-01-29,1,1\n")
    assert datasets.known(config(), tmp_path) is None
    assert datasets.ingest(config(), tmp_path).number == 2
    write(ROWS)
    assert datasets.known(config(), tmp_path) == first


@pytest.mark.parametrize("content", ["", "hour,x,y\n", "hour,x,x\n1,2,3\n", "hour,x,y\n1,2\n", b"hour,x,y\n\xff,1,2\n"])
def test_a_source_that_cannot_be_used_leaves_nothing_behind(datasets, write, tmp_path, objects, content):
    write(content)
    with pytest.raises(InvalidInputError):
        datasets.ingest(config(), tmp_path)
    assert datasets._store.rows == []
    assert list(objects.folder.iterdir()) == []


def test_a_missing_source_names_the_nearest_file(datasets, write, tmp_path):
    write(ROWS, "rows.csv")
    with pytest.raises(NotFoundError, match=r"did you mean .*rows\.csv"):
        datasets.known(config(source="row.csv"), tmp_path)


@pytest.mark.parametrize(
    ("change", "field"),
    [({"target": "z"}, "target"), ({"time": "hours"}, "data.time"), ({"key": ("z",)}, "data.key"), ({"drop": ("X",)}, "data.drop")],
)
def test_columns_that_the_project_names_must_be_there(datasets, write, tmp_path, change, field):
    write(ROWS)
    with pytest.raises(InvalidInputError) as error:
        datasets.ingest(config(**change), tmp_path)
    assert error.value.field == field
    assert datasets._store.rows == []


def test_a_file_that_has_not_changed_is_not_read_again(write, tmp_path, clock):
    path = write(ROWS)
    os.utime(path, ns=(10**18, 10**18))
    memo = StatMemo(tmp_path / MEMO, clock)
    name = memo.digest(path)
    assert name == digest(path.read_bytes())
    memo_text = (tmp_path / MEMO).read_text().replace(name, "0" * 64)
    (tmp_path / MEMO).write_text(memo_text)
    assert memo.digest(path) == "0" * 64  # from the memo, without reading the file
    path.write_text(ROWS + "2026-02-01,1,1\n")
    assert memo.digest(path) == digest(path.read_bytes())


def test_a_file_changed_just_now_is_not_trusted_to_its_change_time(write, tmp_path, clock):
    path = write(ROWS)
    clock.at = path.stat().st_mtime_ns // 1000 + 100
    StatMemo(tmp_path / MEMO, clock).digest(path)
    assert not (tmp_path / MEMO).exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff", b'{"a": 1}'])
def test_a_damaged_memo_only_costs_hashing_again(write, tmp_path, clock, damage):
    path = write(ROWS)
    os.utime(path, ns=(10**18, 10**18))
    (tmp_path / MEMO).parent.mkdir(parents=True)
    (tmp_path / MEMO).write_bytes(damage)
    assert StatMemo(tmp_path / MEMO, clock).digest(path) == digest(path.read_bytes())


def test_a_frame_made_from_the_log_is_frozen_once(datasets, write, tmp_path):
    write(ROWS)
    base = datasets.ingest(config(), tmp_path)
    frame = datasets.frame(base).with_columns(_row=pl.lit("q"), _event_time=pl.lit(5), _known_at=pl.lit(None, dtype=pl.Int64))
    version = datasets.add_frame(frame, dataset="p", base=base, label_cutoff_at=9, notes=("selective",))
    assert (version.number, version.base, version.format, version.origin) == (2, 1, "parquet", Origin.LOG)
    assert (version.label_cutoff_at, version.notes) == (9, ("selective",))
    assert datasets.frame(version).equals(frame)
    assert datasets.add_frame(frame, dataset="p", base=base).number == 2


def test_equal_frames_give_equal_parquet_bytes():
    frame = pl.DataFrame({"a": range(300_000), "s": ["x", None, "y"] * 100_000})
    assert parquet_bytes(frame) == parquet_bytes(pl.concat([frame[:100], frame[100:]], rechunk=False))


def test_a_version_keeps_the_report_of_its_contract_and_a_changed_contract_is_checked_anew(datasets, write, tmp_path):
    path = write(ROWS)
    table = sniff(path)
    frame = read_frame(path, "csv", table.columns)
    with_contract = config(contract="c.odcs.yaml")
    text = dump_contract(infer_contract(frame, table.columns, name="p"))
    (tmp_path / "c.odcs.yaml").write_text(text)
    version = datasets.ingest(with_contract, tmp_path)
    report = datasets.report(version, with_contract, tmp_path)
    assert report.valid
    assert version.contract == report.contract
    (tmp_path / "c.odcs.yaml").write_text(text.replace("maximum: 3", "maximum: 1"))
    assert not datasets.report(version, with_contract, tmp_path).valid
    assert not datasets.check(with_contract, tmp_path).valid
    assert datasets.report(version, config(), tmp_path) is None


def test_a_contract_that_is_named_must_be_there_and_be_one(tmp_path):
    with pytest.raises(NotFoundError):
        read_contract(config(contract="c.yaml"), tmp_path)
    (tmp_path / "c.yaml").write_text("kind: Other\n")
    with pytest.raises(UsageError):
        read_contract(config(contract="c.yaml"), tmp_path)


def test_asking_whether_a_source_is_known_imports_nothing_heavy():
    code = "import sys, volant.data.service, volant.data.source, volant.data.source_file; print(*sorted(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "polars", "scipy", "yaml"} & set(found)
