"""The overview: a row of seven cells for each model, what needs attention first; searched, sorted and paged."""

from typing import TYPE_CHECKING, Any

from volant.config.metric_text import metric_name
from volant.deployments.model import Phase
from volant.gates.model import GateReport
from volant.kernel.codec import plain
from volant.kernel.errors import InvalidInputError
from volant.registry.model import ModelVersion
from volant.web.alerts_page import glance
from volant.web.checks import TONES, difference
from volant.web.history import recent
from volant.web.wheel_view import wheel_view
from volant.wiring.waiting import waiting
from volant.wiring.wheel import Facts, Wheel, turn
from volant.wiring.wheel_cells import progress, step_text

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
RECENT = 8
PAGE = 50
LONGEST_SEARCH = 200
SORTS = {"attention": "what needs attention", "name": "name"}


def overview(project: "Project", *, search: str = "", sort: str = "attention", page: int = 1) -> Json:
    """One page of models, the project's own first among equals, and what was decided last."""
    if sort not in SORTS:
        raise InvalidInputError("Models cannot be sorted by that.", found=sort[:40], next_step=f"use {' or '.join(SORTS)}", field="sort")
    now = project.clock.now()
    wheels = project.glances.wheels()
    names = _found(project, wheels, search.strip()[:LONGEST_SEARCH], sort)
    rows = [_row(project, facts, now) for facts in project.glances.all_facts(names[(page - 1) * PAGE : page * PAGE], look=False)]
    ranks = [wheel.rank for wheel in wheels.values()]
    return {
        "models": rows,
        "total": len(wheels),
        "found": len(names),
        "counts": {"wrong": ranks.count(3), "act": ranks.count(2), "waits": ranks.count(1)},
        "search": search.strip()[:LONGEST_SEARCH],
        "sort": sort,
        "page": page,
        "more": len(names) > page * PAGE,
        "waiting": [row for row in rows if row["next"]["waiting"]],
        "rollouts": [row for row in rows if row["rollout"]],
        "recent": recent(project, RECENT),
        "alerts": glance(project, look=False),
        "metric": metric_name(project.config.metric),
    }


def _found(project: "Project", wheels: dict[str, Wheel], search: str, sort: str) -> list[str]:
    wanted = search.casefold()
    names = [name for name in wheels if wanted in name.casefold()]
    if sort == "name":
        return sorted(names, key=lambda name: (name.casefold(), name))
    return sorted(names, key=lambda name: (-wheels[name].rank, name != project.name, name.casefold(), name))


def _row(project: "Project", facts: Facts, now: int) -> Json:
    model, wheel = facts.model, turn(facts, now)
    predictions = {"total": facts.rows_total, "last_day": facts.rows_day, "by_day": list(facts.rows_by_day)}
    return {
        "model": model,
        "versions": facts.versions,
        "data": None if facts.data is None else {"dataset": model, **plain(facts.data)},
        "gate": _gate(facts.newest, facts.report),
        "champion": _champion(facts),
        "server": facts.server,
        "predictions": predictions,
        "labels": {"count": facts.labels, "share": facts.labels / facts.rows_total if facts.rows_total >= facts.labels > 0 else None},
        "wheel": wheel_view(project, facts, wheel),
        "rollout": _rollout(facts),
        "next": plain(waiting(facts, now, wheel)),
    }


def _gate(newest: ModelVersion | None, report: GateReport | None) -> Json | None:
    if newest is None:
        return None
    if report is None:
        return {"version": newest.number, "verdict": None, "tone": "neutral", "difference": None}
    return {
        "version": newest.number,
        "verdict": report.verdict.value,
        "tone": TONES[report.verdict],
        "difference": difference(report.main),
    }


def _champion(facts: Facts) -> Json | None:
    found = facts.champion
    if found is None:
        return None
    value = found.metrics.get(facts.metric)
    return {"version": found.number, "epoch": facts.state.epoch, "metric": facts.metric, "value": value, "previous": facts.state.previous}


def _rollout(facts: Facts) -> Json | None:
    """The one on its way: its step, and how much it has seen."""
    state = facts.rollout
    if not state.active:
        return None
    rows, needed = progress(state) if state.stages else (0, 0)
    seen = [state.counts(stage.epoch).candidate for stage in state.stages]
    return {
        "version": state.candidate,
        "phase": state.phase.value,
        "step": "waits for a person" if state.phase is Phase.HELD else step_text(state),
        "rows": rows,
        "needed": needed,
        "seen": sum(counts.rows for counts in seen),
        "errors": sum(counts.errors for counts in seen),
        "sentence": state.sentence,
    }
