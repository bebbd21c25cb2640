"""Removing what is no longer needed: what dead processes left behind, and what was told to people long ago."""

from volant.kernel.clock import DAY_US
from volant.kernel.codec import Value
from volant.kernel.scratch import sweep
from volant.wiring.project import Project

DELIVERIES_US = 90 * DAY_US


class Swept(Value, frozen=True, kw_only=True):
    """What went: names below the scratch folder, and how many deliveries of alerts."""

    scratch: tuple[str, ...]
    deliveries: int


def swept(project: Project) -> Swept:
    """Sweep once. Harmless beside running processes, and when several do it."""
    return Swept(
        scratch=sweep(project.scratch_folder),
        deliveries=project.stores.alerts.forget_deliveries(project.clock.now() - DELIVERIES_US),
    )
