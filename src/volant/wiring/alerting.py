"""Who tells people about alerts."""

from typing import TYPE_CHECKING

from volant.monitoring.alert_delivery import Deliverer

if TYPE_CHECKING:
    from volant.wiring.project import Project


def deliverer(project: "Project") -> Deliverer:
    """Empties the project's outbox of alerts; addresses and secrets come from the environment that it was opened with."""
    from volant.adapters.notify.telling import Teller

    teller = Teller(project.config.watch.alerts, project.environment, project.clock)
    return Deliverer(project.stores.alerts, teller, project.clock)
