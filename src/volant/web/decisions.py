"""Approving and rejecting from the decision sheet."""

from typing import TYPE_CHECKING

from volant.access.model import Permission
from volant.access.routes import Request, Response, redirect
from volant.access.tokens import LOCAL
from volant.kernel.errors import HTTP_STATUS, InvalidInputError, NotFoundError, VolantError
from volant.web.formats import segment
from volant.web.model_page import known_model
from volant.web.rendering import Site, may
from volant.web.version_sheet import version_sheet

if TYPE_CHECKING:
    from volant.wiring.project import Project

LONGEST_REASON = 2000


class Decisions:
    """What the two forms of a decision sheet post to. A refused decision shows the sheet again with what was typed."""

    def __init__(self, project: "Project", site: Site) -> None:
        self._project = project
        self._site = site

    def approve(self, request: Request) -> Response:
        """``POST /models/{model}/versions/{number}/approve`` with ``reason`` and, against the gate, ``override``."""
        return self._decide(request, "approve")

    def reject(self, request: Request) -> Response:
        """``POST /models/{model}/versions/{number}/reject`` with ``reason``."""
        return self._decide(request, "reject")

    def _decide(self, request: Request, verb: str) -> Response:
        model = known_model(self._project, request.params["model"])
        number = whole_number(request.params["number"])
        fields = request.form()
        try:
            self._call(request, verb, model, number, fields)
        except NotFoundError:
            raise
        except VolantError as error:
            return self._again(request, verb, (model, number), fields, error)
        return redirect(f"/models/{segment(model)}/versions/{number}#history")

    def _call(self, request: Request, verb: str, model: str, number: int, fields: dict[str, str]) -> None:
        reason = fields.get("reason", "").strip()
        if not reason or len(reason) > LONGEST_REASON:
            found = f"{len(reason)} characters" if reason else "nothing"
            raise InvalidInputError(
                "A decision needs a reason.", found=found, next_step=f"write 1 to {LONGEST_REASON} characters", field="reason"
            )
        actor = (request.principal or LOCAL).name
        if verb == "approve":
            self._approve(model, number, reason=reason, actor=actor, override=fields.get("override") == "yes")
        else:
            self._project.registry.reject(model, number, reason=reason, actor=actor)

    def _approve(self, model: str, number: int, *, reason: str, actor: str, override: bool) -> None:
        """The candidate of a rollout on its way may answer live rows; any other version becomes the champion."""
        from volant.wiring.rollouts import approve_on_its_way

        project = self._project
        going = model == project.name and approve_on_its_way(project, number, reason=reason, actor=actor, override=override)
        if not going:
            project.registry.approve(model, number, reason=reason, actor=actor, override=override)

    def _again(self, request: Request, verb: str, place: tuple[str, int], fields: dict[str, str], error: VolantError) -> Response:
        view = version_sheet(self._project, *place, may_approve=may(request, Permission.APPROVE))
        problem = {"verb": verb, "what": error.what, "found": error.found, "next": error.next_step, "reason": fields.get("reason", "")}
        title = f"{place[0]} v{place[1]}"
        return self._site.page(request, "version.html", {**view, "problem": problem}, title=title, status=HTTP_STATUS[error.code])


def whole_number(text: str) -> int:
    """A version's number in a path. ``NotFoundError`` for anything else: there is no page of that name."""
    if text.isascii() and text.isdecimal() and len(text) < 12:
        return int(text)
    raise NotFoundError("There is no such version.", found=text[:40], next_step="versions are whole numbers from 1")
