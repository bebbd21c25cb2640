"""Everything that was decided about a model, in order: by its automation, its rollouts and people. A sentence each."""

from typing import TYPE_CHECKING, Any

from volant.deployments import history as rollouts
from volant.deployments.model import Rollout
from volant.gates.model import Verdict
from volant.kernel.codec import plain
from volant.kernel.errors import InvalidInputError
from volant.kernel.events import Event
from volant.web.formats import segment
from volant.web.history import entry, facts
from volant.web.model_page import known_model
from volant.web.objects import content

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
PAGE = 100
MOST_FACTS = 200
KINDS = {
    "retrain": "to retrain",
    "gate": "by the gate",
    "release": "to let out",
    "rollout": "of rollouts",
    "rollback": "to take back",
    "pause": "to pause",
}
SAID = frozenset({"sentence", "reason", "version", "action", "at", "override", "error", "mark"})  # said already, or for programs
COUNTED = frozenset({rollouts.OBSERVED, rollouts.LIMITED, rollouts.WEIGHED})  # what was counted between two decisions
_OF_MODEL = {
    "registered": "gate",
    "proposed": "gate",
    "approved": "release",
    "promoted": "release",
    "rejected": "release",
    "rolled_back": "rollback",
}
_OF_ACTION = {"retrain": "retrain", "promote": "release", "propose": "gate", "refuse": "gate", "wait": "retrain"}
_OF_LOOP = {"cycle_ended": "retrain", "paused": "pause", "resumed": "pause"}
_TONES = {"promoted": "champion", "approved": "champion", "rolled_back": "fail", "rejected": "fail", "refused": "fail", "undecided": "open"}


def timeline(project: "Project", model: str = "", *, kind: str = "", page: int = 1) -> Json:
    """One page, newest first; ``kind`` is one of ``KINDS`` or empty for all. ``NotFoundError`` for a model that is not there."""
    name = known_model(project, model or project.name)
    if kind and kind not in KINDS:
        raise InvalidInputError("There is no such kind of decision.", found=kind[:40], next_step=f"use {', '.join(KINDS)}", field="kind")
    lines = [*_of_model(project, name), *_of_loop(project, name), *_of_rollouts(project, name)]
    lines.sort(key=lambda line: (line["recorded_at"], line["id"]), reverse=True)
    counts = {group: sum(line["group"] == group for line in lines) for group in KINDS}
    found = [line for line in lines if not kind or line["group"] == kind]
    kept = found[(page - 1) * PAGE : page * PAGE]
    return {
        "model": name,
        "models": len({project.name, *project.models.models()}),
        "kind": kind,
        "kinds": [{"kind": group, "text": text, "count": counts[group]} for group, text in KINDS.items()],
        "total": len(lines),
        "found": len(found),
        "lines": [{**line, "evidence": _evidence(project, line["evidence"])} for line in kept],
        "page": page,
        "more": len(found) > page * PAGE,
    }


def _line(event: Event, group: str, sentence: str, version: int | None, **more: Any) -> Json:
    told = entry(event)
    data = facts(event.data)
    return {
        "id": event.id,
        "stream": event.stream,
        "seq": event.seq,
        "kind": told["kind"],
        "group": group,
        "tone": more.pop("tone", None) or _TONES.get(event.kind, "neutral"),
        "sentence": sentence or told["kind"].replace("_", " "),
        "actor": event.actor,
        "recorded_at": event.recorded_at,
        "version": version,
        "override": told["override"],
        "links": [],
        "evidence": {key: value for key, value in data.items() if key not in SAID and value not in (None, "", [], {})},
        **more,
    }


def _of_model(project: "Project", model: str) -> list[Json]:
    found = []
    for event in project.events.read(f"model/{model}"):
        data = facts(event.data)
        version = _number(data.get("version"))
        group = _OF_MODEL.get(event.kind)
        if group is not None and version is not None:
            links = _to_version(project, model, version, event)
            tone = "fail" if data.get("verdict") == Verdict.FAIL.value else None
            found.append(_line(event, group, _said_of_version(event, version, data), version, tone=tone, links=links))
    return found


def _said_of_version(event: Event, version: int, data: Json) -> str:
    reason = f": {data['reason']}" if data.get("reason") else "."
    against = " against the gate" if data.get("override") is True else ""
    verdict = f"its gate said {str(data['verdict']).replace('_', ' ')}" if data.get("verdict") else "no gate has judged it"
    said = {
        "registered": f"Version {version} was registered; {verdict}.",
        "proposed": f"Version {version} may be let out and waits for its release.",
        "approved": f"{event.actor} let version {version} out{against}{reason}",
        "promoted": f"Version {version} became the champion, as was decided.",
        "rejected": f"{event.actor} turned version {version} down{reason}",
        "rolled_back": f"Version {version} was taken back; version {data.get('to')} serves again{reason}",
    }
    return said[event.kind]


