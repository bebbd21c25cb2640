"""The API, version 1: reading everything, deciding on versions, and taking labels."""

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import orjson

from volant.access.model import Permission
from volant.access.routes import PUBLIC, Request, Response, Route, json_response
from volant.access.tokens import LOCAL
from volant.data.declared import key_columns, target_dtype
from volant.evidence.labels import Labels
from volant.kernel.codec import plain
from volant.kernel.errors import InvalidInputError, NotFoundError
from volant.server.mute_api import MuteApi

if TYPE_CHECKING:
    from volant.wiring.project import Project

V1 = "/api/v1"
MAX_LABEL_BYTES = 16 * 1024 * 1024
MAX_LIMIT = 1000
_LABELS = {"labels": 'A list of {"prediction_id" or "key", "label", "known_at"?}.'}
_NOTE = {"note": "What you know or do about it; may be left out."}
_DECISION = {
    "reason": "Why, in words; kept with the decision.",
    "override": "true: let it out although the gate did not pass (approve only).",
}
_REASON = {"reason": "Why, in words; kept with the decision."}
_DEPLOYMENT = {**_DECISION, "shadow": "true: score in the champion's shadow only.", "canary": "Share of the requests, like 0.1."}


class Api:
    """Handlers over one project. ``server_status`` says how this process stands."""

    def __init__(self, project: "Project", server_status: Callable[[], dict[str, Any]]) -> None:
        self._project = project
        self._server_status = server_status

    @property
    def _commands(self) -> ModuleType:
        """What the command line calls too; imported when first asked for, because serving does not need it."""
        from volant.wiring import commands

        return commands

    def routes(self) -> tuple[Route, ...]:
        """All declarations except the API's own description."""
        version = f"{V1}/models/{{model}}/versions/{{number}}"
        return (
            _read(f"{V1}/status", "Where the wheel stands, and this server.", self.status),
            _read(f"{V1}/server", "This server alone: what serves, the rollout, and whether anything is left to do.", self.server),
            _read(f"{V1}/models", "The models of this project.", self.models),
            _read(f"{V1}/models/{{model}}", "Versions of a model, newest first.", self.model),
            _read(version, "A version with its gate report, run and history.", self.version),
            _read(f"{V1}/models/{{model}}/gate-plan", "How many labels the next decision of the gate needs.", self.gate_plan),
            _read(f"{V1}/suites", "The suites of volant.yaml with their newest reports and runs.", self.suites),
            _change(f"{version}/approve", Permission.APPROVE, "Let a version out.", self.approve, body=_DECISION),
            _change(f"{version}/reject", Permission.APPROVE, "Turn a version down.", self.reject, body=_DECISION),
            _read(f"{V1}/runs", "Runs.", self.runs, {"limit": "1 to 1000, 50 if not given.", "order_by": "A metric: best first."}),
            _read(f"{V1}/runs/{{id}}", "One run.", self.run),
            _read(f"{V1}/datasets", "Dataset versions, newest first.", self.datasets),
            _read(
                f"{V1}/lineage",
                "What something was made of, and used for.",
                self.lineage,
                {"node": "A prediction, version, run or dataset."},
            ),
            _read(
                f"{V1}/alerts",
                "Open alerts, worst first.",
                self.alerts,
                {"all": "1: also the resolved, newest first.", "limit": "1 to 1000."},
            ),
            _read(f"{V1}/alerts/{{alert}}", "One alert, by number or id.", self.alert),
            _change(
                f"{V1}/alerts/{{alert}}/acknowledge",
                Permission.CONTRIBUTE,
                "Say that you look after an alert.",
                self.acknowledge,
                body=_NOTE,
            ),
            *MuteApi(self._project).routes(V1),
            _read(f"{V1}/models/{{model}}/rollout", "The newest rollout with its evidence.", self.rollout),
            _read(f"{V1}/models/{{model}}/inspections", "The newest closer look of each kind at the champion.", self.inspections),
            _change(f"{version}/deploy", Permission.APPROVE, "Send a version into traffic.", self.deploy, body=_DEPLOYMENT),
            _change(f"{version}/promote", Permission.APPROVE, "Complete its rollout now.", self.promote, body=_DECISION),
            _change(f"{V1}/models/{{model}}/rollback", Permission.APPROVE, "Take a release back.", self.rollback, body=_REASON),
            _read(f"{V1}/audit/verify", "Recompute the audit chain.", self.audit),
            _read(f"{V1}/replays", "Finished replays, newest first.", self.replays),
            _read(f"{V1}/replays/{{id}}", "One replay with its result.", self.replay),
            _change("/labels", Permission.LABEL, "Say what turned out to be true.", self.labels, body=_LABELS, max_body=MAX_LABEL_BYTES),
            _change(
                f"{V1}/labels", Permission.LABEL, "Say what turned out to be true.", self.labels, body=_LABELS, max_body=MAX_LABEL_BYTES
            ),
        )

    def status(self, _request: Request) -> Response:
        """``GET /status``."""
        return json_response({**self._commands.status(self._project), "server": self._server_status()})

    def server(self, _request: Request) -> Response:
        """``GET /server``."""
        return json_response(self._server_status())

    def models(self, _request: Request) -> Response:
        """``GET /models``."""
        view = self._commands.models(self._project)
        summary = {key: value for key, value in view.items() if key != "versions"}
        return json_response({"models": [{**summary, "versions": len(view["versions"]), "url": f"{V1}/models/{self._project.name}"}]})

    def model(self, request: Request) -> Response:
        """``GET /models/{model}``."""
        self._own_model(request)
        return json_response(self._commands.models(self._project))

    def version(self, request: Request) -> Response:
        """``GET /models/{model}/versions/{number}``."""
        return json_response(self._commands.version_detail(self._project, self._number(request)))

    def gate_plan(self, request: Request) -> Response:
        """``GET .../gate-plan``."""
        self._own_model(request)
        return json_response(self._commands.gate_plan(self._project))

    def suites(self, _request: Request) -> Response:
        """``GET /suites``."""
        from volant.wiring import suites

        return json_response(suites.suites(self._project))

    def approve(self, request: Request) -> Response:
        """``POST .../approve``."""
        number, decision = self._number(request), _decision(request, {"reason", "override"})
        override = _flag(decision, "override")
        version, reason = f"{self._project.name}@{number}", decision["reason"]
        return json_response(self._commands.approve(self._project, version, reason=reason, actor=_actor(request), override=override))

    def reject(self, request: Request) -> Response:
        """``POST .../reject``."""
        number, decision = self._number(request), _decision(request, {"reason"})
        return json_response(
            self._commands.reject(self._project, f"{self._project.name}@{number}", reason=decision["reason"], actor=_actor(request))
        )

    def rollout(self, request: Request) -> Response:
        """``GET .../rollout``."""
        self._own_model(request)
        return json_response(self._commands.rollout(self._project))

    def inspections(self, request: Request) -> Response:
        """``GET .../inspections``."""
        from volant.wiring.inspected import inspections_view

        self._own_model(request)
        return json_response(inspections_view(self._project))

    def deploy(self, request: Request) -> Response:
        """``POST .../deploy``: the reason is the approval of live rows."""
        number, given = self._number(request), _decision(request, {"reason", "override", "shadow", "canary"})
        canary = given.get("canary")
        if canary is not None and (isinstance(canary, bool) or not isinstance(canary, int | float) or not 0 < canary < 1):
            raise InvalidInputError("'canary' must be a share between 0 and 1.", found=repr(canary)[:80], field="canary")
        found = self._commands.deploy(
            self._project,
            f"{self._project.name}@{number}",
            actor=_actor(request),
            reason=given["reason"],
            shadow=_flag(given, "shadow"),
            canary=canary,
            override=_flag(given, "override"),
        )
        return json_response(found)

    def promote(self, request: Request) -> Response:
        """``POST .../promote``."""
        number, given = self._number(request), _decision(request, {"reason", "override"})
        version, override = f"{self._project.name}@{number}", _flag(given, "override")
        return json_response(
            self._commands.promote(self._project, version, reason=given["reason"], actor=_actor(request), override=override)
        )

    def rollback(self, request: Request) -> Response:
        """``POST .../rollback``."""
        self._own_model(request)
        return json_response(self._commands.rollback(self._project, reason=_decision(request, {"reason"})["reason"], actor=_actor(request)))

    def runs(self, request: Request) -> Response:
        """``GET /runs``."""
        limit = _whole_number(request.query.get("limit", "50"), "limit", MAX_LIMIT)
        return json_response({"runs": self._commands.runs(self._project, limit=limit, order_by=request.query.get("order_by") or None)})

    def run(self, request: Request) -> Response:
        """``GET /runs/{id}``."""
        return json_response(self._commands.run_detail(self._project, request.params["id"]))

    def datasets(self, _request: Request) -> Response:
        """``GET /datasets``."""
        return json_response({"datasets": self._commands.datasets(self._project)})

    def lineage(self, request: Request) -> Response:
        """``GET /lineage?node=``."""
        node = request.query.get("node", "")
        if not 0 < len(node) <= 300:
            raise InvalidInputError("'node' must name what to trace.", next_step=f"{V1}/lineage?node=@champion", field="node")
        return json_response(self._commands.lineage(self._project, node))

    def alerts(self, request: Request) -> Response:
        """``GET /alerts``."""
        from volant.wiring import alerting

        limit = _whole_number(request.query.get("limit", "100"), "limit", MAX_LIMIT)
        return json_response(alerting.alerts(self._project, everything=request.query.get("all") == "1", limit=limit))

    def alert(self, request: Request) -> Response:
        """``GET /alerts/{alert}``."""
        from volant.wiring import alerting

        found = self._project.alerts.find(request.params["alert"], model=self._project.name)
        return json_response(alerting.one(self._project, found))

    def acknowledge(self, request: Request) -> Response:
        """``POST /alerts/{alert}/acknowledge``."""
        from volant.wiring import alerting

        note = _optional_note(request)
        return json_response(alerting.acknowledge(self._project, request.params["alert"], actor=_actor(request), note=note))

    def audit(self, _request: Request) -> Response:
        """``GET /audit/verify``."""
        return json_response(self._commands.audit_verify(self._project))

    def replays(self, _request: Request) -> Response:
        """``GET /replays``."""
        return json_response({"replays": [plain(record) for record in self._project.replays.replays(self._project.name)]})

    def replay(self, request: Request) -> Response:
        """``GET /replays/{id}``."""
        record = self._project.replays.get(request.params["id"])
        return json_response({**plain(record), "result": orjson.loads(self._project.objects.get(record.result))})

    def labels(self, request: Request) -> Response:
        """``POST /labels``: stored durably before the answer."""
        project = self._project
        dataset = project.datasets.latest(project.name)
        intake = Labels(
            project.labels,
            project.clock,
            key=key_columns(project.config.data, dataset),
            target_dtype=target_dtype(project.config.target, dataset),
        )
        return json_response(plain(intake.add_payload(project.name, request.json(), source=_actor(request))))

    def _own_model(self, request: Request) -> None:
        if request.params["model"] != self._project.name:
            raise NotFoundError(
                "There is no model of that name.",
                found=request.params["model"][:100],
                next_step=f"this project's model is {self._project.name}",
            )

    def _number(self, request: Request) -> int:
        self._own_model(request)
        return _whole_number(request.params["number"], "number", 10**9)


