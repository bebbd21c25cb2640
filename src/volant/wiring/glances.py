"""The wheels of all models of a store, kept up to date: only what changed since the last glance is read again."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from volant.config.metric_text import metric_name
from volant.config.model import ProjectConfig
from volant.loop.recording import PROCESS_TAG, is_gone
from volant.monitoring.alert_model import Alert
from volant.tracking.model import RunStatus
from volant.wiring.changes import LEASES, TRAFFIC, Changes, servers
from volant.wiring.folds import Folds
from volant.wiring.traffic import Traffic
from volant.wiring.wheel import WEEK_US, Data, Facts, Wheel, turn

if TYPE_CHECKING:
    from volant.wiring.project import Project


class Glances:
    """Facts and wheels by model. Threads share it; the first glance at a store reads all of it once."""

    def __init__(self, project: "Project") -> None:
        self._project = project
        self._changes = Changes(project)
        self._folds = Folds(project.events)
        self._stored: dict[str, Facts] = {}
        self._wheels: dict[str, Wheel] = {}
        self._alerts: dict[str, tuple[Alert, ...]] | None = None
        self._servers: dict[str, str] | None = None
        self._lock = threading.Lock()
        self.traffic = Traffic(project)

    def wheel(self, model: str) -> Wheel:
        """One model's, with everything as it is now."""
        return turn(self.facts(model), self._project.clock.now())

    def facts(self, model: str) -> Facts:
        """What is known of one model now, traffic and labels of today included."""
        return self.all_facts([model])[0]

    def all_facts(self, models: Sequence[str], *, look: bool = True) -> list[Facts]:
        """The same of several. Who has looked just now for another part of a page does without a further ``look``."""
        with self._lock:
            if look:
                self._refresh()
            alerts, leading = self._open_alerts(), self._leading()
            stored = [self._fact(model) for model in models]
        return [self._present(one, alerts.get(one.model, ()), leading.get(one.model)) for one in stored]

    def stored(self) -> dict[str, Facts]:
        """Of every model what changes only with an event, a label, a window or a report."""
        names = {self._project.name, *self._project.models.models()}
        with self._lock:
            self._refresh()
            return {name: self._fact(name) for name in names}

    def wheels(self) -> dict[str, Wheel]:
        """Those of all models, as of their last change: what an order of rows needs. ``wheel`` has what is true now."""
        project = self._project
        names = {project.name, *project.models.models()}
        now = project.clock.now()
        with self._lock:
            self._refresh()
            alerts, leading = self._open_alerts(), self._leading()
            for name in names - self._wheels.keys():
                stored = msgspec.structs.replace(self._fact(name), alerts=alerts.get(name, ()), server=leading.get(name))
                self._wheels[name] = turn(stored, now)
            return {name: self._wheels[name] for name in names}

    def alerts(self, *, look: bool = True) -> tuple[Alert, ...]:
        """Open alerts of all models, newest first."""
        with self._lock:
            if look:
                self._refresh()
            found = [alert for alerts in self._open_alerts().values() for alert in alerts]
        return tuple(sorted(found, key=lambda alert: (alert.opened_at, alert.id), reverse=True))

    def _refresh(self) -> None:
        """Forget what changed."""
        for model, topics in self._changes.look().items():
            if topics == {TRAFFIC}:
                continue  # counted anew at every glance
            self._stored.pop(model, None)
            self._wheels.pop(model, None)
            if "alerts" in topics:
                self._alerts = None
            if "servers" in topics:
                self._servers = None

    def _leading(self) -> dict[str, str]:
        if self._servers is None:
            self._servers = servers(self._project.leases.running(LEASES))
        return self._servers

    def _open_alerts(self) -> dict[str, tuple[Alert, ...]]:
        if self._alerts is None:
            found: dict[str, list[Alert]] = {}
            for alert in self._project.alerts.open():
                found.setdefault(alert.model, []).append(alert)
            self._alerts = {model: tuple(alerts) for model, alerts in found.items()}
        return self._alerts

    def _fact(self, model: str) -> Facts:
        known = self._stored.get(model)
        if known is None:
            known = self._stored[model] = self._read(model)
        return known

    def _read(self, model: str) -> Facts:
        """What is stored about a model and changes only with an event, a label, a window or a report."""
        project = self._project
        released, looped = self._folds.released(model), self._folds.looped(model)
        state = released.state
        newest = project.models.get(model, max(state.versions)) if state.versions else None
        champion = None if state.champion is None else project.models.get(model, state.champion)
        own = model == project.name
        metric = metric_name(project.config.metric) if own or newest is None else next(iter(newest.metrics), "")
        facts = Facts(
            model=model,
            own=own,
            metric=metric,
            newest=newest,
            report=None if newest is None else project.registry.report(newest),
            champion=champion,
            versions=len(state.versions),
            state=state,
            released_at=released.released_at,
            waiting_since=None if newest is None else released.decided_at.get(newest.number),
            rollout=project.rollouts.state(model),
            live=None if champion is None else project.windows.live(model, state.epoch),
            labels=project.labels.count(model, known_by=project.clock.now()),
            data=self._data(model),
            loop=looped,
        )
        return _with_settings(facts, project.config) if own else facts

    def _data(self, model: str) -> Data | None:
        found = self._project.datasets.latest(model)
        if found is None:
            return None
        return Data(number=found.number, rows=found.rows, origin=found.origin, recorded_at=found.recorded_at)

    def _present(self, stored: Facts, alerts: tuple[Alert, ...], server: str | None) -> Facts:
        """The facts with what changes by the hour."""
        project, now = self._project, self._project.clock.now()
        counts = self.traffic.counts(stored.model, now)
        week = project.labels.count(stored.model, known_by=now, recorded_after=now - WEEK_US) if stored.labels else 0
        facts = msgspec.structs.replace(
            stored,
            alerts=alerts,
            server=server,
            rows_day=counts["last_day"],
            rows_by_day=tuple(counts["by_day"]),
            rows_total=counts["total"],
            labels_week=week,
        )
        return self._with_own(facts, now) if stored.own else facts

    def _with_own(self, facts: Facts, now: int) -> Facts:
        since, error = self._running()
        learned = facts.loop.last_retrain_at or (0 if facts.newest is None else facts.newest.registered_at)
        new = self._project.labels.count(facts.model, known_by=now, recorded_after=learned) if facts.labels else 0
        return msgspec.structs.replace(
            facts, running_since=since, run_error=error, labels_new=new, data=self._data(facts.model), server=self._server(facts.model)
        )

    def _server(self, model: str) -> str | None:
        lease = self._project.leases.current(f"{LEASES}{model}")
        return None if lease is None else lease.holder

    def _running(self) -> tuple[int | None, str | None]:
        """Since when a run goes on, and what the last one failed with. One whose process is gone goes on no more."""
        newest = next(iter(self._project.runs.search(limit=1)), None)
        if newest is None:
            return None, None
        if newest.run.status is RunStatus.RUNNING:
            process = newest.tags.get(PROCESS_TAG, "")
            return (None, None) if process and is_gone(process) else (newest.run.started_at, None)
        error = newest.run.error or "its output says why"
        return None, error.strip().splitlines()[-1] if newest.run.status is RunStatus.FAILED else None


def _with_settings(facts: Facts, config: ProjectConfig) -> Facts:
    return msgspec.structs.replace(facts, autonomy=config.release.autonomy, policy=config.retrain, window_rows=config.watch.window.rows)
