"""Dataset versions: freeze what the source holds now, give frames back, freeze frames made from the log."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from volant.config.model import ProjectConfig
from volant.data.model import Column, DatasetVersion, Dtype, Origin
from volant.data.ports import DatasetStore
from volant.data.stat_memo import StatMemo
from volant.kernel.clock import Clock
from volant.kernel.errors import ConflictError, InvalidInputError
from volant.kernel.objects import ObjectStore
from volant.kernel.transactions import Transactions

if TYPE_CHECKING:
    import polars as pl

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

        path = source_path(config, root)
        expected = StatMemo(root / MEMO, self._clock).digest(path)
        table = sniff(path, config.data.source)
        check_columns(table, config)
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
                notes=table.warnings,
            )
        )

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
        data = parquet_bytes(frame)
        digest = self._objects.put(data)
        return self._add(
            DatasetVersion(
                dataset=dataset,
                number=0,
                digest=digest,
                format="parquet",
                rows=frame.height,
                columns=_columns(frame),
                origin=Origin.LOG,
                source=f"{base.dataset}@{base.number} + log",
                recorded_at=self._clock.now(),
                base=base.number,
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
