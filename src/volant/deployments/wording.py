"""What a rollout decided, as sentences for a reviewer."""

from volant.config.amounts import percent_text
from volant.deployments import evidence as weighing
from volant.deployments.compared import Compared, compared
from volant.deployments.model import ArmCounts, Rollout, Stage


class Wording:
    """Sentences about one state."""

    def __init__(self, state: Rollout) -> None:
        self._state = state
        self._name = f"{state.model}@{state.candidate}"

    def began(self, stage: Stage) -> str:
        """A step begins."""
        rows = self._state.steps[stage.step].rows
        until = f" until {rows:,} rows have come" if rows else ""
        if stage.live:
            return f"{self._name} answers {percent_text(stage.share)} of the requests{until}."
        return f"{self._name} scores in the shadow of {self._state.model}@{self._state.champion}{until}."

    def waits_for_approval(self) -> str:
        """The first live row waits for a person."""
        override = "" if self._state.passed_gate else " --override"
        seen = self._seen() if self._state.stages else "nothing was asked of it yet"
        return f"{self._name} waits for approval before its first live row ({seen}): volant approve {self._name}{override} --reason TEXT"

    def finished(self) -> str:
        """All steps are done, and none of them makes it the champion."""
        return f"{self._name} did what was asked of it ({self._seen()}): volant promote {self._name} --reason TEXT, or volant rollback"

    def promoted(self) -> str:
        """It becomes the champion because all steps were passed."""
        return f"Promoted {self._name}: {self._seen()}, without harm."

    def promoted_by(self, actor: str, reason: str) -> str:
        """It becomes the champion because a person says so."""
        return f"Promoted {self._name} by {actor}: {reason} ({self._seen()})."

    def undecided(self) -> str:
        """The time is over and the numbers do not say enough."""
        return (
            f"Undecided on {self._name} at the time limit: {self._seen()}. It stays as it is until somebody decides: "
            f"volant promote {self._name} --reason TEXT, or volant rollback --reason TEXT"
        )

    def ended(self, why: str) -> str:
        """It is taken back, or never let out."""
        verb = "Rolled back" if self._state.live else "Refused"
        return f"{verb} {self._name}: {why}."

    def errors(self) -> str:
        """It fails more often."""
        champion, candidate = self._arms()
        return f"it failed on {_of(candidate.errors, candidate.requests)}, the champion on {_of(champion.errors, champion.requests)}"

    def slowness(self) -> str:
        """It is slow more often."""
        champion, candidate = self._arms()
        limit = self._state.limits_us[0]
        slow = _of(candidate.slow(limit), sum(candidate.times))
        return f"it took longer than {limit / 1000:g} ms on {slow}, the champion on {_of(champion.slow(limit), sum(champion.times))}"

    def losses(self) -> str:
        """Its answers are worse."""
        found = compared(self._state)
        return "; ".join(_lost(part) for part in [part for part in found if part.harm] or found)

    def _seen(self) -> str:
        """Counts by kind of step."""
        parts = []
        for live, noun in ((False, "shadow"), (True, "canary")):
            stages = [stage for stage in self._state.stages if stage.live is live]
            counts = weighing.total(self._state.counts(stage.epoch).candidate for stage in stages)
            if stages:
                parts.append(f"{noun} {counts.rows:,} rows, {counts.errors:,} errors")
        batched = weighing.total(part.candidate for part in self._state.batches.values())
        if batched.requests:
            parts.append(f"files {batched.rows:,} rows, {_errors(batched.errors, batched.requests)}")
        parts += [_lost(part) for part in compared(self._state)]
        return "; ".join(parts) or "no rows"

    def _arms(self) -> tuple[ArmCounts, ArmCounts]:
        sums = weighing.evidence(self._state)
        return sums.champion, sums.candidate


def _of(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} requests"


def _lost(part: Compared) -> str:
    """``mae 5.2 against 3.1 on 480 rows that both scored``."""
    figures = f"{part.metric} {part.candidate:.4g} against {part.champion:.4g}"
    if part.paired:
        return f"{figures} on {part.candidate_rows:,} rows that both scored"
    return f"{figures} of the champion ({part.candidate_rows:,} and {part.champion_rows:,} rows)"


def _errors(errors: int, parts: int) -> str:
    """Files are scored in parts, which fail as a whole."""
    return f"{errors:,} of {parts:,} parts failed" if errors else "0 errors"