def description(routes: Callable[[], tuple[Route, ...]]) -> Route:
    """The API's description of itself; ``routes`` gives the whole table when it is asked for."""
    from volant.server.openapi import describe

    return Route(
        method="GET",
        path=f"{V1}/openapi.json",
        needs=PUBLIC,
        summary="This description.",
        handler=lambda _request: json_response(describe(routes())),
    )


def _read(path: str, summary: str, handler: Callable[[Request], Response], query: dict[str, str] | None = None) -> Route:
    return Route(method="GET", path=path, needs=Permission.READ, summary=summary, handler=handler, query=query or {})


def _change(
    path: str, needs: Permission, summary: str, handler: Callable[[Request], Response], *, body: dict[str, str], max_body: int = 64 * 1024
) -> Route:
    return Route(method="POST", path=path, needs=needs, summary=summary, handler=handler, body=body, max_body=max_body)


def _actor(request: Request) -> str:
    return (request.principal or LOCAL).name


def _whole_number(text: str, field: str, largest: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and 0 < int(text) <= largest):
        raise InvalidInputError(f"{field!r} must be a whole number from 1 to {largest}.", found=text[:40], field=field)
    return int(text)


def _decision(request: Request, fields: set[str]) -> dict[str, Any]:
    given = request.json()
    if not isinstance(given, dict):
        raise InvalidInputError("The body must be an object.", found=type(given).__name__, next_step='send {"reason": "..."}')
    surplus = sorted(given.keys() - fields)
    if surplus:
        raise InvalidInputError(
            "The body has a field that this decision does not have.",
            found=surplus[0][:80],
            next_step=f"use {', '.join(sorted(fields))}",
            field=surplus[0][:80],
        )
    reason = given.get("reason")
    if not isinstance(reason, str) or not reason.strip() or len(reason) > 2000:
        raise InvalidInputError("A decision needs a reason of 1 to 2000 characters.", next_step='send {"reason": "..."}', field="reason")
    return given


def _optional_note(request: Request) -> str:
    given = request.json() if request.body else {}
    note = given.get("note", "") if isinstance(given, dict) else None
    if not isinstance(note, str) or given.keys() - {"note"} or len(note) > 2000:
        raise InvalidInputError(
            "The body may hold a note of up to 2000 characters, and nothing else.", next_step='send {"note": "..."}', field="note"
        )
    return note


def _flag(given: dict[str, Any], name: str) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise InvalidInputError(f"{name!r} must be true or false.", found=repr(value)[:80], field=name)
    return value
