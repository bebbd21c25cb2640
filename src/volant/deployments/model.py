"""Values of a rollout: one version on its way into traffic, folded from the events of ``rollout/NAME``."""

from enum import StrEnum

from volant.config.model import StepConfig
from volant.kernel.codec import Value
from volant.stats.evalues import Wager

# Upper bounds in microseconds of the buckets in which a model's time for one request is counted; the last is open.
BOUNDS_US = (500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000)


class Phase(StrEnum):
    """Where a rollout stands."""

    NONE = "none"  # there never was one
    SHADOW = "shadow"
    CANARY = "canary"
    HELD = "held"  # waits for a person: before the first live row, or after the last step
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"  # it had answered live rows
    REFUSED = "refused"  # it never answered one


class End(StrEnum):
    """What took a version back, or kept it from being let out."""

    HARM = "harm"  # evidence, or its process ended again and again
    UNFIT = "unfit"  # it cannot be run beside the champion, or was rejected meanwhile
    OVERTAKEN = "overtaken"  # another champion serves
    PERSON = "person"


ACTIVE = frozenset({Phase.SHADOW, Phase.CANARY, Phase.HELD})


class ArmCounts(Value, frozen=True, kw_only=True):
    """What one arm did under one epoch. A request with several rows is one trial: its rows fail together.

    ``times`` counts requests by the model's own time (``BOUNDS_US``), failed ones left out.
    """

    rows: int = 0
    requests: int = 0
    errors: int = 0
    times: tuple[int, ...] = (0,) * (len(BOUNDS_US) + 1)

    def slow(self, limit_us: int) -> int:
        """Requests whose time was above a limit, one of ``BOUNDS_US``."""
        return sum(self.times[BOUNDS_US.index(limit_us) + 1 :])


class EpochCounts(Value, frozen=True, kw_only=True):
    """Both arms under one epoch."""

    champion: ArmCounts = ArmCounts()
    candidate: ArmCounts = ArmCounts()


class Mark(Value, frozen=True, kw_only=True):
    """How far a file of the log was counted: up to ``offset``; ``open`` are attempts before it without an outcome."""

    offset: int
    open: tuple[str, ...] = ()


class Tally(Value, frozen=True, kw_only=True):
    """Counts by epoch (as text, since JSON has no other keys), with the log position they cover: the two always change together."""

    epochs: dict[str, EpochCounts] = {}
    marks: dict[str, Mark] = {}


class LossCounts(Value, frozen=True, kw_only=True):
    """What labels say of both arms under one epoch: rows with a label and the sum of their losses, and the bet on the
    difference (``wager``), which covers whole comparisons only. ``paired``: both arms answered the same rows.
    """

    epoch: int
    paired: bool
    champion_rows: int = 0
    champion_loss: float = 0.0
    candidate_rows: int = 0
    candidate_loss: float = 0.0
    wager: Wager = Wager()


class Losses(Value, frozen=True, kw_only=True):
    """What labels say of a rollout. ``labels`` and ``lines`` name what was looked at: the labels' revision, and how many
    lines of the log belong to the rollout.

    A row's loss counts as ``cap`` at most. The cap is fixed from the first rows, up to and with ``fixed_at`` (epoch,
    microseconds, prediction id), which are not bet on; None while there are too few. A business metric's loss counts as no less
    than minus the cap either, and ``typical`` is the champion's mean over those first rows.
    """

    metric: str
    labels: int
    lines: int
    cap: float | None = None
    fixed_at: tuple[int, int, str] | None = None
    typical: float | None = None
    parts: tuple[LossCounts, ...] = ()


class Stage(Value, frozen=True, kw_only=True):
    """A stretch of one rollout under the same weights. ``share`` is 0.5 for a shadow: both arms score every row."""

    epoch: int
    step: int
    share: float
    live: bool


class Evidence(Value, frozen=True, kw_only=True):
    """What the numbers say now. ``*_meter`` run from 0 to 1, where the decision falls."""

    errors_meter: float
    latency_meter: float
    loss_meter: float
    safety_meter: float
    champion: ArmCounts
    candidate: ArmCounts


class Rollout(Value, frozen=True, kw_only=True):
    """The newest rollout of a model. ``epoch`` counts changes of weights; ``sentence`` says the last decision."""

    model: str
    seq: int = 0
    id: str = ""
    phase: Phase = Phase.NONE
    candidate: int = 0
    champion: int = 0
    champion_epoch: int = 0
    steps: tuple[StepConfig, ...] = ()
    step: int = 0
    epoch: int = 0
    stages: tuple[Stage, ...] = ()
    passed_gate: bool = False
    needs_approval: bool = False
    approved_by: str | None = None
    approval_reason: str | None = None
    override: bool = False
    started_at: int = 0
    started_by: str = ""
    step_began_at: int = 0
    ended_at: int | None = None
    end: End | None = None
    time_limit_us: int = 0
    limits_us: tuple[int, ...] = ()
    before_limits: dict[str, EpochCounts] = {}  # counts when the limits were fixed: they are not judged by them
    tally: Tally = Tally()
    batches: dict[str, EpochCounts] = {}  # what files added to the epochs, of which both arms scored every row
    losses: Losses | None = None
    crashes: int = 0
    undecided: bool = False
    sentence: str = ""

    @property
    def active(self) -> bool:
        """Whether it is on its way."""
        return self.phase in ACTIVE

    @property
    def live(self) -> bool:
        """Whether live rows were ever answered by the candidate."""
        return any(stage.live for stage in self.stages)

    def counts(self, epoch: int) -> EpochCounts:
        """What was counted under an epoch."""
        return self.tally.epochs.get(str(epoch), EpochCounts())

    def batched(self, epoch: int) -> EpochCounts:
        """What files that both arms scored added under an epoch."""
        return self.batches.get(str(epoch), EpochCounts())
