"""Request ids that were answered lately: a repeated request gets the stored answer and is not predicted again."""

import asyncio
from collections import OrderedDict
from pathlib import Path

from volant.evidence.model import Outcome, Prediction
from volant.evidence.reading import raw_files, read_segment
from volant.evidence.sealing import KEEP_US
from volant.kernel.errors import ConflictError

MAX_REQUESTS = 100_000
MAX_ROWS = 500_000

Remembered = Prediction | asyncio.Future[Prediction]


class RecentRequests:
    """The last answers by request id; bounded by number of requests and of rows, oldest forgotten first."""

    def __init__(self, max_requests: int = MAX_REQUESTS, max_rows: int = MAX_ROWS) -> None:
        self._answers: OrderedDict[str, tuple[str | None, Remembered]] = OrderedDict()
        self._max_requests = max_requests
        self._max_rows = max_rows
        self._rows = 0

    def __len__(self) -> int:
        return len(self._answers)

    def find(self, request_id: str, fingerprint: str) -> Remembered | None:
        """The answer, or the future of one that is on its way. ``ConflictError`` if the id was used for another body."""
        found = self._answers.get(request_id)
        if found is None:
            return None
        if found[0] != fingerprint:
            raise ConflictError(
                "This request id was used for another request.",
                found=f"{request_id!r} with a different body",
                next_step="give each request an id of its own, or send none",
                field="id",
            )
        return found[1]

    def begin(self, request_id: str, fingerprint: str) -> asyncio.Future[Prediction]:
        """Say that an answer is on its way; end it with :meth:`keep` or :meth:`forget`."""
        future: asyncio.Future[Prediction] = asyncio.get_running_loop().create_future()
        self._answers[request_id] = (fingerprint, future)
        return future

    def keep(self, prediction: Prediction) -> None:
        """Remember a logged answer."""
        assert prediction.request_id is not None
        before = self._answers.pop(prediction.request_id, None)
        if before is not None and isinstance(before[1], Prediction):
            self._rows -= len(before[1].values)
        self._answers[prediction.request_id] = (prediction.fingerprint, _without_columns(prediction))
        self._rows += len(prediction.values)
        if before is not None and isinstance(before[1], asyncio.Future) and not before[1].done():
            before[1].set_result(prediction)
        self._shrink()

    def forget(self, request_id: str, error: BaseException) -> None:
        """The answer did not come: who waits for it hears why, and the id may be used again."""
        _, pending = self._answers.pop(request_id)
        if isinstance(pending, asyncio.Future) and not pending.done():
            pending.set_exception(error)
            pending.exception()  # nobody has to be waiting

    def _shrink(self) -> None:
        while len(self._answers) > self._max_requests or self._rows > self._max_rows:
            request_id, (_, oldest) = next(iter(self._answers.items()))
            if not isinstance(oldest, Prediction):
                return
            del self._answers[request_id]
            self._rows -= len(oldest.values)

    def restore(self, root: Path, model: str, now: int) -> None:
        """Remember what workers before this one answered within the last ``KEEP_US``, from the open log."""
        since = now - KEEP_US
        found: list[Prediction] = []
        for path in raw_files(root):
            try:
                young = path.stat().st_mtime * 1_000_000 >= since
            except FileNotFoundError:
                continue
            segment = read_segment(path) if young else None
            if segment is not None:
                found.extend(p for p in segment.predictions if p.request_id is not None and p.model == model and p.at >= since)
        for prediction in sorted(found, key=lambda p: p.at):
            if prediction.outcome is Outcome.OK:
                self.keep(prediction)


def _without_columns(prediction: Prediction) -> Prediction:
    """An answer is repeated from its values; the raw rows need not stay in memory."""
    import msgspec

    return msgspec.structs.replace(prediction, columns={}, keys=None, event_times=None)
