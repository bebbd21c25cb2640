"""Who tells people about alerts, and how alerts are shown as plain JSON values."""

import contextlib
from typing import TYPE_CHECKING, Any

from volant.config.load import load_project
from volant.config.model import AlertTarget
from volant.kernel.clock import iso
from volant.kernel.codec import decode
from volant.kernel.errors import VolantError
from volant.monitoring.alert_model import Alert, Delivery, Notice, NoticeKind, Severity
from volant.monitoring.alert_ports import Sender, Undelivered
from volant.monitoring.alert_text import alert_record
from volant.wiring.project import CONFIG_FILE

if TYPE_CHECKING:
    from volant.monitoring.alert_delivery import Deliverer
    from volant.wiring.project import Project

Json = dict[str, Any]
MOST = 1000
TEST_SENTENCE = "This is a test of the way to you; nothing is wrong."


def deliverer(project: "Project") -> "Deliverer":
    """Empties the project's outbox of alerts; addresses and secrets come from the environment that it was opened with."""
    from volant.monitoring.alert_delivery import Deliverer

    return Deliverer(project.stores.alerts, _teller(project), project.clock)


def _teller(project: "Project") -> Sender:
    from volant.adapters.notify.telling import Teller

    return Teller(NamedTargets(project), project.environment, project.clock)


class NamedTargets:
    """The targets that ``volant.yaml`` names now: a server goes on while the file is changed.

    While it cannot be read, those that it named last.
    """

    def __init__(self, project: "Project") -> None:
        self._file = project.root / CONFIG_FILE
        self._environment = project.environment
        self._found = project.config.watch.alerts
        self._mark = self._now()

    def __call__(self) -> tuple[AlertTarget, ...]:
        """One look at the file's times; it is read when they have changed."""
        mark = self._now()
        if mark != self._mark:
            self._mark = mark
            with contextlib.suppress(VolantError):
                self._found = load_project(self._file, self._environment).watch.alerts
        return self._found

    def _now(self) -> tuple[int, int, int] | None:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns


def alerts(project: "Project", *, everything: bool = False, limit: int = 100, before: int | None = None) -> Json:
    """The model's open alerts, worst first; or the newest ``limit`` of all, with numbers below ``before``."""
    limit = min(max(limit, 1), MOST)
    found = project.alerts.all(project.name, limit, before) if everything else project.alerts.open(project.name)[:limit]
    return {
        "model": project.name,
        "open": len(project.alerts.open(project.name)),
        "targets": [target.to for target in project.config.watch.alerts],
        "alerts": [one(project, alert) for alert in found],
    }


def one(project: "Project", alert: Alert) -> Json:
    """An alert with what was told about it."""
    return {**alert_record(alert), "told": [told(delivery) for delivery in project.alerts.deliveries(alert.id)]}


def told(delivery: Delivery) -> Json:
    """A delivery without its content."""
    times = {name: getattr(delivery, name) for name in ("recorded_at", "next_at", "done_at", "given_up_at")}
    return {
        "target": delivery.target,
        "kind": decode(delivery.notice, Notice).kind.value,
        "tries": delivery.tries,
        "error": delivery.error,
        **{name: None if at is None else iso(at) for name, at in times.items()},
    }


def acknowledge(project: "Project", alert: str, *, actor: str, note: str = "") -> Json:
    """Say that a person looks after an alert, named by number or id. ``NotFoundError``, ``IllegalTransitionError``."""
    seen = project.alerts.acknowledge(alert, actor, note, model=project.name)
    return one(project, seen)


def try_targets(project: "Project") -> Json:
    """Tell every target a test notice now, from this process and its environment, once and without the outbox."""
    import asyncio

    now = project.clock.now()
    pretended = Alert(
        id=project.ids.new(),
        model=project.name,
        number=0,
        cause="test",
        severity=Severity.INFO,
        sentence=TEST_SENTENCE,
        facts={},
        opened_at=now,
        last_seen_at=now,
        seq=0,
    )
    notice = Notice(event=pretended.id, kind=NoticeKind.TEST, at=now, alert=pretended)
    tried = asyncio.run(_try_all(_teller(project), [target.to for target in project.config.watch.alerts], notice))
    return {"targets": tried, "taken": all(line["error"] is None for line in tried)}


async def _try_all(sender: Sender, targets: list[str], notice: Notice) -> list[Json]:
    import asyncio

    async def attempt(target: str) -> Json:
        try:
            await sender(target, f"{notice.event}:test", notice)
        except Undelivered as error:
            return {"target": target, "error": str(error)}
        return {"target": target, "error": None}

    return list(await asyncio.gather(*(attempt(target) for target in targets)))
