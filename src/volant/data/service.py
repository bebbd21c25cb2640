"""Dataset versions: freeze what the source holds now, give frames back, freeze frames made from the log."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from volant.config.model import ProjectConfig
from volant.data.model import Column, DatasetVersion, Dtype, Origin
from volant.data.ports import DatasetStore
from volant.data.stat_memo import StatMemo
from volant.kernel.clock import Clock
from volant.kernel.codec import canonical, decode
from volant.kernel.digests import digest_value
from volant.kernel.errors import ConflictError, InvalidInputError, NotFoundError, UsageError
from volant.kernel.objects import ObjectStore
from volant.kernel.transactions import Transactions

if TYPE_CHECKING:
    import polars as pl

    from volant.data.contract import Contract
    from volant.data.profile import Profile
    from volant.data.report import ValidationReport

MEMO = Path(".volant/cache/sources.json")
_ROW_GROUP = 1 << 17


class Datasets:
    """Versions of a project's dataset. Importing this module is light; reading data is not."""

    def __init__(self, store: DatasetStore, objects: ObjectStore, tx: Transactions, clock: Clock) -> None:
        self._store, self._objects, self._tx, self._clock = store, objects, tx, clock

    def known(self, config: ProjectConfig, root: Path) -> DatasetVersion | None:
        """The version that holds the source's present bytes, if there is one. One ``stat`` when nothing changed.

        Raises as :func:`ingest` for a source that is not there.
        """
        from volant.data.source import source_path

        path = source_path(config, root)
        return self._store.with_digest(config.project, StatMemo(root / MEMO, self._clock).digest(path))

    def ingest(self, config: ProjectConfig, root: Path) -> DatasetVersion:
        """The version of the source's present bytes, made if it is new. Nothing is left behind when it fails.

        Raises ``NotFoundError`` or ``InvalidInputError`` for a source that cannot be used and ``ConflictError`` if
        it changed while being read.
        """
        known = self.known(config, root)
        return known if known is not None else self._freeze_source(config, root)

    def _freeze_source(self, config: ProjectConfig, root: Path) -> DatasetVersion:
        from volant.data.reading import sniff
        from volant.data.source import check_columns, source_path
        from volant.data.validate import check_file

        path = source_path(config, root)
        expected = StatMemo(root / MEMO, self._clock).digest(path)
        contract = read_contract(config, root)
        table = sniff(path, config.data.source)
        check_columns(table, config)
        report = check_file(path, table.format, contract, shown=config.data.source) if contract is not None else None
        digest = self._objects.put_file(path)
        if digest != expected:
            raise ConflictError(f"{config.data.source} changed while it was read.", found="other bytes", next_step="run again")
        return self._add(
            DatasetVersion(
                dataset=config.project,
                number=0,
                digest=digest,
                format=table.format,
                rows=table.rows,
                columns=table.columns,
                origin=Origin.SOURCE,
                source=config.data.source,
                recorded_at=self._clock.now(),
                profile=self._objects.put(canonical(self._profile(digest, table.format, table.columns))),
                contract=None if report is None else report.contract,
                report=None if report is None else self._objects.put(canonical(report)),
                notes=table.warnings,
            )
        )

    def _profile(self, digest: str, format: str, columns: tuple[Column, ...]) -> "Profile":  # noqa: A002 - the seam's word
        from volant.data.profile import profile_frame
        from volant.data.reading import scan_frame

        return profile_frame(scan_frame(self._objects.path(digest), format, columns), columns)

    def profile(self, version: DatasetVersion) -> "Profile":
        """The version's profile, as stored or made now."""
        from volant.data.profile import Profile

        if version.profile is not None:
            return decode(self._objects.get(version.profile), Profile)
        return self._profile(version.digest, version.format, version.columns)

    def report(self, version: DatasetVersion, config: ProjectConfig, root: Path) -> "ValidationReport | None":
        """The version held to the project's present contract; None if the project has none.

        As stored when the contract is the one the version was frozen under, else checked now.
        """
        from volant.data.report import ValidationReport
        from volant.data.validate import check_file

        contract = read_contract(config, root)
        if contract is None:
            return None
        if version.report is not None and version.contract == digest_value(contract):
            return decode(self._objects.get(version.report), ValidationReport)
        return check_file(self._objects.path(version.digest), version.format, contract, shown=version.source)

    def check(self, config: ProjectConfig, root: Path, data: Path | None = None) -> "ValidationReport":
        """Hold the source, or another file, to the contract; nothing is stored. ``NotFoundError`` without a contract."""
        from volant.data.reading import file_format
        from volant.data.source import source_path
        from volant.data.source_file import check_source
        from volant.data.validate import check_file

        contract = read_contract(config, root)
        if contract is None:
            raise NotFoundError(
                "The project has no contract.", found="no data.contract in volant.yaml", next_step="set it", field="data.contract"
            )
        path, shown = (source_path(config, root), config.data.source) if data is None else (data, str(data))
        check_source(path, shown)
        return check_file(path, file_format(path), contract, shown=shown)

    def version(self, dataset: str, number: int) -> DatasetVersion:
        """A version that was frozen. ``NotFoundError`` naming those there are."""
        return self._store.get(dataset, number)

    def frame(self, version: DatasetVersion) -> "pl.DataFrame":
        """All rows of a version, every time the same. ``IntegrityError`` if the stored bytes are not what was written."""
        from volant.data.reading import read_frame

        return read_frame(self._objects.path(version.digest), version.format, version.columns, trusted=True)

    def add_frame(
        self,
        frame: "pl.DataFrame",
        *,
        dataset: str,
        base: DatasetVersion,
        label_cutoff_at: int | None = None,
        notes: tuple[str, ...] = (),
    ) -> DatasetVersion:
        """Freeze a frame made from ``base`` and the log; an equal frame gives the version that is there already."""
        columns = _columns(frame)
        digest = self._objects.put(parquet_bytes(frame))
        return self._add(
            DatasetVersion(
                dataset=dataset,
                number=0,
                digest=digest,
                format="parquet",
                rows=frame.height,
                columns=columns,
                origin=Origin.LOG,
                source=f"{base.dataset}@{base.number} + log",
                recorded_at=self._clock.now(),
                base=base.number,
                profile=self._objects.put(canonical(self._profile(digest, "parquet", columns))),
                label_cutoff_at=label_cutoff_at,
                notes=notes,
            )
        )

    def _add(self, draft: DatasetVersion) -> DatasetVersion:
        """Give the version its number, unless another writer froze the same content first."""
        import msgspec

        with self._tx.transaction():
            present = self._store.with_digest(draft.dataset, draft.digest)
            if present is not None:
                return present
            latest = self._store.latest(draft.dataset)
            version = msgspec.structs.replace(draft, number=1 if latest is None else latest.number + 1)
            self._store.add(version)
            return version


