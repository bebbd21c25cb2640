"""Suites: checks of the champion that run again and again, and what came of them. Light."""

from volant.config.model import SuiteCheck
from volant.gates.model import CheckResult, Verdict
from volant.kernel.codec import Value


class SuiteLine(Value, frozen=True, kw_only=True):
    """One line of a suite's report. ``cause`` names the alert that it raises when it fails."""

    check: SuiteCheck
    title: str
    verdict: Verdict
    sentence: str
    cause: str
    rows: int = 0
    result: CheckResult | None = None  # where a gate's line was repeated


class SuiteReport(Value, frozen=True, kw_only=True):
    """What a suite found of one version, with what it was found on. ``rows``: labelled rows that the version did not learn from."""

    suite: str
    model: str
    version: int
    recorded_at: int
    dataset: str | None
    dataset_version: int | None
    rows: int
    lines: tuple[SuiteLine, ...]
    predictions: str | None = None  # object: Parquet with the answers that the lines rest on

    @property
    def verdict(self) -> Verdict:
        """One failure fails; what could not be said stops nothing as long as something held."""
        verdicts = {line.verdict for line in self.lines}
        if Verdict.FAIL in verdicts:
            return Verdict.FAIL
        return Verdict.PASS if Verdict.PASS in verdicts else Verdict.NOT_ENOUGH

    @property
    def failed(self) -> tuple[SuiteLine, ...]:
        """Lines that failed."""
        return tuple(line for line in self.lines if line.verdict is Verdict.FAIL)


class SuiteStart(Value, frozen=True, kw_only=True):
    """A run of a suite begins. ``period``: which stretch of its rhythm it is for; None where a person asked."""

    suite: str
    period: int | None


class SuiteEnd(Value, frozen=True, kw_only=True):
    """What came of a run: ``report`` is an object (canonical JSON of :class:`SuiteReport`), or ``error`` says why there is none."""

    suite: str
    start: str  # id of the event that began it
    verdict: Verdict | None = None
    version: int | None = None
    lines: int = 0
    failed: int = 0
    report: str | None = None
    error: str | None = None


class SuiteRun(Value, frozen=True, kw_only=True):
    """A run from its two events; ``end`` is None while it goes on, or if its process died."""

    id: str
    suite: str
    period: int | None
    actor: str
    began_at: int
    end: SuiteEnd | None = None
    ended_at: int | None = None
