"""Replay: history as the world would have seen it, walked through by several policies with the same decisions.

At the start of each window only labels with ``known_at <= now`` exist; a training takes a declared time during which
the old model answers; equal times are never parted. Every policy goes through :func:`volant.loop.decide.decide`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from volant.config.model import CostConfig, ProjectConfig
from volant.kernel.clock import SECOND_US, Clock, format_duration
from volant.loop.hindsight import bound
from volant.loop.policy import replay_policies
from volant.loop.recommending import recommend
from volant.loop.replay_ledger import Ledger, OverBudgetError, Train
from volant.loop.replay_model import ReplayResult
from volant.loop.replay_summary import summarise
from volant.loop.replay_wheel import History, Wheel
from volant.loop.replay_windows import Stretch, plan_windows

Progress = Callable[[str, float | None], None]


@dataclass(frozen=True)
class Extent:
    """Which part of the history, in how many windows, and how long a training takes.

    ``cost`` of a retrain in units of the metric's row loss times rows (None: as the settings say); ``bound`` asks for the best that
    could have been.
    """

    windows: int | None = None
    window_rows: int | None = None
    last_us: int | None = None
    train_duration_us: int = 0
    budget_us: int | None = None
    cost: float | None = None
    bound: bool = False

    def costs(self, config: ProjectConfig) -> CostConfig:
        """What retrains of this replay cost."""
        return config.retrain.cost if self.cost is None else CostConfig(retrain=self.cost)


@dataclass(frozen=True)
class Replayed:
    """The result, and every training and answer it rests on (``ledger.frame()``)."""

    result: ReplayResult
    ledger: Ledger


def replay(
    config: ProjectConfig,
    history: History,
    train: Train,
    *,
    clock: Clock,
    extent: Extent | None = None,
    policies: Sequence[str] = (),
    progress: Progress = lambda _text, _share: None,
) -> Replayed:
    """Walk all policies through ``history`` and compare them.

    ``clock`` only measures how long trainings take and when ``extent.budget_us`` is spent; no result depends on it
    otherwise. Raises ``InvalidInputError`` for a history that is too short, and whatever the first training raises.
    """
    extent = extent or Extent()
    config = msgspec.structs.replace(config, retrain=msgspec.structs.replace(config.retrain, cost=extent.costs(config)))
    windows = plan_windows(history.event_times, windows=extent.windows, window_rows=extent.window_rows, last_us=extent.last_us)
    ledger = Ledger(train, len(history.target), clock, extent.budget_us)
    first = len(history.known(int(history.event_times[windows[0].start])))
    wheels = [
        Wheel(policy, history, windows, ledger, duration_us=extent.train_duration_us, seed=config.train.seed)
        for policy in replay_policies(config, first, policies)
    ]
    done = _walk(wheels, windows, ledger, progress)
    result = summarise(
        history,
        windows,
        wheels,
        ledger,
        done=done,
        partial=_left_out(done, len(windows), extent.budget_us),
        train_duration_us=extent.train_duration_us,
        label_delay_us=config.data.label_delay_us,
        seed=config.train.seed,
        advised=partial(recommend, config),
    )
    if extent.bound:
        progress("asking every model about all later rows", None)
        result = msgspec.structs.replace(result, bound=bound(history, windows[:done], ledger, extent.train_duration_us))
    row_us = (config.data.tick_us or SECOND_US) if config.data.time is None else None
    return Replayed(msgspec.structs.replace(result, row_us=row_us), ledger)


def _left_out(done: int, planned: int, budget_us: int | None) -> str | None:
    if done == planned:
        return None
    spent = f"the time budget of {format_duration(budget_us or 0)} ended the replay after {done} of {planned} windows"
    return f"{spent}; the newest {planned - done} are left out"


def _walk(wheels: Sequence[Wheel], windows: Sequence[Stretch], ledger: Ledger, progress: Progress) -> int:
    """Advance all policies window by window; how many windows every policy finished (at least one)."""
    progress("training the first model", 0.0)
    for wheel in wheels:
        wheel.begin()
    for number in range(len(windows)):
        try:
            for wheel in wheels:
                wheel.step(number)
        except OverBudgetError:
            return number
        share = (number + 1) / len(windows)
        progress(f"window {number + 1} of {len(windows)}, trainings: {len(ledger.trained)}", share)
    return len(windows)
