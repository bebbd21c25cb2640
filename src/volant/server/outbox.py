"""Effects of events that this server brings about: a champion that is served is an effect done."""

from volant.kernel.codec import Value, decode
from volant.kernel.events import EventStore
from volant.registry.rules import CHAMPION_CHANGED


class ChampionChange(Value, frozen=True, kw_only=True):
    """The payload of ``champion-changed``: who should serve from which epoch on."""

    model: str
    version: int | None
    epoch: int


def settle_champion_changes(events: EventStore, model: str, served_epoch: int | None) -> int:
    """Mark every change of champion that is served, or was overtaken by one that is. How many were marked."""
    if served_epoch is None:
        return 0
    settled = 0
    for effect in events.pending_effects():
        if effect.kind != CHAMPION_CHANGED:
            continue
        change = decode(effect.payload, ChampionChange)
        if change.model == model and change.epoch <= served_epoch:
            events.effect_done(effect.id)
            settled += 1
    return settled
