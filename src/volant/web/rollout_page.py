"""The rollout page: where a version stands on its way into traffic, and how much evidence there is."""

from typing import TYPE_CHECKING, Any

from volant.access.model import Permission
from volant.access.routes import Request, Response, redirect
from volant.access.tokens import LOCAL
from volant.deployments.evidence import ALPHA, BETA
from volant.deployments.history import BEGAN, COUNTS, evolve, stream_of
from volant.deployments.model import Phase, Rollout
from volant.kernel.errors import HTTP_STATUS, InvalidInputError, VolantError
from volant.registry.rules import ROLLED_BACK, concerns
from volant.web.history import entry
from volant.web.rendering import Site, may

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
LONGEST_REASON = 2000
MOST_TIMES = 10_000
MOST_OTHERS = 20
HARM = "takes it back at the right end; a harmless version gets there once in {once} rollouts at most"
SAFE = "needed for the next step only once it failed; a version failing at twice the odds gets there once in {once}"
GAUGES = {
    "errors": ("Fails more often", "fail", HARM),
    "latency": ("Takes too long more often", "fail", HARM),
    "loss": ("Is wrong by more", "fail", HARM),
    "safety": ("Shown to fail no more often", "pass", SAFE),
}
TONES = {"promoted": "champion", "rolled_back": "fail", "refused": "fail", "held": "open", "shadow": "challenger", "canary": "challenger"}
HEADS = {
    "shadow": "In the champion's shadow",
    "canary": "Answers live rows",
    "held": "Waits for a person",
    "promoted": "Promoted",
    "rolled_back": "Rolled back",
    "refused": "Refused",
}


def rollout_page(project: "Project", request: Request | None = None) -> Json:
    """The rollout that ``id`` names, else the newest; ``phase`` is ``none`` where there never was one."""
    from volant.wiring.rollouts import view

    newest = project.rollouts.state(project.name)
    wanted = None if request is None else request.query.get("id")
    state = newest if wanted in {None, "", newest.id} else project.rollouts.find(project.name, str(wanted))
    found, is_newest = view(project, state), state.id == newest.id
    may_decide = request is not None and may(request, Permission.APPROVE) and is_newest
    former = project.registry.state(project.name).previous
    undecided = found["undecided"] and found["active"]
    return {
        **found,
        "newest": is_newest,
        "head": "Undecided" if undecided else HEADS.get(found["phase"], ""),
        "tone": "open" if undecided else TONES.get(found["phase"], "neutral"),
        "since_then": _since_then(project, state),
        "gauges": [_gauge(meter, found) for meter in found["meters"]],
        "rows": [_row(stage) for stage in found["stages"]],
        "path": [_step(found, place, step) for place, step in enumerate(found["steps"])],
        "may_approve": may_decide and found["waits_for_approval"],
        "may_promote": may_decide and found["active"],
        "may_roll_back": may_decide and (found["active"] or former is not None),
        "former": former,
        "history": _history(project, state),
        "others": [_other(rollout) for rollout in project.rollouts.all(project.name) if rollout.id != state.id][:MOST_OTHERS],
    }


def _since_then(project: "Project", state: Rollout) -> Json | None:
    """What became of a version after its rollout promoted it, if it was taken back."""
    if state.phase is not Phase.PROMOTED or state.ended_at is None:
        return None
    for event in project.events.read(f"model/{project.name}"):
        if event.kind == ROLLED_BACK and event.recorded_at >= state.ended_at and concerns(event, state.candidate):
            return entry(event)
    return None


def _other(rollout: Rollout) -> Json:
    return {
        "id": rollout.id,
        "version": rollout.candidate,
        "phase": rollout.phase.value,
        "tone": TONES.get(rollout.phase.value, "neutral"),
        "at": rollout.ended_at or rollout.started_at,
        "sentence": rollout.sentence,
    }


def _gauge(meter: Json, found: Json) -> Json:
    """One kind of evidence on its way to a decision."""
    name, kind, why = GAUGES[meter["signal"]]
    at = meter["threshold"]
    text = why.format(once=round(1 / (ALPHA if kind == "fail" else BETA)))
    so_far = f"{_times(meter['evidence'])} of {at}"
    return {**meter, "name": name, "kind": kind, "text": text, "so_far": so_far, "figures": _figures(meter["signal"], found)}


def _times(evidence: float) -> str:
    if evidence >= MOST_TIMES:
        return f"over {MOST_TIMES:,}"
    return f"{evidence:,.0f}" if evidence >= 10 else f"{evidence:.2g}"


