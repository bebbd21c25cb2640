"""The wheel of one model at a glance: seven cells, worked out from stored state alone.

:func:`turn` is pure: the same facts at the same instant give the same wheel. Pages and ``volant status`` show what it says;
``glances.py`` collects the facts.
"""

from volant.config.model import Autonomy, RetrainConfig
from volant.data.model import Origin
from volant.deployments.model import Rollout
from volant.gates.model import GateReport
from volant.kernel.clock import DAY_US
from volant.kernel.codec import Value
from volant.loop.model import Decision
from volant.monitoring.alert_model import Alert, Severity
from volant.monitoring.model import LiveReport
from volant.registry.model import ModelState, ModelVersion

STAGES = ("data", "train", "test", "release", "serve", "watch", "loop")
WEEK_US = 7 * DAY_US


class Data(Value, frozen=True, kw_only=True):
    """The newest version of the model's dataset."""

    number: int
    rows: int
    origin: Origin
    recorded_at: int


class Looped(Value, frozen=True, kw_only=True):
    """What the automation did so far. ``training_since`` is a decision to retrain that nothing has come of yet."""

    paused: str | None = None
    last: Decision | None = None
    retrains: int = 0
    last_retrain_at: int | None = None
    training_since: int | None = None
    failed: str | None = None  # what the last cycle came to nothing with
    failed_at: int | None = None


class Facts(Value, frozen=True, kw_only=True):
    """Everything that is known about a model. ``own``: it is this project's, so its settings are known.

    ``labels_week`` are those recorded in the last seven days; ``rows_day`` predictions of the last 24 hours.
    """

    model: str
    own: bool = False
    metric: str = ""
    autonomy: Autonomy = Autonomy.PROPOSE
    policy: RetrainConfig = RetrainConfig()
    window_rows: int | None = None
    data: Data | None = None
    running_since: int | None = None  # a run that goes on now
    run_error: str | None = None  # of the last run, if it failed
    newest: ModelVersion | None = None
    report: GateReport | None = None  # the newest on the newest version
    champion: ModelVersion | None = None
    versions: int = 0
    state: ModelState
    released_at: int | None = None  # when the champion became one
    waiting_since: int | None = None  # the last event about the newest version
    rollout: Rollout
    server: str | None = None
    rows_day: int = 0
    rows_by_day: tuple[int, ...] = ()  # of the last 30 times 24 hours, oldest first
    rows_total: int = 0
    labels: int = 0
    labels_week: int = 0
    labels_new: int = 0  # since the last training
    live: LiveReport | None = None
    alerts: tuple[Alert, ...] = ()  # open ones, newest first
    loop: Looped = Looped()


class Cell(Value, frozen=True, kw_only=True):
    """One stage: ``state`` in words, one ``figure``, and, where it is so, what needs a person (``attention``).

    ``waits_for`` says what would move it on, ``takes_us`` how long that takes at the present rate, ``waits`` both in words.
    ``tone`` is one of pass, open, fail, neutral, champion, challenger.
    """

    stage: str
    state: str
    tone: str = "neutral"
    figure: str | None = None
    attention: str | None = None
    waits_for: str | None = None
    takes_us: int | None = None
    since_at: int | None = None
    version: int | None = None

    @property
    def waits(self) -> str | None:
        """``400 labels, about 3 days``."""
        if self.waits_for is None:
            return None
        return self.waits_for if self.takes_us is None else f"{self.waits_for}, {about(self.takes_us)}"


class Wheel(Value, frozen=True, kw_only=True):
    """All seven, in the order of ``STAGES``. ``rank``: 3 something is wrong, 2 a person has to act, 1 it waits, 0 it turns."""

    model: str
    cells: tuple[Cell, ...]
    rank: int = 0

    @property
    def attention(self) -> tuple[Cell, ...]:
        """Cells that need a person, worst first."""
        return tuple(sorted((cell for cell in self.cells if cell.attention), key=lambda cell: cell.tone != "fail"))

    def cell(self, stage: str) -> Cell:
        """One of them."""
        return self.cells[STAGES.index(stage)]


def turn(facts: Facts, now: int) -> Wheel:
    """The wheel as it stands at ``now``."""
    from volant.wiring import wheel_cells

    cells = tuple(getattr(wheel_cells, stage)(facts, now) for stage in STAGES)
    return Wheel(model=facts.model, cells=cells, rank=_rank(cells))


def _rank(cells: tuple[Cell, ...]) -> int:
    if any(cell.attention and cell.tone == "fail" for cell in cells):
        return 3
    if any(cell.attention for cell in cells):
        return 2
    return 1 if any(cell.waits_for and cell.tone in {"open", "challenger"} for cell in cells) else 0


def about(duration_us: int) -> str:
    """``about 3 days``: as exact as an expectation is."""
    minutes = duration_us / 60_000_000
    for name, size in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes >= size:
            count = round(minutes / size)
            return f"about {count:,} {name}{'' if count == 1 else 's'}"
    return "about a minute" if duration_us > 0 else "now"


def takes(amount: int, per: int, in_us: int) -> int | None:
    """How long ``amount`` takes where ``per`` come ``in_us``; None where nothing comes."""
    return round(max(amount, 0) * in_us / per) if per > 0 else None


def worst(alerts: tuple[Alert, ...]) -> Alert | None:
    """The one to look at first: nobody looks after it or muted it, and it is the most severe."""
    return min(alerts, key=lambda one: (one.acknowledged_at is not None or one.quiet, -one.severity.rank), default=None)


TONES = {Severity.CRITICAL: "fail", Severity.WARNING: "open", Severity.INFO: "neutral"}
