"""How many predictions were logged, and when: sealed segments plus the open log, read from where it was left off."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from volant.evidence.frames import HEADER_BYTES, Damage, read_frames
from volant.evidence.reading import raw_files, segment_id
from volant.kernel.clock import DAY_US, HOUR_US

if TYPE_CHECKING:
    from volant.wiring.project import Project

DAYS = 30
CHUNK = 4 * 1024 * 1024


class _Logged(msgspec.Struct):
    """As much of a logged request as counting needs."""

    at: int
    values: list[msgspec.Raw] = []
    columns: dict[str, msgspec.Raw] = {}


class _Counted:
    """What is known of one growing file: bytes read, and rows per hour."""

    def __init__(self) -> None:
        self.offset = 0
        self.by_hour: dict[int, int] = {}


class Traffic:
    """Counts over one project. Threads may share it."""

    def __init__(self, project: "Project") -> None:
        self._project = project
        self._files: dict[Path, _Counted] = {}
        self._lock = threading.Lock()
        self._decoder = msgspec.json.Decoder(_Logged)

    def counts(self, model: str, now: int) -> dict[str, Any]:
        """``total``, ``last_day`` (24 hours) and ``by_day`` (the last 30 times 24 hours, oldest first) in rows."""
        by_day = [0.0] * DAYS
        total = 0
        segments = self._project.segments.segments(model)
        for sealed in segments:
            total += sealed.rows
            _spread(by_day, sealed.first_at, sealed.last_at, sealed.rows, now)
        if model == self._project.name:
            for hour, rows in self._open({sealed.id for sealed in segments}).items():
                total += rows
                _spread(by_day, hour * HOUR_US, hour * HOUR_US, rows, now)
        days = [round(rows) for rows in by_day]
        return {"total": total, "last_day": days[-1], "by_day": days}

    def _open(self, sealed: set[str]) -> dict[int, int]:
        """Rows per hour in files that are not sealed yet (a sealed one may still be there for a moment)."""
        with self._lock:
            paths = [path for path in raw_files(self._project.log_folder) if segment_id(path.parent.name, path.name) not in sealed]
            self._files = {path: self._files.get(path) or _Counted() for path in paths}
            found: dict[int, int] = {}
            for path, counted in self._files.items():
                self._read_on(path, counted)
                for hour, rows in counted.by_hour.items():
                    found[hour] = found.get(hour, 0) + rows
            return found

    def _read_on(self, path: Path, counted: _Counted) -> None:
        try:
            with path.open("rb") as file:
                if file.seek(0, 2) < counted.offset:  # a half-written tick was cut off again
                    counted.offset, counted.by_hour = 0, {}
                file.seek(counted.offset)
                self._count(file, counted)
        except OSError:
            return  # sealed meanwhile

    def _count(self, file: Any, counted: _Counted) -> None:
        chunk = CHUNK
        while data := file.read(chunk):
            used = self._count_frames(data, counted)
            counted.offset += used
            if used == len(data):
                continue
            if len(data) < chunk:
                return  # the end is still being written
            chunk = chunk * 2 if used == 0 else CHUNK
            file.seek(counted.offset)

    def _count_frames(self, data: bytes, counted: _Counted) -> int:
        used = 0
        for found in read_frames(data):
            if isinstance(found, Damage):
                if found.torn:
                    return used
                used += found.length
                continue
            used += HEADER_BYTES + len(found)
            self._count_rows(found, counted)
        return used

    def _count_rows(self, payload: bytes, counted: _Counted) -> None:
        try:
            logged = self._decoder.decode(payload)
        except msgspec.DecodeError:
            return
        rows = len(logged.values) or max((_length(column) for column in logged.columns.values()), default=0)
        hour = logged.at // HOUR_US
        counted.by_hour[hour] = counted.by_hour.get(hour, 0) + rows


def _length(column: msgspec.Raw) -> int:
    try:
        return len(msgspec.json.decode(column, type=list[msgspec.Raw]))
    except msgspec.DecodeError:
        return 0


def _spread(by_day: list[float], first_at: int, last_at: int, rows: int, now: int) -> None:
    """Add rows to the days before ``now`` that the stretch covers, evenly over it."""
    start = now - DAYS * DAY_US
    length = max(last_at - first_at, 1)
    first = max((first_at - start) // DAY_US, 0)
    last = min((last_at - start) // DAY_US, DAYS - 1)
    if first == last and first_at >= start:
        by_day[first] += rows
        return
    for day in range(first, last + 1):
        begin = max(first_at, start + day * DAY_US)
        end = min(last_at, start + (day + 1) * DAY_US)
        by_day[day] += rows * max(end - begin, 0) / length
