"""The last change that the loop saw: where ``keep: since_change`` begins to keep rows.

A trigger that asks for a retrain because the world has moved says since when: performance and its estimate the windows that tell
it most, drift the first window in which a column moved, cost where the excess loss began to grow. The instant is part of the
decision, and so of what a replay of lived decisions holds against the log. It is an event time where labels and predictions are
made as rows happen.
"""

from collections.abc import Iterable

import msgspec

from volant.config.model import Keep, ProjectConfig, WindowConfig
from volant.kernel.events import Event
from volant.loop.decide import CHANGE
from volant.loop.ledger import Entries
from volant.loop.model import Action, Decision


def change_seen(decision: Decision) -> int | None:
    """When the world changed, as a decision to retrain says it; None if it says nothing of that."""
    found = decision.evidence.get(CHANGE)
    return int(found) if decision.action is Action.RETRAIN and isinstance(found, int) else None


def last_change(events: Iterable[Event]) -> int | None:
    """The newest change in a loop's stream."""
    found = [change_seen(decision) for _, decision in Entries(tuple(events)).decisions()]
    return next((instant for instant in reversed(found) if instant is not None), None)


def with_change(window: WindowConfig, since_us: int | None) -> WindowConfig:
    """The window as it is kept now."""
    return msgspec.structs.replace(window, since_us=since_us) if window.keep is Keep.SINCE_CHANGE else window


def as_of_change(config: ProjectConfig, events: Iterable[Event]) -> ProjectConfig:
    """The settings as a training follows them that begins after these events of the loop."""
    if config.train.window.keep is not Keep.SINCE_CHANGE:
        return config
    window = with_change(config.train.window, last_change(events))
    return msgspec.structs.replace(config, train=msgspec.structs.replace(config.train, window=window))
