"""Alerts: what needs attention now, what did, and who was told; acknowledging one."""

from typing import TYPE_CHECKING, Any

from volant.access.model import Permission
from volant.access.routes import Request, Response, redirect
from volant.access.tokens import LOCAL
from volant.kernel.codec import plain
from volant.kernel.errors import HTTP_STATUS, InvalidInputError, NotFoundError, VolantError
from volant.monitoring.alert_model import Alert, Delivery, Severity
from volant.web.rendering import Site, may

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
PAGE = 50
LONGEST_NOTE = 2000
TONES = {Severity.CRITICAL: "fail", Severity.WARNING: "open", Severity.INFO: "neutral"}


def alerts_page(project: "Project", page: int = 1, *, may_acknowledge: bool = False) -> Json:
    """Open alerts of all models, worst first; those of the project's model that are over, newest first, one page of them."""
    standing = project.alerts.open()
    newest = project.alerts.all(project.name, page * PAGE + 1 + len(standing))
    over = [alert for alert in newest if not alert.is_open]
    return {
        "open": [_entry(project, alert) for alert in standing],
        "over": [_entry(project, alert) for alert in over[(page - 1) * PAGE : page * PAGE]],
        "targets": [target.to for target in project.config.watch.alerts],
        "page": page,
        "more": len(over) > page * PAGE,
        "may_acknowledge": may_acknowledge,
    }


def glance(project: "Project", *, look: bool = True) -> Json:
    """For the overview: how many are open, and the worst that nobody looks after."""
    found = project.glances.alerts(look=look)
    unseen = [alert for alert in found if alert.acknowledged_at is None]
    worst = next(iter(unseen), None)
    return {
        "open": len(found),
        "unseen": len(unseen),
        "worst": None if worst is None else {**plain(worst), "tone": TONES[worst.severity]},
    }


def _entry(project: "Project", alert: Alert) -> Json:
    sent: dict[str, list[Delivery]] = {}
    for delivery in project.alerts.deliveries(alert.id):
        sent.setdefault(delivery.target, []).append(delivery)
    return {**plain(alert), "tone": TONES[alert.severity], "told": [_told(target, deliveries) for target, deliveries in sent.items()]}


def _told(target: str, deliveries: list[Delivery]) -> Json:
    """One target: how many of the notices about an alert it took, and what stands in the way of the rest."""
    taken = sum(one.done_at is not None for one in deliveries)
    failed = next((one for one in deliveries if one.error is not None), None)
    return {
        "target": target,
        "notices": len(deliveries),
        "taken": taken,
        "tone": "fail" if failed else "pass" if taken == len(deliveries) else "neutral",
        "error": None if failed is None else failed.error,
        "tries": 0 if failed is None else failed.tries,
        "next_at": None if failed is None else failed.next_at,
    }


class Acknowledging:
    """What the form of an alert posts to. A refused one shows the page again with what was typed."""

    def __init__(self, project: "Project", site: Site) -> None:
        self._project = project
        self._site = site

    def __call__(self, request: Request) -> Response:
        """``POST /alerts/{alert}/acknowledge`` with ``note``; the alert is named by id, because pages show all models."""
        note = request.form().get("note", "").strip()
        try:
            if len(note) > LONGEST_NOTE:
                raise InvalidInputError(
                    "The note is too long.", found=f"{len(note)} characters", next_step=f"write at most {LONGEST_NOTE}", field="note"
                )
            self._project.alerts.acknowledge(request.params["alert"], (request.principal or LOCAL).name, note)
        except NotFoundError:
            raise
        except VolantError as error:
            view = alerts_page(self._project, may_acknowledge=may(request, Permission.CONTRIBUTE))
            problem = {"alert": request.params["alert"], "what": error.what, "found": error.found, "next": error.next_step, "note": note}
            return self._site.page(request, "alerts.html", {**view, "problem": problem}, title="Alerts", status=HTTP_STATUS[error.code])
        return redirect("/alerts")
