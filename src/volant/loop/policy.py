"""Policies that a replay compares: never, every K windows, and the project's own; each over sliding or growing data.

Beside these, a policy may be one trigger by itself (``cost``, ``forecast``, ...) with the project's gates, holdout and guard.
"""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from volant.config.model import (
    OF_LOSSES,
    Amount,
    Autonomy,
    DriftOf,
    GateConfig,
    Keep,
    ProjectConfig,
    RetrainConfig,
    TriggerConfig,
    TriggerKind,
    WindowConfig,
)
from volant.config.retraining_rules import SEES_CHANGE
from volant.kernel.codec import Value
from volant.kernel.errors import UsageError
from volant.loop.model import LoopPolicy


class Retention(StrEnum):
    """Which rows a retrain of a replayed policy learns from."""

    SLIDING = "sliding"
    GROWING = "growing"
    WEIGHTED = "weighted"
    SINCE_CHANGE = "since_change"


PERIODS = (1, 2, 4)
USUAL = (Retention.SLIDING, Retention.GROWING)  # of the policies that nobody asked for by name
PROJECT = "project"
TRIGGERS = {
    "performance": TriggerConfig(kind=TriggerKind.PERFORMANCE),
    "estimated": TriggerConfig(kind=TriggerKind.ESTIMATED),
    "drift": TriggerConfig(kind=TriggerKind.DRIFT, drift=DriftOf.ANY),
    "cost": TriggerConfig(kind=TriggerKind.COST),
    "forecast": TriggerConfig(kind=TriggerKind.FORECAST),
}
What = int | str  # every so many windows, or "project", or the name of a trigger


class ReplayPolicy(Value, frozen=True, kw_only=True):
    """One line of a replay. ``every`` windows is turned into a clock trigger at each window (:func:`followed`).

    ``holdout`` is kept from training for the gates; without gates nothing is.
    """

    name: str
    retention: Retention | None  # None: it never retrains, so it does not matter
    window: WindowConfig
    retrain: RetrainConfig = RetrainConfig()
    gates: tuple[GateConfig, ...] = ()
    holdout: Amount | None = None
    every: int | None = None


def replay_policies(config: ProjectConfig, initial_rows: int, asked: Sequence[str] = ()) -> tuple[ReplayPolicy, ...]:
    """The policies to walk, ``never`` always first.

    Sliding keeps the project's own window, or as many rows as the first training had. ``asked`` narrows the list:
    ``never``, ``every:K`` (any K >= 1), ``project`` and triggers by name, each optionally with a retention like ``:growing``.
    """
    windows = _windows(config.train.window, Amount(rows=initial_rows))
    everything: list[tuple[What, Retention]] = [(what, retention) for what in (*PERIODS, PROJECT) for retention in USUAL]
    wanted = [choice for text in asked for choice in _parsed(text)] if asked else everything
    chosen = [_policy(config, what, retention, windows[retention]) for what, retention in dict.fromkeys(wanted)]
    return (ReplayPolicy(name="never", retention=None, window=windows[Retention.SLIDING]), *chosen)


def _windows(own: WindowConfig, first: Amount) -> dict[Retention, WindowConfig]:
    """The project's own where it has that retention, or one made of as many rows as the first training had."""
    made = {
        Retention.SLIDING: WindowConfig(keep=Keep.LAST, size=first),
        Retention.GROWING: WindowConfig(keep=Keep.ALL),
        Retention.WEIGHTED: WindowConfig(keep=Keep.WEIGHTED, half_life=first),
        Retention.SINCE_CHANGE: WindowConfig(keep=Keep.SINCE_CHANGE),
    }
    return {retention: own if own.keep is window.keep else window for retention, window in made.items()}


def _policy(config: ProjectConfig, what: What, retention: Retention, window: WindowConfig) -> ReplayPolicy:
    if retention is Retention.SINCE_CHANGE:
        _sees_change(config, what)
    if isinstance(what, int):
        windows = "every window" if what == 1 else f"every {what} windows"
        return ReplayPolicy(name=f"{windows}, {retention.value}", retention=retention, window=window, every=what)
    retrain = config.retrain if what == PROJECT else _of_trigger(config.retrain, what)
    listens = any(trigger.kind in {*OF_LOSSES, TriggerKind.ESTIMATED} for trigger in retrain.when)
    return ReplayPolicy(
        name=f"{what}, {retention.value}",
        retention=retention,
        window=window,
        retrain=retrain,
        gates=config.gates,
        holdout=config.train.holdout if config.gates or listens else None,
    )


def _sees_change(config: ProjectConfig, what: What) -> None:
    when = () if isinstance(what, int) else config.retrain.when if what == PROJECT else (TRIGGERS[what],)
    if not any(trigger.kind in SEES_CHANGE for trigger in when):
        raise UsageError(
            "the replay policy asks for rows since a change, and none of its triggers sees one",
            found=f"{what if isinstance(what, str) else f'every:{what}'}:{Retention.SINCE_CHANGE.value}",
            next_step="use performance:since_change, estimated:since_change, drift:since_change or cost:since_change",
            field="policies",
        )


def _of_trigger(retrain: RetrainConfig, name: str) -> RetrainConfig:
    if TRIGGERS[name].kind is TriggerKind.COST and retrain.cost.of_a_retrain(1) == 0:
        raise UsageError(
            "the replay policy 'cost' weighs what a retrain costs, and it costs nothing",
            found="retrain.cost: none",
            next_step="say what a retrain costs: --cost 500, or retrain: {cost: {retrain: 500}} in volant.yaml",
            field="policies",
        )
    return msgspec.structs.replace(retrain, when=(TRIGGERS[name],))


def _parsed(text: str) -> list[tuple[What, Retention]]:
    """``every:2:growing`` -> [(2, growing)]; ``project`` -> both retentions; ``never`` -> []."""
    kind, *rest = text.strip().lower().split(":")
    what: What = kind
    if kind == "every" and rest and rest[0].isdigit() and int(rest[0]) >= 1:
        what, rest = int(rest[0]), rest[1:]
    elif kind not in {"never", PROJECT, *TRIGGERS}:
        raise _unknown(text)
    if len(rest) > 1 or any(word not in set(Retention) for word in rest):
        raise _unknown(text)
    retentions = [Retention(word) for word in rest] or list(USUAL)
    return [] if kind == "never" else [(what, retention) for retention in retentions]


def _unknown(text: str) -> UsageError:
    return UsageError(
        f"there is no replay policy {text!r}",
        found=text,
        next_step=f"use never, every:K, project, {', '.join(TRIGGERS)}, optionally followed by {', '.join(f':{one}' for one in Retention)}",
        field="policies",
    )


def followed(policy: ReplayPolicy, window_starts: Sequence[int], number: int) -> LoopPolicy:
    """What ``decide`` follows at the start of window ``number``; windows may last differently long, so the clock is exact.

    Replay shows what autopilot would have done, so a passing candidate is released at once.
    """
    retrain = policy.retrain
    if policy.every is not None:
        ago = window_starts[number] - window_starts[max(number - policy.every, 0)] if number >= policy.every else 1 << 62
        retrain = RetrainConfig(when=(TriggerConfig(kind=TriggerKind.CLOCK, every_us=ago),))
    return LoopPolicy(retrain=retrain, autonomy=Autonomy.AUTOPILOT)
