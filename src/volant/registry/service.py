"""Registered models: load the state, decide, and save events, rows and aliases in one transaction."""

import msgspec

from volant.gates.model import GateReport, Verdict
from volant.gates.ports import GateStore
from volant.kernel.codec import canonical
from volant.kernel.crashpoints import reach
from volant.kernel.errors import NotFoundError, UsageError
from volant.kernel.events import EventStore, NewEvent
from volant.kernel.transactions import Transactions
from volant.registry import rules
from volant.registry.model import ModelState, ModelVersion, VersionState
from volant.registry.ports import ModelStore

CHAMPION, CHALLENGER, LATEST = "champion", "challenger", "latest"


class Registry:
    """Who may be released, who let it out, and what serves now. Threads and processes may share the stores."""

    def __init__(self, *, tx: Transactions, events: EventStore, models: ModelStore, gates: GateStore) -> None:
        self._tx = tx
        self._events = events
        self._models = models
        self._gates = gates

    def state(self, model: str) -> ModelState:
        """The release state, folded from the model's events."""
        return rules.replayed(model, self._events.read(rules.stream_of(model)))

    def register(self, version: ModelVersion, verdict: Verdict | None, *, actor: str) -> ModelVersion:
        """Give a package the next number. A package that is registered keeps its version (``version.number`` is ignored).

        One that passes its gate now, and did not before, is proposed.
        """
        with self._tx.transaction():
            state = self.state(version.model)
            known = self._models.with_package(version.model, version.package)
            if known is not None:
                if verdict is Verdict.PASS:
                    self._save(state, rules.propose(state, known.number), actor)
                return known
            made = msgspec.structs.replace(version, number=max(state.versions, default=0) + 1)
            self._models.add(made)
            self._save(state, rules.register(made.number, made.package, verdict), actor)
            return made

    def approve(self, model: str, number: int, *, reason: str | None, actor: str, override: bool = False) -> ModelState:
        """Make a version the champion.

        ``CheckFailedError`` if its newest gate report is no pass, or compares with another champion than the present one,
        unless it is an override with a reason;
        ``IllegalTransitionError`` if it is the champion already.
        """
        with self._tx.transaction():
            state = self.state(model)
            report = self.report(self._models.get(model, number))
            state = self._save(state, rules.approve(state, number, reason=reason, override=override, report=report), actor)
        reach("approve.committed")
        return state

    def version(self, model: str, number: int) -> ModelVersion:
        """One version. ``NotFoundError`` naming those that exist."""
        return self._models.get(model, number)

    def versions(self, model: str) -> tuple[ModelVersion, ...]:
        """All versions, newest first."""
        return self._models.versions(model)

    def with_package(self, model: str, package: str) -> ModelVersion | None:
        """The version with this package, or None."""
        return self._models.with_package(model, package)

    def report(self, version: ModelVersion) -> GateReport | None:
        """The newest gate report on a version; None if it was never judged."""
        reports = self._gates.for_package(version.model, version.package)
        return reports[0] if reports else None

    def promote_by_policy(self, model: str, number: int, *, decision: str, actor: str) -> ModelState:
        """Make a proposed version the champion because a recorded decision says so. Doing it twice is harmless.

        ``ConflictError`` if the champion changed since the version was judged: the evidence is about another one.
        """
        with self._tx.transaction():
            state = self.state(model)
            report = self.report(self._models.get(model, number))
            if report is not None and state.champion not in {report.champion, number}:
                raise rules.overtaken(state, number)
            return self._save(state, rules.promote(state, number, decision=decision), actor)

    def reject(self, model: str, number: int, *, reason: str | None, actor: str) -> ModelState:
        """Take a version out of the running."""
        with self._tx.transaction():
            state = self.state(model)
            return self._save(state, rules.reject(state, number, reason=reason), actor)

    def rollback(self, model: str, *, reason: str, actor: str) -> ModelState:
        """Let the former champion serve again. ``IllegalTransitionError`` if there is none; at most once per change."""
        with self._tx.transaction():
            state = self.state(model)
            state = self._save(state, rules.roll_back(state, reason=reason), actor)
        reach("rollback.committed")
        return state

    def resolve(self, model: str, spec: str) -> ModelVersion:
        """The version that ``7``, ``NAME@7``, ``NAME``, ``@champion`` or ``latest`` names. ``NotFoundError``, ``UsageError``."""
        name, at, wanted = spec.strip().rpartition("@")
        if name and name != model:
            raise NotFoundError(f"There is no model {name!r} here.", found=f"this project's model is {model}", next_step="volant models")
        if wanted == model and not at:
            wanted = CHAMPION
        wanted = wanted.removeprefix("v") if wanted.removeprefix("v").isdigit() else wanted
        if wanted.isascii() and wanted.isdigit() and len(wanted) < 10:
            return self._models.get(model, int(wanted))
        if wanted == LATEST:
            versions = self._models.versions(model)
            if not versions:
                raise NotFoundError(f"{model} has no versions yet.", next_step="volant run makes one")
            return versions[0]
        return self._models.get(model, self._aliased(model, wanted))

    def _aliased(self, model: str, alias: str) -> int:
        aliases = self._models.aliases(model)
        if alias in aliases:
            return aliases[alias]
        if alias == CHAMPION:
            next_step = f"volant approve {model}@N" if self._models.versions(model) else "volant run"
            raise NotFoundError(f"{model} has no champion yet.", next_step=f"{next_step}   (volant models lists the versions)")
        if alias == CHALLENGER:
            raise NotFoundError(f"No version of {model} waits for approval.", next_step="volant run")
        raise UsageError(
            f"{alias!r} names no version of {model}.",
            found=f"aliases: {', '.join(sorted(aliases)) or 'none'}",
            next_step=f"use a number, {model}@7, @champion or latest",
        )

    def _save(self, state: ModelState, events: list[NewEvent], actor: str) -> ModelState:
        if not events:
            return state
        after = state
        for event in events:
            after = rules.evolve(after, event)
        changed = after.champion != state.champion
        effects = [(rules.CHAMPION_CHANGED, canonical({"model": state.model, "version": after.champion, "epoch": after.epoch}))]
        self._events.append(rules.stream_of(state.model), state.seq, events, actor=actor, effects=effects if changed else ())
        self._point_aliases(state, after)
        return after

    def _point_aliases(self, before: ModelState, after: ModelState) -> None:
        """Aliases are a projection of the state, written with the event: champion, and the newest that waits."""
        if after.champion is not None and after.champion != before.champion:
            self._models.set_alias(after.model, CHAMPION, after.champion)
        waiting = [number for number, standing in after.versions.items() if standing is VersionState.PROPOSED]
        if waiting:
            self._models.set_alias(after.model, CHALLENGER, max(waiting))
        else:
            self._models.remove_alias(after.model, CHALLENGER)
