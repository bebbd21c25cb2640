"""The rollout page: where a version stands on its way into traffic, and how much evidence there is."""

from typing import TYPE_CHECKING, Any

from volant.access.model import Permission
from volant.access.routes import Request, Response, redirect
from volant.access.tokens import LOCAL
from volant.deployments.evidence import ALPHA, BETA
from volant.kernel.errors import HTTP_STATUS, InvalidInputError, VolantError
from volant.web.history import entry
from volant.web.rendering import Site, may

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
LONGEST_REASON = 2000
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
    """The newest rollout; ``phase`` is ``none`` where there never was one."""
    from volant.wiring.rollouts import view

    found = view(project)
    may_decide = request is not None and may(request, Permission.APPROVE)
    former = project.registry.state(project.name).previous
    return {
        **found,
        "head": "Undecided" if found["undecided"] and found["active"] else HEADS.get(found["phase"], ""),
        "tone": "open" if found["undecided"] and found["active"] else TONES.get(found["phase"], "neutral"),
        "meters": _meters(found),
        "rows": [_row(stage) for stage in found["stages"]],
        "path": [_step(found, place, step) for place, step in enumerate(found["steps"])],
        "may_approve": may_decide and found["waits_for_approval"],
        "may_promote": may_decide and found["active"],
        "may_roll_back": may_decide and (found["active"] or former is not None),
        "former": former,
        "history": _history(project),
    }


def _meters(found: Json) -> list[Json]:
    evidence = found["evidence"]
    harm = f"rolls back at the right end; a harmless version gets there once in {round(1 / ALPHA)} rollouts at most"
    safe = f"needed only once it failed on a request; a version failing at twice the odds gets there once in {round(1 / BETA)}"
    return [
        {"name": "Fails more often", "value": evidence["errors_meter"], "tone": "fail", "text": harm},
        {"name": "Takes too long more often", "value": evidence["latency_meter"], "tone": "fail", "text": harm},
        {"name": "Shown to be no worse", "value": evidence["safety_meter"], "tone": "pass", "text": safe},
    ]


def _row(stage: Json) -> Json:
    return {"kind": stage["kind"], "share": stage["share"] if stage["live"] else None, "epoch": stage["epoch"], **_arms(stage)}


def _arms(stage: Json) -> Json:
    return {arm: {name: stage[arm][name] for name in ("rows", "requests", "errors")} for arm in ("champion", "candidate")}


def _step(found: Json, place: int, step: Json) -> Json:
    begun = {stage["step"] for stage in found["stages"]}
    now = found["active"] and found["phase"] != "held" and place == found["step"]
    done = found["phase"] == "promoted" or (place in begun and not now)
    text = {"shadow": "shadow", "canary": f"canary {step['share']:.0%}", "full": "full"}[step["kind"]]
    return {"text": text, "rows": step["rows"], "now": now, "done": done}


def _history(project: "Project") -> list[Json]:
    """Decisions, newest first, without the counts that were kept in between."""
    events = project.events.read(f"rollout/{project.name}")
    return [entry(event) for event in reversed(events) if event.kind not in {"observed", "limited"}][:50]


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
