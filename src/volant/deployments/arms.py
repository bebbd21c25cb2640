"""Which arm answers a request: a pure function of the request's key, so that every worker agrees and the log can be checked."""

from enum import StrEnum

from blake3 import blake3

from volant.kernel.codec import Value

CHAMPION, CANARY, SHADOW = "champion", "canary", "shadow"
_PARTS = 1 << 52


class Mode(StrEnum):
    """What the further arm is for."""

    SHADOW = "shadow"  # it answers after the reply, and nobody waits
    CANARY = "canary"  # its share of the requests is answered by it


class Routing(Value, frozen=True, kw_only=True):
    """What a champion's worker is told about the further arm: its address and its share under one epoch.

    ``epoch`` counts the changes of weights within the rollout; rows name it. ``share`` is 1 for a shadow.
    """

    rollout: str
    epoch: int
    mode: Mode
    share: float
    version: int
    socket: str


def place(key: str, rollout: str) -> float:
    """Where a key lies between 0 (included) and 1 (excluded), for one rollout.

    The epoch is not part of it: a key that the canary answers stays with the canary when its share grows.
    """
    return (int.from_bytes(blake3(f"{rollout}\0{key}".encode()).digest(8)) >> 12) / _PARTS


def is_canary(key: str, rollout: str, share: float) -> bool:
    """Whether the canary answers requests with this key."""
    return place(key, rollout) < share
