"""Values of the gates package."""

from enum import StrEnum

from volant.config.model import GateConfig, GateKind, Task
from volant.kernel.codec import Value


class Verdict(StrEnum):
    """What a check says. Missing labels are neither a pass nor a fail."""

    PASS = "pass"  # noqa: S105 - a verdict, not a secret
    FAIL = "fail"
    NOT_ENOUGH = "not enough evidence"


class CheckResult(Value, frozen=True, kw_only=True):
    """One line of a gate report. Metrics are in the metric's own unit; ``difference`` is candidate minus other,
    signed so that negative is better for losses and positive is better for scores (``lower_is_better``).
    """

    check: GateConfig
    title: str  # "mae vs baseline (last known value)"
    verdict: Verdict
    sentence: str  # a person can read this alone
    rows: int
    candidate: float | None = None
    other: float | None = None
    other_name: str | None = None  # "champion v3", "last known value", "mean"
    difference: float | None = None
    low: float | None = None  # interval of the difference at ``check.confidence``
    high: float | None = None
    allowed: float | None = None  # the margin as an absolute number
    lower_is_better: bool = True
    slice_column: str | None = None
    slice_value: str | None = None
    labels_needed: int | None = None  # further labels, when NOT_ENOUGH (None: cannot be said)
    slope: float | None = None  # of the row-by-row difference on the other's loss; None where it is no mean of rows
    made_up: float | None = None  # of ``difference``: what makes up for the champion's luck on rows that chose it
    stops: bool = True  # whether missing evidence here leaves the candidate waiting
    unit: str | None = None  # "us" or "bytes", where it is not the metric's
    ratio: float | None = None  # of the lower to the higher is what counts: candidate / other
    ratio_low: float | None = None
    ratio_high: float | None = None

    @property
    def waits(self) -> bool:
        """Whether the candidate waits for this; a slice stops nobody by being small."""
        return self.verdict is Verdict.NOT_ENOUGH and self.stops and self.check.kind is not GateKind.SLICES


class Slower(Value, frozen=True, kw_only=True):
    """How many times as long as the champion's a candidate's answers take, with bounds at 95 %."""

    ratio: float
    low: float
    high: float


class DisturbedNote(Value, frozen=True, kw_only=True):
    """How a model was asked about disturbed rows: under which name its answers are kept, or why there are none."""

    name: str
    columns: tuple[str, ...] = ()
    error: str = ""


class Measured(Value, frozen=True, kw_only=True):
    """What was measured of the models themselves, once: a report made again takes it from here. Times are of one row."""

    latency_rows: int = 0
    p95_us: int | None = None
    p99_us: int | None = None
    champion_p95_us: int | None = None
    champion_p99_us: int | None = None
    slower_p95: Slower | None = None
    slower_p99: Slower | None = None
    package_bytes: int | None = None
    champion_package_bytes: int | None = None
    memory_bytes: int | None = None
    champion_memory_bytes: int | None = None
    disturbed: tuple[DisturbedNote, ...] = ()


class HoldoutUse(Value, frozen=True, kw_only=True):
    """How far a holdout is used up by the candidates that were judged on it."""

    rows: int
    use: float  # which candidate this is for its rows, on average over them; 1 where none of them judged another
    budget: int  # candidates per row before checks become stricter
    expired: bool  # more than half of it is older than it may be
    fresh_labels: int  # that would renew it; 0 while it is good

    @property
    def used_up(self) -> bool:
        """Whether checks are stricter now."""
        return self.use > self.budget


class Luck(Value, frozen=True, kw_only=True):
    """By how much the champion's mean loss on some rows is lower than its true one, with the variance of this estimate."""

    value: float
    variance: float


class GateReport(Value, frozen=True, kw_only=True):
    """All checks of a candidate at one time, with what they were computed from."""

    id: str
    model: str
    version: int | None  # None until the candidate is registered
    package: str
    champion: int | None
    champion_package: str | None
    run_id: str
    dataset: str
    dataset_version: int
    holdout_rows: int
    holdout_from_us: int | None
    holdout_to_us: int | None
    excluded_rows: int  # left out because a model had trained on them
    predictions: str  # object: Parquet with row, time, target, one column per model and baseline
    verdict: Verdict
    checks: tuple[CheckResult, ...]
    baselines: dict[str, float]
    seed: int
    recorded_at: int
    use: HoldoutUse | None = None  # None in reports from before uses were counted
    luck: Luck | None = None  # of the champion on these rows; None where nothing is known of it
    metric: str | None = None  # of the project; None in reports from before checks could be made again
    task: Task | None = None
    measured: Measured | None = None
    evidence: str | None = None  # object: Parquet row by row with groups, columns and answers to disturbed rows
    changing: str | None = None  # object: Parquet with both models' answers to held-out rows with and without labels

    @property
    def main(self) -> CheckResult | None:
        """The comparison that a reviewer looks at first: with the champion, else with a baseline."""
        for kind in (GateKind.CHAMPION, GateKind.BASELINE):
            for check in self.checks:
                if check.check.kind is kind and check.difference is not None:
                    return check
        return None
