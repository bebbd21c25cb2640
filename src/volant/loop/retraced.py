"""Values of a replay over the lived log: each decision as it was made, and as it comes out once more. Light."""

from enum import StrEnum

from volant.kernel.codec import Value

Figure = str | int | float | bool | None


class Kind(StrEnum):
    """Whose decision it was."""

    LOOP = "loop"
    ROLLOUT = "rollout"


class Difference(Value, frozen=True, kw_only=True):
    """A figure that is not what it was. ``where``: ``stored`` (decided again on what was kept) or ``log`` (made anew from it)."""

    where: str
    figure: str
    then: Figure
    now: Figure


class Retraced(Value, frozen=True, kw_only=True):
    """One decision. ``id`` names its event; ``checked`` is False where there is nothing to decide again, and ``note`` says why."""

    id: str
    kind: Kind
    at: int
    action: str
    version: int | None
    sentence: str
    checked: bool = True
    note: str | None = None
    differences: tuple[Difference, ...] = ()

    @property
    def same(self) -> bool:
        """Whether it comes out as it was."""
        return not self.differences


class Overlooked(Value, frozen=True, kw_only=True):
    """Something was due at a look that decided to wait: on facts of ``at``, found before the decision ``before``."""

    at: int
    before: str
    action: str
    sentence: str


class LivedReplay(Value, frozen=True, kw_only=True):
    """All decisions in order, and what was due in between and not decided. ``instants``: how many were looked at for that."""

    project: str
    decisions: tuple[Retraced, ...]
    overlooked: tuple[Overlooked, ...]
    instants: int

    @property
    def same(self) -> bool:
        """Whether everything comes out as it was."""
        return not self.overlooked and all(decision.same for decision in self.decisions)


def sentence(found: LivedReplay) -> str:
    """What the replay found."""
    checked = [decision for decision in found.decisions if decision.checked]
    differing = sum(not decision.same for decision in checked)
    unchecked = len(found.decisions) - len(checked)
    text = f"{len(checked) - differing} of {len(checked)} automatic decisions come out as they were"
    if unchecked:
        text += f"; {unchecked} more {'rests' if unchecked == 1 else 'rest'} on a person's word or on what is not in the log"
    if found.overlooked:
        text += f"; {len(found.overlooked)} times something was due and not decided"
    return f"{text}."
