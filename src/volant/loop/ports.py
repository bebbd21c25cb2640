"""What the loop needs stored beside its event stream."""

from typing import Protocol

from volant.kernel.codec import Value


class ReplayRecord(Value, frozen=True, kw_only=True):
    """A finished replay; the result itself is an object (canonical JSON of ``ReplayResult``)."""

    id: str
    model: str
    recorded_at: int
    result: str
    summary: str


class ReplayStore(Protocol):
    """Finished replays."""

    def add(self, record: ReplayRecord) -> None:
        """``AlreadyExistsError`` if the id is taken."""
        ...

    def get(self, replay_id: str) -> ReplayRecord:
        """``NotFoundError`` if absent."""
        ...

    def replays(self, model: str) -> tuple[ReplayRecord, ...]:
        """Newest first."""
        ...
