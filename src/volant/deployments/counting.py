"""Counting what the arms did from the open prediction log, which is the truth: nothing is lost when anybody dies.

Files are read from where the last look ended, so a look costs what was written since. Counts and positions form one value
(:class:`Tally`): whoever continues from it, in this process or another, counts each record once.
"""

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec

from volant.deployments.arms import CANARY, CHAMPION, SHADOW
from volant.deployments.model import BOUNDS_US, ArmCounts, EpochCounts, Mark, Tally
from volant.evidence.frames import HEADER_BYTES, Damage, read_frames
from volant.evidence.log import take_folder
from volant.evidence.model import Outcome, Trial
from volant.evidence.reading import raw_files
from volant.kernel.errors import ConflictError, UnavailableError


class _Record(msgspec.Struct):
    """The part of a prediction that is counted; the rest is skipped unread."""

    id: str
    arm: str
    outcome: Outcome
    trial: Trial | None = None


_DECODER = msgspec.json.Decoder(_Record)


class _Sum:
    """Counts of one arm while they grow."""

    def __init__(self) -> None:
        self.rows = self.requests = self.errors = 0
        self.times = [0] * (len(BOUNDS_US) + 1)

    def add(self, trial: Trial, outcome: Outcome) -> None:
        """One request."""
        self.requests += 1
        self.rows += trial.rows
        if outcome is not Outcome.OK:
            self.errors += 1
        elif trial.model_us is not None:
            self.times[next((i for i, bound in enumerate(BOUNDS_US) if trial.model_us <= bound), len(BOUNDS_US))] += 1

    def onto(self, before: ArmCounts) -> ArmCounts:
        """Together with what was counted before."""
        times = tuple(old + new for old, new in zip(before.times, self.times, strict=True))
        return ArmCounts(
            rows=before.rows + self.rows, requests=before.requests + self.requests, errors=before.errors + self.errors, times=times
        )


_Sums = defaultdict[tuple[int, bool], _Sum]


def counted(root: Path, rollout: str, before: Tally, since: int) -> Tally:
    """The tally with everything that was written below the log folder ``root`` after it; ``before`` itself if nothing was.

    ``since``: microseconds UTC; files that were last written earlier hold nothing of this rollout.
    """
    sums: _Sums = defaultdict(_Sum)
    marks = dict(before.marks)
    found = set()
    for path in raw_files(root):
        name = f"{path.parent.name}/{path.name}"
        found.add(name)
        mark = _read_on(path, marks.get(name), rollout, since, sums)
        if mark is not None:
            marks[name] = mark
    for name in [name for name in marks if name not in found]:
        _orphans(marks.pop(name), sums)
    if marks == before.marks and not sums:
        return before
    return Tally(epochs=_added(before, sums), marks=marks)


def _read_on(path: Path, mark: Mark | None, rollout: str, since: int, sums: _Sums) -> Mark | None:
    """Count the file's new records; its new mark, or None where there is nothing to remember."""
    try:
        status = path.stat()
        if mark is None and status.st_mtime_ns // 1000 < since:
            return None
        start = 0 if mark is None else mark.offset
        if status.st_size > start:
            with path.open("rb") as file:
                file.seek(start)
                data = file.read()
        else:
            data = b""
    except FileNotFoundError:
        return mark
    attempts = {} if mark is None else dict.fromkeys(mark.open, "")
    offset = start + _count(data, rollout, attempts, sums)
    after = Mark(offset=offset, open=tuple(attempts))
    if attempts and _is_dead(path.parent):
        _orphans(after, sums)
        return Mark(offset=offset)
    return after


def _count(data: bytes, rollout: str, attempts: dict[str, str], sums: _Sums) -> int:
    """Count whole frames; how many bytes they take. An end that is not whole yet is left for the next look."""
    taken = 0
    for payload in read_frames(data):
        if isinstance(payload, Damage):
            if payload.torn:
                return taken
            taken += payload.length
            continue
        taken += HEADER_BYTES + len(payload)
        try:
            record = _DECODER.decode(payload)
        except (msgspec.ValidationError, msgspec.DecodeError):
            continue
        if record.trial is not None and record.trial.rollout == rollout:
            _add(record, record.trial, attempts, sums)
    return taken


def _add(record: _Record, trial: Trial, attempts: dict[str, str], sums: _Sums) -> None:
    if record.outcome is Outcome.ATTEMPT:
        attempts[f"{trial.epoch}/{trial.rows}/{record.id}"] = ""
        return
    if record.arm == CANARY:
        attempts.pop(f"{trial.epoch}/{trial.rows}/{record.id}", None)
    if record.arm in {CANARY, SHADOW}:
        sums[trial.epoch, True].add(trial, record.outcome)
    elif record.arm == CHAMPION and trial.assigned is None:
        sums[trial.epoch, False].add(trial, record.outcome)


def _orphans(mark: Mark, sums: _Sums) -> None:
    """Attempts whose worker died before it knew the outcome are errors of the arm that was asked."""
    for name in mark.open:
        epoch, rows, _ = name.split("/", 2)
        sums[int(epoch), True].add(Trial(rollout="", epoch=int(epoch), rows=int(rows)), Outcome.ERROR)


def _is_dead(folder: Path) -> bool:
    """Whether the writer of a log folder is gone."""
    try:
        os.close(take_folder(folder))
    except (ConflictError, UnavailableError):
        return False
    return True


def _added(before: Tally, sums: _Sums) -> dict[str, EpochCounts]:
    epochs = dict(before.epochs)
    for epoch in _epochs(sums):
        old = epochs.get(str(epoch), EpochCounts())
        epochs[str(epoch)] = EpochCounts(
            champion=sums[epoch, False].onto(old.champion),
            candidate=sums[epoch, True].onto(old.candidate),
        )
    return epochs


def _epochs(sums: _Sums) -> Iterable[int]:
    return sorted({epoch for epoch, _ in sums})
