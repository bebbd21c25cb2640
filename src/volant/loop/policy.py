"""Policies that a replay compares: never, every K windows, and the project's own; each over sliding or growing data."""

from collections.abc import Sequence
from enum import StrEnum

from volant.config.model import (
    Amount,
    Autonomy,
    GateConfig,
    Keep,
    ProjectConfig,
    RetrainConfig,
    TriggerConfig,
    TriggerKind,
    WindowConfig,
)
from volant.kernel.codec import Value
from volant.kernel.errors import UsageError
from volant.loop.model import LoopPolicy

PERIODS = (1, 2, 4)


class Retention(StrEnum):
    """Which rows a retrain of a replayed policy learns from."""

    SLIDING = "sliding"
    GROWING = "growing"


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
    ``never``, ``every:K`` (any K >= 1) and ``project``, each optionally with ``:sliding`` or ``:growing``.
    """
    own = config.train.window
    sliding = own if own.keep is Keep.LAST and own.size else WindowConfig(keep=Keep.LAST, size=Amount(rows=initial_rows))
    windows = {Retention.SLIDING: sliding, Retention.GROWING: WindowConfig(keep=Keep.ALL)}
    everything = [(every, retention) for every in (*PERIODS, None) for retention in Retention]
    wanted = [choice for text in asked for choice in _parsed(text)] if asked else everything
    chosen = [_policy(config, every, retention, windows[retention]) for every, retention in dict.fromkeys(wanted)]
    return (ReplayPolicy(name="never", retention=None, window=sliding), *chosen)


def _policy(config: ProjectConfig, every: int | None, retention: Retention, window: WindowConfig) -> ReplayPolicy:
    if every is None:
        return ReplayPolicy(
            name=f"project, {retention.value}",
            retention=retention,
            window=window,
            retrain=config.retrain,
            gates=config.gates,
            holdout=config.train.holdout if config.gates else None,
        )
    windows = "every window" if every == 1 else f"every {every} windows"
    return ReplayPolicy(name=f"{windows}, {retention.value}", retention=retention, window=window, every=every)


def _parsed(text: str) -> list[tuple[int | None, Retention]]:
    """``every:2:growing`` -> [(2, growing)]; ``project`` -> both retentions; ``never`` -> []."""
    kind, *rest = text.strip().lower().split(":")
    every: int | None = None
    if kind == "every" and rest and rest[0].isdigit() and int(rest[0]) >= 1:
        every, rest = int(rest[0]), rest[1:]
    elif kind not in {"never", "project"}:
        raise _unknown(text)
    if len(rest) > 1 or any(word not in set(Retention) for word in rest):
        raise _unknown(text)
    retentions = [Retention(word) for word in rest] or list(Retention)
    return [] if kind == "never" else [(every, retention) for retention in retentions]


def _unknown(text: str) -> UsageError:
    return UsageError(
        f"there is no replay policy {text!r}",
        found=text,
        next_step="use never, every:K or project, optionally followed by :sliding or :growing",
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
