"""Who tells people about alerts, and how alerts are shown as plain JSON values."""

import contextlib
from typing import TYPE_CHECKING, Any

from volant.config.load import load_project
from volant.config.model import AlertTarget
from volant.kernel.clock import iso, parse_duration, parse_iso
from volant.kernel.codec import decode
from volant.kernel.errors import InvalidInputError, NotFoundError, VolantError
from volant.monitoring.alert_model import Alert, Delivery, Notice, NoticeKind, Severity
from volant.monitoring.alert_mutes import Mute, record
from volant.monitoring.alert_ports import Sender, Undelivered
from volant.monitoring.alert_text import alert_record
from volant.wiring.project import CONFIG_FILE

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
MOST = 1000
TEST_SENTENCE = "This is a test of the way to you; nothing is wrong."


class Rounds:
    """What the leader does each second: empty the outbox, say again what holds where that is needed, end mutes.

    Addresses and secrets come from the environment that the project was opened with.
    """

    def __init__(self, project: "Project") -> None:
        from volant.adapters.notify.telling import Teller
        from volant.monitoring.alert_delivery import Deliverer
        from volant.monitoring.alert_repeating import Repeating

        targets = NamedTargets(project)
        teller = Teller(targets, project.environment, project.clock)
        self._alerts = project.alerts
        self._deliverer = Deliverer(project.stores.alerts, teller, project.clock)
        self._repeating = Repeating(project.stores.alerts, teller.say_again, project.clock, lambda: [one.to for one in targets()])

    async def __call__(self) -> None:
        """One round."""
        await self._deliverer.round()
        await self._repeating.say(await self._deliverer.stored(self._repeating.look))
        await self._deliverer.stored(self._alerts.wake)


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


def instant(text: str, now: int) -> int:
    """The end of a mute: a stretch of time from now like ``2d``, or an instant like ``2026-11-23T09:00Z``. ``InvalidInputError``."""
    try:
        return now + parse_duration(text)
    except ValueError:
        pass
    try:
        return parse_iso(text.strip())
    except (ValueError, OverflowError) as error:
        raise InvalidInputError(
            "It is not clear until when.", found=text[:60], next_step="write a stretch of time like 2d, or 2026-11-23T09:00Z", field="until"
        ) from error


def mute(
    project: "Project",
    *,
    until: str,
    reason: str,
    actor: str,
    alert: str | None = None,
    cause: str | None = None,
    model: str | None = None,
    pages: bool = False,
) -> Json:
    """Tell nobody until then: about an alert (number or id), a cause, or all of the model. See ``Alerts.mute``."""
    end = instant(until, project.clock.now())
    made = project.alerts.mute(model or project.name, end, reason, actor, alert=alert, cause=cause, pages=pages)
    return record(made) | {"sentence": _muted(made)}


def unmute(project: "Project", mute_id: str, *, actor: str, reason: str = "", model: str | None = None) -> Json:
    """End a mute before its time."""
    ended = project.alerts.unmute(model or project.name, mute_id, actor, reason)
    return record(ended) | {"sentence": f"{ended.model}: {ended.about} is told again"}


def mutes(project: "Project") -> list[Json]:
    """The mutes that hold for the model, the one that ends first first."""
    return [record(one) for one in project.alerts.mutes.standing(project.name, project.clock.now())]


def _muted(made: Mute) -> str:
    through = "" if made.pages else "; what is worth a page comes through (unless that page is what was muted)"
    return f"{made.model}: nobody is told about {made.about} until {iso(made.until)}{through}"


def alerts(project: "Project", *, everything: bool = False, limit: int = 100, before: int | None = None) -> Json:
    """The model's open alerts, worst first; or the newest ``limit`` of all, with numbers below ``before``."""
    limit = min(max(limit, 1), MOST)
    found = project.alerts.all(project.name, limit, before) if everything else project.alerts.open(project.name)[:limit]
    return {
        "model": project.name,
        "open": len(project.alerts.open(project.name)),
        "targets": [target.to for target in project.config.watch.alerts],
        "mutes": mutes(project),
        "alerts": [one(project, alert) for alert in found],
    }


def one(project: "Project", alert: Alert) -> Json:
    """An alert with the mute that holds for it, and what was told about it."""
    held = project.alerts.mutes.over(alert, project.clock.now()) if alert.is_open else None
    return {
        **alert_record(alert),
        "muted": None if held is None else record(held),
        "told": [told(delivery) for delivery in project.alerts.deliveries(alert.id)],
    }


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


def try_targets(project: "Project", channel: str | None = None) -> Json:
    """Tell every target a test notice now, from this process and its environment, once and without the outbox.

    ``channel`` is one of them as ``volant.yaml`` writes it, or the beginning of it (``mail``). ``NotFoundError``.
    """
    import asyncio

    named = [target.to for target in project.config.watch.alerts]
    tried = [to for to in named if channel is None or to == channel or to.startswith(f"{channel}:")]
    if not tried:
        raise NotFoundError(f"No line under watch.alerts tells {channel!r}.", found=", ".join(named), next_step="name one of these")

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
    lines = asyncio.run(_try_all(_teller(project), tried, notice))
    return {"targets": lines, "taken": all(line["error"] is None for line in lines)}


async def _try_all(sender: Sender, targets: list[str], notice: Notice) -> list[Json]:
    import asyncio

    async def attempt(target: str) -> Json:
        try:
            answer = await sender(target, f"{notice.event}:test", notice)
        except Undelivered as error:
            return {"target": target, "answer": None, "error": str(error)}
        return {"target": target, "answer": answer, "error": None}

    return list(await asyncio.gather(*(attempt(target) for target in targets)))
