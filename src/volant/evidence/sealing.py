"""Sealing: turning closed files of the open log into Parquet segments in the object store.

A file is closed when its writer went on to another one or is dead. The order survives a kill anywhere: object, then
row, then the raw file goes. Sealing the same file again gives the same bytes and adds no row.
"""

import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from volant.evidence.frames import SEGMENT_SUFFIX
from volant.evidence.log import LOCK_FILE, take_folder
from volant.evidence.model import Prediction, Segment
from volant.evidence.ports import SegmentStore
from volant.evidence.reading import RawSegment, first_of_each_request, orphaned, read_segment
from volant.evidence.tables import prediction_table
from volant.kernel.clock import MINUTE_US, Clock
from volant.kernel.codec import Value
from volant.kernel.crashpoints import reach
from volant.kernel.errors import ConflictError
from volant.kernel.objects import ObjectStore

# Raw files stay for as long as workers that restart must recognise request ids (``serving/recent.py``).
KEEP_US = 15 * MINUTE_US
DAMAGED_SUFFIX = ".damaged"


class SealReport(Value, frozen=True, kw_only=True):
    """What one pass did. ``damaged`` names raw files in which frames before the tail were unreadable; they are kept."""

    sealed: tuple[Segment, ...]
    damaged: tuple[str, ...]


class Sealer:
    """Seals everything that is closed below a log folder. Any number may run; the second finds nothing left to do."""

    def __init__(self, root: Path, objects: ObjectStore, segments: SegmentStore, clock: Clock) -> None:
        self._root = root
        self._objects = objects
        self._segments = segments
        self._clock = clock

    def seal(self, keep_us: int = KEEP_US) -> SealReport:
        """Seal closed files whose last prediction is at least ``keep_us`` old (0: all of them)."""
        sealed: list[Segment] = []
        damaged: list[str] = []
        for folder in sorted(path for path in self._root.glob("*") if path.is_dir()):
            with _closed_files(folder) as paths:
                for path in paths:
                    self._seal_file(path, keep_us, sealed, damaged)
        return SealReport(sealed=tuple(sealed), damaged=tuple(damaged))

    def _seal_file(self, path: Path, keep_us: int, sealed: list[Segment], damaged: list[str]) -> None:
        raw = read_segment(path)
        if raw is None:
            return
        last_at = max((prediction.at for prediction in (*raw.predictions, *raw.attempts)), default=0)
        if last_at > self._clock.now() - keep_us and keep_us > 0:
            return
        for model, predictions in _by_model((*raw.predictions, *map(orphaned, raw.attempts))):
            segment = self._seal_model(raw, model, predictions)
            if segment is not None:
                sealed.append(segment)
        reach("seal.committed")
        if any(not damage.torn for damage in raw.damages):
            damaged.append(f"{raw.worker}/{raw.name}")
            with contextlib.suppress(FileNotFoundError):
                path.rename(path.with_suffix(DAMAGED_SUFFIX))
        else:
            path.unlink(missing_ok=True)

    def _seal_model(self, raw: RawSegment, model: str, predictions: Sequence[Prediction]) -> Segment | None:
        once = list(first_of_each_request(predictions))
        table = prediction_table(once)
        buffer = io.BytesIO()
        table.write_parquet(buffer, compression="zstd", statistics=True)
        digest = self._objects.put(buffer.getvalue())
        reach("seal.object_written")
        segment = Segment(
            id=f"{raw.id}-{model}",
            model=model,
            worker=raw.worker,
            digest=digest,
            rows=table.height,
            first_at=min(prediction.at for prediction in once),
            last_at=max(prediction.at for prediction in once),
            sealed_at=self._clock.now(),
        )
        return segment if self._segments.add(segment) else None


@contextlib.contextmanager
def _closed_files(folder: Path) -> Iterator[list[Path]]:
    """Files of a folder that will not grow any more. While a dead writer's folder is worked on, its lock is held."""
    try:
        lock = take_folder(folder)
    except ConflictError:
        yield _files(folder)[:-1]  # the writer lives, and writes to the last
        return
    try:
        yield _files(folder)
        _remove_if_empty(folder)
    finally:
        os.close(lock)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SEGMENT_SUFFIX}"))


def _remove_if_empty(folder: Path) -> None:
    if any(path.name != LOCK_FILE for path in folder.iterdir()):
        return
    (folder / LOCK_FILE).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _by_model(predictions: Sequence[Prediction]) -> Iterator[tuple[str, list[Prediction]]]:
    models = dict.fromkeys(prediction.model for prediction in predictions)
    for model in models:
        yield model, [prediction for prediction in predictions if prediction.model == model]
