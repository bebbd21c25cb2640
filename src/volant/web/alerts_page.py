"""Alerts: what needs attention now, what did, and who was told; acknowledging one, and muting."""

from typing import TYPE_CHECKING, Any

from volant.access.model import Permission
from volant.access.routes import Handler, Request, Response, Route, redirect
from volant.access.tokens import LOCAL
from volant.kernel.codec import plain
from volant.kernel.errors import HTTP_STATUS, InvalidInputError, NotFoundError, VolantError
from volant.monitoring.alert_actions import action_parts
from volant.monitoring.alert_model import Alert, Delivery, Picture, Severity
from volant.monitoring.alert_mutes import Mute
from volant.monitoring.alert_routing import urgency_of
from volant.monitoring.alert_text import effect_text
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
    entries = [_entry(project, alert) for alert in standing]
    newest = project.alerts.all(project.name, page * PAGE + 1 + len(standing))
    over = [alert for alert in newest if not alert.is_open]
    return {
        "open": [entry for entry in entries if entry["muted"] is None],
        "muted": [entry for entry in entries if entry["muted"] is not None],
        "mutes": [_mute(mute) for mute in project.alerts.mutes.standing(project.name, project.clock.now())],
        "over": [_entry(project, alert) for alert in over[(page - 1) * PAGE : page * PAGE]],
        "targets": [target.to for target in project.config.watch.alerts],
        "page": page,
        "more": len(over) > page * PAGE,
        "may_acknowledge": may_acknowledge,
    }


def glance(project: "Project", *, look: bool = True) -> Json:
    """For the overview: how many are open and not muted, and the worst that nobody looks after."""
    found = [alert for alert in project.glances.alerts(look=look) if not alert.quiet]
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
    held = project.alerts.mutes.over(alert, project.clock.now()) if alert.is_open else None
    shown = plain(alert)
    del shown["quiet"], shown["addressed"]
    return {
        **shown,
        "tone": TONES[alert.severity],
        "urgency": urgency_of(alert).value,
        "action": [{"text": text, "command": command} for text, command in action_parts(alert)],
        "effect": None if alert.sight is None or alert.sight.effect is None else effect_text(alert.sight.effect),
        "pictures": [] if alert.sight is None else [_picture(picture) for picture in alert.sight.pictures],
        "muted": None if held is None else _mute(held),
        "told": [_told(target, deliveries) for target, deliveries in sent.items()],
    }


def _mute(mute: Mute) -> Json:
    return {**plain(mute), "about": mute.about}


def _picture(picture: Picture) -> Json:
    """As the overlay of the drift page draws it."""
    return {"name": picture.column, "kind": "number" if picture.numbers else "category", "bars": plain(picture.bars)}


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


class AlertForms:
    """What the forms of the page post to. A refused one shows the page again with what was typed."""

    def __init__(self, project: "Project", site: Site) -> None:
        self._project = project
        self._site = site

    def routes(self) -> list[Route]:
        """Their declarations."""
        return [
            self._form("/alerts/{alert}/acknowledge", "Say that you look after an alert.", self.acknowledge),
            self._form("/alerts/{alert}/mute", "Tell nobody about an alert for a while.", self.mute),
            self._form("/mutes/{mute}/end", "End a mute before its time.", self.unmute),
        ]

    def acknowledge(self, request: Request) -> Response:
        """``POST /alerts/{alert}/acknowledge`` with ``note``; the alert is named by id, because pages show all models."""
        note = request.form().get("note", "").strip()
        try:
            if len(note) > LONGEST_NOTE:
                raise InvalidInputError(
                    "The note is too long.", found=f"{len(note)} characters", next_step=f"write at most {LONGEST_NOTE}", field="note"
                )
            self._project.alerts.acknowledge(request.params["alert"], _actor(request), note)
        except NotFoundError:
            raise
        except VolantError as error:
            return self._refused(request, error, {"alert": request.params["alert"], "note": note})
        return redirect("/alerts")

    def mute(self, request: Request) -> Response:
        """``POST /alerts/{alert}/mute`` with ``until``, ``reason``, ``about`` (``alert`` or ``cause``) and ``pages``."""
        from volant.wiring.alerting import instant

        form = request.form()
        try:
            alert = self._project.alerts.find(request.params["alert"])
            until = instant(form.get("until", ""), self._project.clock.now())
            whole = form.get("about") == "cause"
            self._project.alerts.mute(
                alert.model,
                until,
                form.get("reason", ""),
                _actor(request),
                alert=None if whole else alert.id,
                cause=alert.cause if whole else None,
                pages=form.get("pages") == "1",
            )
        except NotFoundError:
            raise
        except VolantError as error:
            return self._refused(request, error, {"mute": request.params["alert"], "reason": form.get("reason", "")})
        return redirect("/alerts")

    def unmute(self, request: Request) -> Response:
        """``POST /mutes/{mute}/end`` with the ``model`` that it is about."""
        self._project.alerts.unmute(request.form().get("model", self._project.name), request.params["mute"], _actor(request))
        return redirect("/alerts")

    def _refused(self, request: Request, error: VolantError, typed: Json) -> Response:
        view = alerts_page(self._project, may_acknowledge=may(request, Permission.CONTRIBUTE))
        problem = {"what": error.what, "found": error.found, "next": error.next_step, "alert": "", "mute": "", "note": "", "reason": ""}
        return self._site.page(request, "alerts.html", {**view, "problem": problem | typed}, title="Alerts", status=HTTP_STATUS[error.code])

    @staticmethod
    def _form(path: str, summary: str, handler: Handler) -> Route:
        return Route(method="POST", path=path, needs=Permission.CONTRIBUTE, summary=summary, handler=handler)


def _actor(request: Request) -> str:
    return (request.principal or LOCAL).name
