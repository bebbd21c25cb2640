"""Mutes over the API: an alert's, a cause's or a model's, and their end."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from volant.access.model import Permission
from volant.access.routes import Request, Response, Route, json_response
from volant.access.tokens import LOCAL
from volant.kernel.errors import InvalidInputError

if TYPE_CHECKING:
    from volant.wiring.project import Project

_UNTIL = {
    "until": "How long, like 2d, or until when, like 2026-11-23T09:00Z.",
    "reason": "Why, in words; kept in the audit chain.",
    "pages": "true: also what is worth a page; may be left out.",
}
_ABOUT = {"cause": "Every alert of this cause; everything about the model if left out.", **_UNTIL}
_END = {"reason": "Why; may be left out."}


class MuteApi:
    """Handlers over one project."""

    def __init__(self, project: "Project") -> None:
        self._project = project

    def routes(self, prefix: str) -> Sequence[Route]:
        """Their declarations below ``prefix``."""
        return (
            Route(method="GET", path=f"{prefix}/mutes", needs=Permission.READ, summary="Mutes that hold.", handler=self.mutes),
            _post(f"{prefix}/mutes", "Tell nobody about a cause, or the model, for a while.", self.mute, _ABOUT),
            _post(f"{prefix}/mutes/{{mute}}/end", "End a mute before its time.", self.end, _END),
            _post(f"{prefix}/alerts/{{alert}}/mute", "Tell nobody about an alert for a while.", self.mute_alert, _UNTIL),
        )

    def mutes(self, _request: Request) -> Response:
        """``GET /mutes``."""
        from volant.wiring import alerting

        return json_response({"mutes": alerting.mutes(self._project)})

    def mute(self, request: Request) -> Response:
        """``POST /mutes``."""
        given = _given(request, {"cause": str, **_FIELDS})
        return self._muted(request, given, cause=given.get("cause"))

    def mute_alert(self, request: Request) -> Response:
        """``POST /alerts/{alert}/mute``."""
        return self._muted(request, _given(request, _FIELDS), alert=request.params["alert"])

    def end(self, request: Request) -> Response:
        """``POST /mutes/{mute}/end``."""
        from volant.wiring import alerting

        reason = _given(request, {"reason": str}).get("reason", "") if request.body else ""
        return json_response(alerting.unmute(self._project, request.params["mute"], actor=_actor(request), reason=reason))

    def _muted(self, request: Request, given: dict[str, Any], *, alert: str | None = None, cause: str | None = None) -> Response:
        from volant.wiring import alerting

        made = alerting.mute(
            self._project,
            until=given.get("until", ""),
            reason=given.get("reason", ""),
            actor=_actor(request),
            alert=alert,
            cause=cause,
            pages=given.get("pages", False),
        )
        return json_response(made)


_FIELDS: dict[str, type] = {"until": str, "reason": str, "pages": bool}


def _post(path: str, summary: str, handler: Any, body: dict[str, str]) -> Route:
    return Route(method="POST", path=path, needs=Permission.CONTRIBUTE, summary=summary, handler=handler, body=body, max_body=64 * 1024)


def _actor(request: Request) -> str:
    return (request.principal or LOCAL).name


def _given(request: Request, fields: dict[str, type]) -> dict[str, Any]:
    """The body's members, each of its type and none besides. ``InvalidInputError``."""
    given = request.json()
    if not isinstance(given, dict):
        raise InvalidInputError(
            "The body must be an object.", found=type(given).__name__, next_step='send {"until": "2d", "reason": "..."}'
        )
    for name, value in given.items():
        if name not in fields or not isinstance(value, fields[name]):
            raise InvalidInputError(
                f"{name[:40]!r} cannot be used here.", found=repr(value)[:80], next_step=f"send {', '.join(fields)}", field=name[:40]
            )
    return given
