"""What came of holding data to a contract."""

from enum import StrEnum

from volant.data.contract import Check, Severity
from volant.kernel.codec import Value
from volant.kernel.errors import CheckFailedError

Scalar = bool | int | float | str | None


class Status(StrEnum):
    """Outcome of one rule."""

    HELD = "held"
    BROKEN = "broken"
    UNCHECKED = "not checked"


class Example(Value, frozen=True, kw_only=True):
    """A row that breaks a rule: data row from 1, file line where the file has lines, key and value where there are any."""

    row: int
    line: int | None
    key: str | None
    value: Scalar


class RuleResult(Value, frozen=True, kw_only=True):
    """One rule's outcome. ``proposal`` is the contract change that would accept the data as they are."""

    rule: str
    check: Check
    columns: tuple[str, ...]
    severity: Severity
    status: Status
    sentence: str
    failed: int = 0
    share: float = 0.0
    examples: tuple[Example, ...] = ()
    proposal: str | None = None


class ValidationReport(Value, frozen=True, kw_only=True):
    """All rules over one table. ``bad_rows``: rows that break at least one rule. ``notes``: e.g. columns nobody promised."""

    dataset: str
    contract: str  # digest of the contract's canonical form
    rows: int
    bad_rows: int
    results: tuple[RuleResult, ...]
    notes: tuple[str, ...] = ()

    @property
    def blocked(self) -> bool:
        """Whether a broken rule stops the run."""
        return any(r.status is Status.BROKEN and r.severity is Severity.BLOCK for r in self.results)

    @property
    def valid(self) -> bool:
        """Whether every rule held; a rule that was not checked has not held."""
        return all(r.status is Status.HELD for r in self.results)

    def broken(self) -> tuple[RuleResult, ...]:
        """Broken rules, those that stop the run first."""
        found = [r for r in self.results if r.status is Status.BROKEN]
        return tuple(sorted(found, key=lambda r: r.severity is Severity.WARN))


def stop_if_blocked(report: ValidationReport) -> None:
    """``CheckFailedError`` with the broken rules that stop a run, if there are any."""
    stopping = [r for r in report.broken() if r.severity is Severity.BLOCK]
    if not stopping:
        return
    details = [line for r in stopping for line in (r.sentence, *(f"    {_example(e)}" for e in r.examples[:3]))]
    raise CheckFailedError(
        f"{report.dataset} does not keep its contract.",
        found=f"{len(stopping)} broken rules that stop a run",
        details=tuple(details),
        next_step="repair the data, or change the contract: " + "; ".join(r.proposal for r in stopping[:3] if r.proposal),
        field="data.contract",
    )


def render(report: ValidationReport) -> str:
    """The report as plain text."""
    broken = report.broken()
    unchecked = [r for r in report.results if r.status is Status.UNCHECKED]
    held = len(report.results) - len(broken) - len(unchecked)
    lines = [f"{report.dataset}: {report.rows} rows, {held} of {len(report.results)} rules held, {report.bad_rows} rows break a rule"]
    for result in broken:
        lines.append(f"  [{result.severity.value}] {result.sentence}")
        lines += [f"      {_example(e)}" for e in result.examples]
        if result.proposal:
            lines.append(f"      to accept: {result.proposal}")
    lines += [f"  [not checked] {result.sentence}" for result in unchecked]
    lines += [f"  note: {note}" for note in report.notes]
    return "\n".join(lines)


def _example(example: Example) -> str:
    place = f"row {example.row}" + (f" (line {example.line})" if example.line is not None else "")
    return f"{place}{f', key {example.key}' if example.key else ''}: {'missing' if example.value is None else repr(example.value)}"
