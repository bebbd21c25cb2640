"""What the counts of a rollout say: evidence of harm, evidence of safety, and how far each is from a decision."""

import math
from collections.abc import Iterable

from volant.deployments.model import BOUNDS_US, ArmCounts, EpochCounts, Evidence, Rollout, Stage
from volant.stats.evalues import Bad, log_harm, log_safety, log_wealth

ALPHA = 0.05  # chance of ever taking back a version that does no harm, over all signals
BETA = 0.05  # chance of ever calling a version safe that fails at twice the champion's odds
SIGNALS = 3
LOG_HARM = math.log(SIGNALS / ALPHA)
LOG_SAFE = math.log(1 / BETA)
# Small differences in time come from a colder process, not from the model: only gross ones are looked for.
SLOW_RATIOS = (5.0, 10.0, 20.0)
SLOW_TIMES = 8
LEAST_LIMIT_US = 5_000
LIMIT_REQUESTS = 30
BURST = 5  # so many answers of the candidate, every one of them an error
CRASHES = 3


def evidence(rollout: Rollout) -> Evidence:
    """The meters of a rollout and the counts of both arms over all its epochs."""
    return Evidence(
        errors_meter=_meter(log_errors(rollout), LOG_HARM),
        latency_meter=_meter(log_latency(rollout), LOG_HARM),
        loss_meter=_meter(log_loss(rollout), LOG_HARM),
        safety_meter=_meter(log_safe(rollout), LOG_SAFE),
        champion=total(part.champion for part in _parts(rollout)),
        candidate=total(part.candidate for part in _parts(rollout)),
    )


def _parts(rollout: Rollout) -> list[EpochCounts]:
    """Requests and files of all epochs."""
    return [rollout.counts(stage.epoch) for stage in rollout.stages] + list(rollout.batches.values())


def log_errors(rollout: Rollout) -> float:
    """Evidence that the candidate fails more often than the champion."""
    return log_harm(_errors(rollout, harm=True))


def log_safe(rollout: Rollout) -> float:
    """Evidence that the candidate's odds of failing are below twice the champion's."""
    return log_safety(_errors(rollout, harm=False))


def log_latency(rollout: Rollout) -> float:
    """Evidence that the candidate is above a time limit more often than the champion, averaged over the limits."""
    if not rollout.limits_us:
        return 0.0
    logs = [log_harm(_slow(rollout, limit), SLOW_RATIOS) for limit in rollout.limits_us]
    top = max(logs)
    return top + math.log(sum(math.exp(value - top) for value in logs) / len(logs))


def log_loss(rollout: Rollout) -> float:
    """Evidence that the candidate's answers lose more than the champion's, by more than the gates allow."""
    found = rollout.losses
    return 0.0 if found is None else log_wealth(part.wager for part in found.parts)


def limits(rollout: Rollout, promised_us: int | None = None) -> tuple[int, ...]:
    """Time limits for this rollout, fixed before they are used: from the champion's first answers, and from the gates.

    Empty while the champion has answered too few requests.
    """
    times = total(rollout.counts(stage.epoch).champion for stage in rollout.stages).times
    if sum(times) < LIMIT_REQUESTS:
        return ()
    usual = SLOW_TIMES * _median_us(times)
    found = {_bound(max(usual, LEAST_LIMIT_US))}
    if promised_us is not None:
        found.add(_bound(promised_us))
    return tuple(sorted(found))


def total(parts: Iterable[ArmCounts]) -> ArmCounts:
    """The sum of counts."""
    kept = tuple(parts)
    return ArmCounts(
        rows=sum(part.rows for part in kept),
        requests=sum(part.requests for part in kept),
        errors=sum(part.errors for part in kept),
        times=tuple(map(sum, zip(*(part.times for part in kept), strict=True))) if kept else ArmCounts().times,
    )


def _errors(rollout: Rollout, *, harm: bool) -> list[Bad]:
    found = []
    for stage in rollout.stages:
        counts = rollout.counts(stage.epoch)
        share = _share(stage, counts, harm=harm)
        found.append(Bad(share=share, champion=counts.champion.errors, candidate=counts.candidate.errors))
    both = rollout.batches.values()
    return [*found, *(Bad(share=0.5, champion=part.champion.errors, candidate=part.candidate.errors) for part in both)]


def _slow(rollout: Rollout, limit_us: int) -> list[Bad]:
    found = []
    for stage in rollout.stages:
        now, before = rollout.counts(stage.epoch), rollout.before_limits.get(str(stage.epoch), EpochCounts())
        champion = now.champion.slow(limit_us) - before.champion.slow(limit_us)
        candidate = now.candidate.slow(limit_us) - before.candidate.slow(limit_us)
        found.append(Bad(share=_share(stage, now, harm=True), champion=champion, candidate=candidate))
    return found


def _share(stage: Stage, counts: EpochCounts, *, harm: bool) -> float:
    """The share of requests that the candidate answered, or should have: whichever speaks less for a decision.

    Few keys with much traffic make the two differ; a share that is too small would make harm of chance.
    """
    requests = counts.champion.requests + counts.candidate.requests
    if not requests or not stage.live:
        return stage.share
    seen = counts.candidate.requests / requests
    share = max(stage.share, seen) if harm else min(stage.share, seen)
    return min(max(share, 1e-6), 1 - 1e-6)


def _median_us(times: tuple[int, ...]) -> int:
    """The upper bound of the bucket that holds the median."""
    half, seen = sum(times) / 2, 0
    for bound, count in zip((*BOUNDS_US, BOUNDS_US[-1]), times, strict=True):
        seen += count
        if seen >= half:
            return bound
    return BOUNDS_US[-1]


def _bound(time_us: int) -> int:
    return next((bound for bound in BOUNDS_US if bound >= time_us), BOUNDS_US[-1])


def _meter(log_value: float, threshold: float) -> float:
    return min(max(log_value / threshold, 0.0), 1.0)
