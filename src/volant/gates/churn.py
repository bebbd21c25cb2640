"""How many answers differ from the champion's: what its users will notice, labels or not."""

import numpy as np

from volant.config.model import GateConfig
from volant.gates.facts import Changing
from volant.gates.limits import at_most, bounds_text, conclusion
from volant.gates.model import CheckResult, Verdict
from volant.gates.wording import counted, number, percent
from volant.stats.blocks import mean_of_dependent
from volant.stats.paired import Interval, interval_of
from volant.stats.predicted import labels_equal, usable_target
from volant.stats.shares import share_of


def check_churn(check: GateConfig, changing: Changing | None, champion_name: str) -> CheckResult:
    """Of labels the share that changed; of numbers the mean change, allowed in the target's unit or in spreads of the champion's."""
    title = f"churn against {champion_name}"
    if changing is None:
        sentence = f"{title}: there is no champion yet, so nothing can change and this check is skipped."
        return CheckResult(check=check, title=title, verdict=Verdict.PASS, sentence=sentence, rows=0)
    usable = usable_target(changing.candidate.values) & usable_target(changing.champion.values)
    lost = int((~usable_target(changing.candidate.values)).sum())
    if lost:
        sentence = f"{title}: the candidate gave {counted(lost, 'answer')} that cannot be used."
        return CheckResult(check=check, title=title, verdict=Verdict.FAIL, sentence=sentence, rows=len(usable))
    if not usable.any():
        sentence = f"{title}: no held-out row was left to ask both models about."
        return CheckResult(check=check, title=title, verdict=Verdict.NOT_ENOUGH, sentence=sentence, rows=0)
    return _of_numbers(check, title, changing, usable) if changing.numbers else _of_labels(check, title, changing, usable)


def _of_labels(check: GateConfig, title: str, changing: Changing, usable: np.ndarray) -> CheckResult:
    mine, theirs = changing.candidate.take(usable), changing.champion.take(usable)
    changed = ~labels_equal(mine.values, theirs.values)
    found = share_of(changed, check.confidence, changing.times[usable], None if changing.groups is None else changing.groups[usable])
    assert found is not None
    assert check.most_churn is not None
    limit = check.most_churn.value
    said = f"{percent(found.value)} of answers change on {counted(found.rows, 'row')}"
    said += f", {bounds_text(found, check.confidence, scale=100)}, {percent(limit)} allowed"
    return _result(check, title, found, limit, said)


def _of_numbers(check: GateConfig, title: str, changing: Changing, usable: np.ndarray) -> CheckResult:
    mine, theirs = (np.asarray(part.values[usable], dtype=np.float64) for part in (changing.candidate, changing.champion))
    groups = None if changing.groups is None else changing.groups[usable]
    found = interval_of(mean_of_dependent(np.abs(mine - theirs), changing.times[usable], groups), check.confidence)
    assert check.most_churn is not None
    spread = float(theirs.std())
    limit = check.most_churn.value * (spread if check.most_churn.relative else 1.0)
    said = f"answers change by {number(found.value)} on average on {counted(found.rows, 'row')}, {bounds_text(found, check.confidence)}"
    said += f", {number(limit)} allowed"
    if check.most_churn.relative:
        said += f" ({percent(check.most_churn.value)} of their spread of {number(spread)})"
    return _result(check, title, found, limit, said)


def _result(check: GateConfig, title: str, found: Interval, limit: float, said: str) -> CheckResult:
    verdict, needed = at_most(found, limit, check.confidence)
    return CheckResult(
        check=check,
        title=title,
        verdict=verdict,
        sentence=f"{title}: {said}: {conclusion(verdict, needed, 'row')}.",
        rows=found.rows,
        candidate=found.value,
        low=found.low,
        high=found.high,
        allowed=limit,
    )
