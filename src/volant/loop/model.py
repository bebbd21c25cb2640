"""Values of the decision core. ``decide`` (``decide.py``) sees only these."""

from enum import StrEnum

from volant.config.model import Autonomy, RetrainConfig
from volant.gates.model import Verdict
from volant.kernel.codec import Value
from volant.monitoring.model import EstimatedWindow, MovedColumn, WindowEvidence


class Action(StrEnum):
    """What the loop may decide."""

    RETRAIN = "retrain"
    PROMOTE = "promote"
    PROPOSE = "propose"
    REFUSE = "refuse"
    WAIT = "wait"


class LoopState(Value, frozen=True, kw_only=True):
    """Where a model's wheel stands."""

    model: str
    champion: int | None = None
    trained_until_us: int | None = None  # latest known_at the champion learned from
    last_retrain_at: int | None = None  # when the last training began
    training_since: int | None = None
    candidate: int | None = None
    releasing: int | None = None  # the version that is on its way into traffic
    paused: str | None = None  # who paused the automation and why
    held: str | None = None  # why a training now could not come to anything new


class LoopEvidence(Value, frozen=True, kw_only=True):
    """What is known by now; nothing here was known later than ``known_by``."""

    known_by: int
    labels_since_training: int
    reference_loss: float | None = None  # the champion's on its holdout
    reference_variance: float | None = None
    reference_df: int | None = None  # degrees of freedom of that variance; None: taken as known
    windows: tuple[WindowEvidence, ...] = ()
    moved: tuple[MovedColumn, ...] = ()
    estimated: tuple[EstimatedWindow, ...] = ()  # full windows, with or without labels
    lead_us: int = 0  # how long until a training that began now would be felt: its duration and the label delay
    new_data: bool = False  # the source holds other bytes than the last training learned from
    candidate_verdict: Verdict | None = None
    candidate_report: str | None = None
    candidate_reason: str | None = None  # the verdict's figures in a clause


class Decision(Value, frozen=True, kw_only=True):
    """One automatic decision with its reason. ``sentence`` is for people, ``evidence`` names what it rests on.

    ``held`` is what kept a trigger that fired from being followed; the sentence ends with it.
    """

    action: Action
    at: int
    sentence: str
    version: int | None = None
    trigger: str | None = None
    held: str | None = None
    evidence: dict[str, str | int | float | None] = {}
    grounds: str | None = None  # object: everything it was decided from (``grounds.py``)


class LoopPolicy(Value, frozen=True, kw_only=True):
    """What the decision core follows: when to retrain, and who lets a passing candidate out."""

    retrain: RetrainConfig = RetrainConfig()
    autonomy: Autonomy = Autonomy.PROPOSE
    label_delay_us: int = 0
    stepwise: bool = False  # a passing candidate goes into traffic step by step beside a champion