def _figures(signal: str, found: Json) -> str:
    """What the evidence is made of."""
    champion, candidate = (found["evidence"][arm] for arm in ("champion", "candidate"))
    if signal in {"errors", "safety"}:
        parts = [f"{arm['errors']:,} of {arm['requests']:,}" for arm in (candidate, champion)]
        return f"failed on {parts[0]} requests, the champion on {parts[1]}"
    if signal == "latency":
        if not found["limits_us"]:
            return "the limit is fixed after the champion's first 30 answers"
        limits = " and ".join(f"{limit / 1000:g} ms" for limit in found["limits_us"])
        return f"limit {limits}"
    return "; ".join(_compared(part) for part in found["losses"]) or "no row of both arms has a label yet"


def _compared(part: Json) -> str:
    rows = f"{part['candidate_rows']:,} rows that both scored" if part["paired"] else f"{part['candidate_rows']:,} live rows"
    return f"{part['metric']} {part['candidate']:.4g} on {rows}, the champion {part['champion']:.4g}"


def _row(stage: Json) -> Json:
    return {
        "kind": stage["kind"],
        "share": stage["share"] if stage["live"] else None,
        "epoch": stage["epoch"],
        **{arm: _sums(stage[arm], stage["files"][arm]) for arm in ("champion", "candidate")},
    }


def _sums(requests: Json, files: Json) -> Json:
    return {name: requests[name] + files[name] for name in ("rows", "requests", "errors")}


def _step(found: Json, place: int, step: Json) -> Json:
    begun = {stage["step"] for stage in found["stages"]}
    now = found["active"] and found["phase"] != "held" and place == found["step"]
    ended = place == found["step"] and place in begun and found["phase"] in {"rolled_back", "refused"}
    done = found["phase"] == "promoted" or (place in begun and not now and not ended)
    text = {"shadow": "shadow", "canary": f"canary {step['share']:.0%}", "full": "full"}[step["kind"]]
    return {"text": text, "rows": step["rows"], "now": now, "done": done, "ended": ended}


def _history(project: "Project", state: Rollout) -> list[Json]:
    """Decisions about this rollout, newest first, without the counts that were kept in between."""
    found: list[Json] = []
    then = Rollout(model=project.name)
    for event in project.events.read(stream_of(project.name)):
        if event.kind in COUNTS:
            continue
        then = evolve(then, event)
        if then.id == state.id:
            found.append({**entry(event), **({"reason": then.sentence} if event.kind == BEGAN else {})})
    return found[::-1][:50]


class RolloutDecisions:
    """What the page's forms post to. A refused decision shows the page again with what was typed."""

    def __init__(self, project: "Project", site: Site) -> None:
        self._project = project
        self._site = site

    def approve(self, request: Request) -> Response:
        """``POST /rollout/approve`` with ``reason``."""
        return self._decide(request, "approve")

    def promote(self, request: Request) -> Response:
        """``POST /rollout/promote`` with ``reason``."""
        return self._decide(request, "promote")

    def roll_back(self, request: Request) -> Response:
        """``POST /rollout/rollback`` with ``reason``."""
        return self._decide(request, "rollback")

    def _decide(self, request: Request, verb: str) -> Response:
        fields = request.form()
        reason = fields.get("reason", "").strip()
        try:
            self._call(verb, reason, (request.principal or LOCAL).name)
        except VolantError as error:
            problem = {"verb": verb, "what": error.what, "found": error.found, "next": error.next_step, "reason": reason}
            view = {**rollout_page(self._project, request), "problem": problem}
            return self._site.page(request, "rollout.html", view, title="Rollout", status=HTTP_STATUS[error.code])
        return redirect("/rollout")

    def _call(self, verb: str, reason: str, actor: str) -> None:
        from volant.wiring import rollouts

        if not 0 < len(reason) <= LONGEST_REASON:
            found = f"{len(reason)} characters" if reason else "nothing"
            raise InvalidInputError(
                "A decision needs a reason.", found=found, next_step=f"write 1 to {LONGEST_REASON} characters", field="reason"
            )
        project = self._project
        if verb == "approve":
            project.rollouts.approve(project.name, actor=actor, reason=reason)
        elif verb == "promote":
            rollouts.promote(project, None, reason=reason, actor=actor)
        else:
            rollouts.rollback(project, reason=reason, actor=actor)
