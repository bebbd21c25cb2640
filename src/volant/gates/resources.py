"""What a model takes: time for one row and bytes. Measured once; a report made again takes the figures from the first."""

from volant.config.model import GateConfig
from volant.gates.model import CheckResult, Measured, Slower, Verdict
from volant.gates.wording import counted, number

_UNMEASURED = Measured()


def check_latency(check: GateConfig, measured: Measured | None, champion_name: str) -> list[CheckResult]:
    """One result per limit of the line."""
    found = measured or _UNMEASURED
    results = []
    if check.latency_us is not None:
        results.append(_limit(check, "p99", check.latency_us, found.p99_us))
    if check.latency_p95_us is not None:
        results.append(_limit(check, "p95", check.latency_p95_us, found.p95_us))
    if check.slower is not None:
        p95 = (found.p95_us, found.champion_p95_us, found.slower_p95)
        p99 = (found.p99_us, found.champion_p99_us, found.slower_p99)
        results += [_beside(check, part, figures, champion_name, found) for part, figures in (("p95", p95), ("p99", p99))]
    return results


def _limit(check: GateConfig, part: str, limit: int, took: int | None) -> CheckResult:
    title = f"latency {part} at most {number(limit / 1000)} ms"
    if took is None:
        return CheckResult(
            check=check, title=title, verdict=Verdict.NOT_ENOUGH, sentence=f"{title}: it was not measured.", rows=0, unit="us"
        )
    verdict = Verdict.PASS if took <= limit else Verdict.FAIL
    end = "within" if verdict is Verdict.PASS else "over"
    sentence = f"one-row predictions take {number(took / 1000)} ms at {part}, {end} the limit of {number(limit / 1000)} ms."
    return CheckResult(check=check, title=title, verdict=verdict, sentence=sentence, rows=0, candidate=float(took), unit="us")


def _beside(
    check: GateConfig, part: str, figures: tuple[int | None, int | None, Slower | None], champion_name: str, found: Measured
) -> CheckResult:
    title = f"latency {part} vs {champion_name}"
    took, others, slower = figures
    if took is None or others is None or slower is None:
        skipped = took is not None and others is None
        said = "there is no champion yet to compare with, so this check is skipped" if skipped else "it was not measured"
        verdict = Verdict.PASS if skipped else Verdict.NOT_ENOUGH
        return CheckResult(check=check, title=title, verdict=verdict, sentence=f"{title}: {said}.", rows=0, unit="us")
    limit = 1 + (check.slower or 0.0)
    verdict = Verdict.PASS if slower.high <= limit else Verdict.FAIL if slower.low > limit else Verdict.NOT_ENOUGH
    end = {
        Verdict.PASS: "kept",
        Verdict.FAIL: "broken",
        Verdict.NOT_ENOUGH: "the machine was too unsteady to say, and measuring again may tell: volant gate",
    }[verdict]
    sentence = (
        f"one-row predictions take {number(took / 1000)} ms at {part} against {number(others / 1000)} ms of {champion_name}, asked in turn "
        f"on {counted(found.latency_rows, 'row')}: {number(slower.ratio)} times as long, bounds at 95 % {number(slower.low)} and "
        f"{number(slower.high)}, {number(limit)} allowed: {end}."
    )
    return CheckResult(
        check=check,
        title=title,
        verdict=verdict,
        sentence=sentence,
        rows=0,
        candidate=float(took),
        other=float(others),
        other_name=champion_name,
        difference=float(took - others),
        low=(slower.low - 1) * others,
        high=(slower.high - 1) * others,
        allowed=(limit - 1) * others,
        unit="us",
        ratio=slower.ratio,
        ratio_low=slower.low,
        ratio_high=slower.high,
    )


def check_size(check: GateConfig, measured: Measured | None, champion_name: str) -> list[CheckResult]:
    """One result per limit of the line."""
    found = measured or _UNMEASURED
    package = ("package size", check.package_bytes, found.package_bytes, found.champion_package_bytes)
    memory = ("memory", check.memory_bytes, found.memory_bytes, found.champion_memory_bytes)
    return [
        _size(check, what, limit, (mine, theirs), champion_name) for what, limit, mine, theirs in (package, memory) if limit is not None
    ]


def _size(check: GateConfig, what: str, limit: int, sizes: tuple[int | None, int | None], champion_name: str) -> CheckResult:
    title = f"{what} at most {bytes_text(limit)}"
    mine, theirs = sizes
    if mine is None:
        sentence = f"{title}: it was not measured."
        return CheckResult(check=check, title=title, verdict=Verdict.NOT_ENOUGH, sentence=sentence, rows=0, unit="bytes")
    verdict = Verdict.PASS if mine <= limit else Verdict.FAIL
    beside = "" if theirs is None else f" ({bytes_text(theirs)} of {champion_name})"
    sentence = f"{what} {bytes_text(mine)}{beside}, {'within' if verdict is Verdict.PASS else 'over'} the limit of {bytes_text(limit)}."
    return CheckResult(
        check=check,
        title=title,
        verdict=verdict,
        sentence=sentence,
        rows=0,
        candidate=float(mine),
        other=None if theirs is None else float(theirs),
        other_name=None if theirs is None else champion_name,
        difference=None if theirs is None else float(mine - theirs),
        allowed=float(limit),
        unit="bytes",
    )


def bytes_text(count: float) -> str:
    """``50.1 MB``, of 1,000,000 bytes."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if abs(count) >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f} bytes"