def read_contract(config: ProjectConfig, root: Path) -> "Contract | None":
    """The project's contract, or None if it names none. ``NotFoundError`` or ``UsageError`` for one that cannot be used."""
    from volant.data.odcs import load_contract

    if config.data.contract is None:
        return None
    path = root / config.data.contract
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(
            f"There is no contract {config.data.contract}.",
            found=f"nothing of that name in {root}",
            next_step="write it, or remove data.contract from volant.yaml",
            field="data.contract",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The contract {config.data.contract} cannot be read.", found=str(error), next_step="check the file", field="data.contract"
        ) from None
    return load_contract(text, config.data.contract)


def parquet_bytes(frame: "pl.DataFrame") -> bytes:
    """The frame as Parquet (zstd), the same bytes for equal frames."""
    buffer = io.BytesIO()
    frame.rechunk().write_parquet(buffer, compression="zstd", statistics=True, row_group_size=_ROW_GROUP)
    return buffer.getvalue()


def _columns(frame: "pl.DataFrame") -> tuple[Column, ...]:
    from volant.data.rows import logical_dtype

    if frame.height == 0:
        raise InvalidInputError("A dataset version needs rows.", found="an empty frame", next_step="log predictions and labels first")
    nulls = frame.null_count().row(0, named=True)
    found = []
    for name, kind in frame.schema.items():
        dtype = logical_dtype(kind)
        absent = nulls[name] > 0 or (dtype is Dtype.FLOAT and bool(frame[name].is_nan().any()))
        found.append(Column(name=name, dtype=dtype, nullable=absent))
    return tuple(found)
