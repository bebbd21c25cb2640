"""Reading the open log: files of all writers, those still growing included."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from volant.evidence.frames import SEGMENT_SUFFIX, Damage, read_frames
from volant.evidence.model import Outcome, Prediction
from volant.kernel.codec import Value

_DECODER = msgspec.json.Decoder(Prediction)


class RawSegment(Value, frozen=True, kw_only=True):
    """One file of the open log, as read at one moment."""

    worker: str
    name: str
    predictions: tuple[Prediction, ...]
    damages: tuple[Damage, ...]
    attempts: tuple[Prediction, ...] = ()  # asked of another arm, and no record says what became of it

    @property
    def id(self) -> str:
        """The name under which it will be sealed."""
        return segment_id(self.worker, self.name)


def segment_id(worker: str, name: str) -> str:
    """The id of the segment that a raw file becomes."""
    return f"{worker}-{name.removesuffix(SEGMENT_SUFFIX)}"


def raw_files(root: Path) -> tuple[Path, ...]:
    """Segment files of all writers below the log folder, by writer, oldest first."""
    return tuple(sorted(root.glob(f"*/*{SEGMENT_SUFFIX}")))


class LogReader:
    """Reads the files of a log folder. Readers never block a writer.

    A file may vanish between listing and reading because it was sealed meanwhile; it is then left out.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def segments(self) -> Iterator[RawSegment]:
        """Every raw file, by writer, oldest first."""
        for path in raw_files(self._root):
            segment = read_segment(path)
            if segment is not None:
                yield segment

    def predictions(self) -> Iterator[Prediction]:
        """Every whole record."""
        for segment in self.segments():
            yield from segment.predictions


def read_segment(path: Path) -> RawSegment | None:
    """One file; None if it is gone. A frame that is whole but holds no prediction counts as damage."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    predictions: list[Prediction] = []
    damages: list[Damage] = []
    for found in read_frames(data):
        if isinstance(found, Damage):
            damages.append(found)
            continue
        try:
            predictions.append(_DECODER.decode(found))
        except (msgspec.ValidationError, msgspec.DecodeError):
            damages.append(Damage(offset=-1, length=len(found), torn=False))
    outcomes, attempts = _without_attempts(predictions)
    return RawSegment(worker=path.parent.name, name=path.name, predictions=outcomes, damages=tuple(damages), attempts=attempts)


def _without_attempts(records: list[Prediction]) -> tuple[tuple[Prediction, ...], tuple[Prediction, ...]]:
    """Records of what happened, and attempts of which nobody knows yet."""
    if not any(record.outcome is Outcome.ATTEMPT for record in records):
        return tuple(records), ()
    outcomes = tuple(record for record in records if record.outcome is not Outcome.ATTEMPT)
    ended = {record.id for record in outcomes}
    return outcomes, tuple(record for record in records if record.outcome is Outcome.ATTEMPT and record.id not in ended)


def orphaned(attempt: Prediction) -> Prediction:
    """An attempt whose worker died before it knew the outcome: an error of the arm that was asked."""
    return msgspec.structs.replace(attempt, outcome=Outcome.ERROR, error="The worker ended before the answer came.")


def first_of_each_request(predictions: Iterable[Prediction]) -> Iterator[Prediction]:
    """A request that named itself is answered once; attempts on which the model raised may be several."""
    seen: set[tuple[str, str | None]] = set()
    for prediction in predictions:
        if prediction.request_id is not None and prediction.outcome is Outcome.OK:
            name = (prediction.request_id, prediction.fingerprint)
            if name in seen:
                continue
            seen.add(name)
        yield prediction


def rows_of(prediction: Prediction) -> int:
    """How many rows a request asked about, whether or not they were answered."""
    return max(len(prediction.values), max((len(column) for column in prediction.columns.values()), default=0))
