"""How many predicted rows the open log holds. What was counted is not read again: a log only grows until it is sealed."""

from pathlib import Path

import msgspec

from volant.evidence.frames import HEADER_BYTES, Damage, read_frames
from volant.evidence.model import Outcome, Prediction
from volant.evidence.reading import raw_files, rows_of

_DECODER = msgspec.json.Decoder(Prediction)


class OpenRows:
    """Counts rows that are in a log folder and not sealed yet. Threads may ask together."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[Path, tuple[int, int]] = {}  # bytes counted, rows in them

    def count(self) -> int:
        """The number now."""
        known = {path: self._counted(path) for path in raw_files(self._root)}
        self._known = known
        return sum(rows for _, rows in known.values())

    def _counted(self, path: Path) -> tuple[int, int]:
        offset, rows = self._known.get(path, (0, 0))
        try:
            if path.stat().st_size == offset:
                return offset, rows
            with path.open("rb") as file:
                file.seek(offset)
                data = file.read()
        except FileNotFoundError:
            return 0, 0  # sealed meanwhile
        for found in read_frames(data):
            if not isinstance(found, Damage):
                rows += _rows(found)
                offset += HEADER_BYTES + len(found)
            elif found.torn:
                break  # may be half a frame that is being written: it is looked at again
            else:
                offset += found.length
        return offset, rows


def _rows(payload: bytes) -> int:
    try:
        record = _DECODER.decode(payload)
    except (msgspec.ValidationError, msgspec.DecodeError):
        return 0
    return 0 if record.outcome is Outcome.ATTEMPT else rows_of(record)
