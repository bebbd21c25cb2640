"""What a decision was made from, kept beside it: a reviewer can read it, and :func:`~volant.loop.decide.decide` can be
called on it again.

``Seen`` says how much of every record counted: instants, revisions and sequences. From it the evidence can also be made
anew out of the raw records (``lived.py``), whatever has come since.
"""

from enum import StrEnum

import msgspec

from volant.kernel.codec import Value, canonical, decode
from volant.kernel.objects import ObjectStore
from volant.loop.model import Decision, LoopEvidence, LoopPolicy, LoopState
from volant.monitoring.model import DriftBasis, WindowBasis


class Occasion(StrEnum):
    """When it was decided."""

    LOOK = "look"  # the automation looked at everything
    RELEASE = "release"  # a version was just judged: what becomes of it


class Files(Value, frozen=True, kw_only=True):
    """What files held, which is not logged: ``source`` (digest of its bytes), ``source_version`` (the dataset version with
    these bytes, if any), ``code`` (digest of the pipeline), ``settings`` (object: the text of ``volant.yaml``); ``unchanged``: a
    training now would come to what the last one came to.
    """

    source: str
    source_version: int | None
    code: str
    settings: str
    unchanged: bool = False


class Seen(Value, frozen=True, kw_only=True):
    """How far each record reached at a look; nothing beyond it counts.

    ``registry``, ``loop`` and ``rollout`` are last sequences of the streams, ``labels`` is the revision of the labels and
    ``reports`` are the gate reports that were the newest on the champion and the candidate.
    """

    model: str
    metric: str
    at: int
    labels: int
    registry: int
    loop: int
    rollout: int
    files: Files
    reports: tuple[str, ...] = ()
    windows: WindowBasis | None = None
    drift: DriftBasis | None = None


class Grounds(Value, frozen=True, kw_only=True):
    """Everything that one call of ``decide`` was given, and where it came from.

    ``looked_before``: when the automation had looked the last time, if it is known; it decided to wait then.
    """

    occasion: Occasion
    state: LoopState
    evidence: LoopEvidence
    policy: LoopPolicy
    seen: Seen
    looked_before: int | None = None


def keep(objects: ObjectStore, grounds: Grounds) -> str:
    """Store them; the digest names them."""
    return objects.put(canonical(grounds))


def with_grounds(objects: ObjectStore, decision: Decision, grounds: Grounds) -> Decision:
    """The decision as it is kept."""
    return msgspec.structs.replace(decision, grounds=keep(objects, grounds))


def kept(objects: ObjectStore, digest: str) -> Grounds:
    """``NotFoundError`` if they are not there, ``msgspec.ValidationError`` if they were written by a newer Volant."""
    return decode(objects.get(digest), Grounds)
