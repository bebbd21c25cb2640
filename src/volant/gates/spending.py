"""What a holdout has been used for: every candidate judged on a row spends a little of what the row can tell.

Nothing is counted apart: the reports that are kept anyway say which candidates met which rows, so the count cannot be
forgotten or go wrong. A holdout that moves on with new labels is fresh again by the share of rows that are new.

Within the budget the checks keep their level: what that costs was simulated (``benchmarks/gate_simulation.py``). Beyond it the
j-th further candidate gets ``level * 6 / (pi j)^2``, which adds up to the level however many follow (alpha spending: Lan &
DeMets 1983, Biometrika 70; a union bound, so whatever the dependence).
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from volant.config.model import GateConfig, GateKind
from volant.gates.holdout import Holdout
from volant.gates.model import CheckResult, GateReport, HoldoutUse, Verdict
from volant.gates.wording import counted, number, percent
from volant.kernel.clock import format_duration

BUDGET = 30  # candidates per row, where volant.yaml says nothing


def holdout_line(gates: Sequence[GateConfig]) -> GateConfig:
    """The strictest line about the holdout, or the default."""
    lines = [gate for gate in gates if gate.kind is GateKind.HOLDOUT]
    uses = min((gate.uses for gate in lines if gate.uses is not None), default=BUDGET)
    expires = min((gate.expires_us for gate in lines if gate.expires_us is not None), default=None)
    return GateConfig(kind=GateKind.HOLDOUT, uses=uses, expires_us=expires)


def level_left(level: float, use: float, budget: int) -> float:
    """The level at which the ``use``-th candidate (from 1) may be judged on the same rows."""
    beyond = math.ceil(use - budget - 1e-9)
    return level if beyond <= 0 else level * 6 / (math.pi * beyond) ** 2


def use_of(holdout: Holdout, package: str, earlier: Sequence[GateReport], line: GateConfig, *, dataset: str, now: int) -> HoldoutUse:
    """How far these rows are used up when ``package`` is judged on them.

    ``earlier``: reports of the same model in any order. Judging a package again is no further use.
    """
    met = _met(holdout, [report for report in earlier if report.package != package and report.dataset == dataset])
    budget, rows = line.uses or BUDGET, len(holdout)
    use = 1 + float(met.mean()) if rows else 1.0
    old = int((holdout.times < now - line.expires_us).sum()) if line.expires_us is not None else 0
    expired = 2 * old > rows
    fresh = max(_fresh(met, budget) if use > budget else 0, old - rows // 2 if expired else 0)
    return HoldoutUse(rows=rows, use=use, budget=budget, expired=expired, fresh_labels=fresh)


def _met(holdout: Holdout, earlier: Sequence[GateReport]) -> np.ndarray:
    """How many packages each row has judged before. Shape (n,)."""
    spans: dict[str, np.ndarray] = {}
    for report in earlier:
        if report.holdout_from_us is None or report.holdout_to_us is None:
            continue
        inside = (holdout.times >= report.holdout_from_us) & (holdout.times <= report.holdout_to_us)
        spans[report.package] = spans[report.package] | inside if report.package in spans else inside
    met = np.zeros(len(holdout), dtype=np.int64)
    for inside in spans.values():
        met += inside
    return met


def _fresh(met: np.ndarray, budget: int) -> int:
    """How many of the oldest rows must give way to new ones until the rest is within the budget."""
    left = np.append(np.cumsum(met[::-1])[::-1], 0)
    return int(np.argmax(left <= (budget - 1) * len(met)))


def held_to(gates: Sequence[GateConfig], use: HoldoutUse) -> tuple[GateConfig, ...]:
    """The same lines, each at the level that is left for this candidate."""
    return tuple(
        msgspec.structs.replace(gate, confidence=1 - level_left(1 - gate.confidence, use.use, use.budget))
        if use.used_up and gate.spends_labels
        else gate
        for gate in gates
    )


def check_holdout(line: GateConfig, use: HoldoutUse, confidence: float) -> CheckResult:
    """What the holdout can still tell, as a line of the report. ``confidence``: what the checks asked for before widening.

    Used up it stops nobody by itself, because every check is stricter; expired it leaves the candidate waiting.
    """
    body = f"this is candidate {number(use.use)} for its {counted(use.rows, 'row')} on average, of a budget of {use.budget}"
    if use.used_up:
        left = 1 - level_left(1 - confidence, use.use, use.budget)
        body += f"; it is used up, so checks ask for {percent(left)} instead of {percent(confidence)}"
    if use.expired:
        body += f"; it has expired: more than half of it is older than {format_duration(line.expires_us or 0)}"
    if use.fresh_labels:
        body += f". About {counted(use.fresh_labels, 'fresh label')} would renew it"
    return CheckResult(
        check=line,
        title=f"holdout, {use.budget} uses",
        verdict=Verdict.NOT_ENOUGH if use.used_up or use.expired else Verdict.PASS,
        sentence=f"holdout: {body}.",
        rows=use.rows,
        labels_needed=use.fresh_labels or None,
        stops=use.expired,
    )