def _of_loop(project: "Project", model: str) -> list[Json]:
    found = []
    for event in project.events.read(f"loop/{model}"):
        data = facts(event.data)
        action = data.get("action")
        group = _OF_ACTION.get(str(action)) if event.kind == "decided" else _OF_LOOP.get(event.kind)
        if group is not None:
            version = _number(data.get("version"))
            group = "gate" if action == "wait" and version is not None else group
            tone = "fail" if data.get("error") else "challenger" if action == "retrain" else None
            links = _to_version(project, model, version, event) + _to_run(data)
            found.append(_line(event, group, _said_by_loop(event, data), version, tone=tone, links=links))
    return found


def _said_by_loop(event: Event, data: Json) -> str:
    if event.kind == "decided":
        sentence = str(data.get("sentence") or "no reason was kept")
        return f"{sentence[0].upper()}{sentence[1:]}"
    if event.kind == "cycle_ended":
        made = f"it made version {data['version']}" if data.get("version") else "it made no version"
        return f"The training came to nothing: {data['error']}" if data.get("error") else f"The training ended; {made}."
    verb = "paused" if event.kind == "paused" else "resumed"
    return f"{event.actor} {verb} the automation: {data.get('reason') or 'no reason was given'}"


def _of_rollouts(project: "Project", model: str) -> list[Json]:
    """Events with the sentence that the state says after each."""
    state, found = Rollout(model=model), []
    for event in project.events.read(rollouts.stream_of(model)):
        before, state = state, rollouts.evolve(state, event)
        if event.kind in COUNTED:
            continue
        group = "rollback" if event.kind in {rollouts.ROLLED_BACK, rollouts.REFUSED} else "rollout"
        links = [{"text": "the rollout", "to": "/rollout"}] if model == project.name else []
        sentence = state.sentence if state.sentence != before.sentence else _said_of_rollout(event, state)
        found.append(_line(event, group, sentence, state.candidate or None, links=links, evidence=_weighed(event, state)))
    return found


def _said_of_rollout(event: Event, state: Rollout) -> str:
    data = facts(event.data)
    candidate = f"version {state.candidate}"
    said = {
        rollouts.STARTED: f"{event.actor} sent {candidate} on its way beside version {state.champion}.",
        rollouts.APPROVED: f"{event.actor} let {candidate} answer live rows: {data.get('reason') or 'no reason was given'}",
        rollouts.CRASHED: f"The process of {candidate} ended by itself: {data.get('sentence') or 'nothing is known'}",
    }
    return said.get(event.kind) or str(data.get("sentence") or data.get("reason") or state.sentence)


def _weighed(event: Event, state: Rollout) -> Json:
    """What a step or an end rested on: counts and meters as they were then."""
    if event.kind in {rollouts.STARTED, rollouts.APPROVED, rollouts.CRASHED}:
        return {key: value for key, value in facts(event.data).items() if value not in (None, "", [], {})}
    from volant.deployments import evidence

    found = plain(evidence.evidence(state))
    arms = {arm: {name: count for name, count in found.pop(arm).items() if name != "times"} for arm in ("champion", "candidate")}
    return {"steps": [plain(step) for step in state.steps], **found, **arms}


def _to_version(project: "Project", model: str, version: int | None, event: Event) -> list[Json]:
    if version is None:
        return []
    page = f"/models/{segment(model)}/versions/{version}"
    judged = event.kind in {"registered", "proposed", "decided"}
    links = [{"text": "its gate report", "to": f"{page}#gate"}] if judged else []
    through = str(facts(event.data).get("decision") or "").startswith("rollout:") and model == project.name
    return [{"text": f"version {version}", "to": page}, *links, *([{"text": "the rollout", "to": "/rollout"}] if through else [])]


def _to_run(data: Json) -> list[Json]:
    run = data.get("run_id")
    return [{"text": "its run", "to": f"/runs/{segment(run)}"}] if isinstance(run, str) and run else []


def _evidence(project: "Project", data: Json) -> list[Json]:
    """Names and values, nested ones by their path; an object that is named is opened."""
    lines: list[Json] = []
    for name, value in data.items():
        named = value if isinstance(value, str) and len(value) == 64 and name in {"grounds", "evidence", "basis"} else None
        opened = content(project, named)[0] if named else None
        _flatten(name, value if opened is None else opened, lines)
    return lines[:MOST_FACTS]


def _flatten(name: str, value: Any, lines: list[Json]) -> None:
    if isinstance(value, dict) and value:
        for part, inner in value.items():
            _flatten(f"{name}.{part}" if name not in {"evidence", "grounds"} else str(part), inner, lines)
    elif isinstance(value, list | tuple) and value and isinstance(value[0], dict | list | tuple):
        for place, inner in enumerate(value):
            _flatten(f"{name}.{place + 1}", inner, lines)
    elif value not in (None, "", [], {}, ()):
        text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
        lines.append({"name": name, "value": text})


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
