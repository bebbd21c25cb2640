"""All pages as route declarations. ``GET PATH`` is for people, ``GET PATH.json`` has the same view for programs."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from volant.access.model import Permission
from volant.access.routes import PUBLIC, ErrorPage, Handler, Request, Response, Route
from volant.kernel.errors import InvalidInputError, VolantError
from volant.web import assets, data_pages, lineage_page, model_page, replay_pages, run_pages
from volant.web.alerts_page import AlertForms, alerts_page
from volant.web.audit_page import audit_page
from volant.web.decisions import Decisions, whole_number
from volant.web.overview import overview
from volant.web.rendering import Site, address, may, twin
from volant.web.rollout_page import RolloutDecisions, rollout_page
from volant.web.timeline import timeline
from volant.web.version_sheet import version_sheet

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
View = Callable[[Request], Json]
MAX_PAGE = 1_000_000
_STATUS_HEADS = {401: "Log in first", 403: "Not permitted", 404: "Nothing here", 503: "Not available now"}


def routes(project: "Project") -> list[Route]:
    """Every page, twin, form and static file."""
    pages = Pages(project)
    return [*pages.routes(), *assets.routes(project.state / "cache")]


def error_page(project: "Project") -> ErrorPage:
    """What browsers get for an error: what happened, what was found, what to do next."""
    site = Site(project.name, project.clock)

    def show(request: Request, error: VolantError, status: int) -> Response:
        view = {
            "status": status,
            "head": _STATUS_HEADS.get(status, "That did not work"),
            "what": error.what,
            "found": error.found,
            "next": error.next_step,
            "field": error.field,
            "login": status == 401,
        }
        return site.page(request, "error.html", view, title=f"{status} {view['head']}", status=status)

    return show


class Pages:
    """Views of one project behind their addresses."""

    def __init__(self, project: "Project") -> None:
        self._project = project
        self._site = Site(project.name, project.clock)
        self._decisions = Decisions(project, self._site)
        self._rollout = RolloutDecisions(project, self._site)

    def routes(self) -> list[Route]:
        """All declarations but the static files."""
        project, sheet = self._project, "/models/{model}/versions/{number}"
        return [
            *self._page("/", "overview.html", self._overview, "Overview"),
            *self._page("/models", "models.html", lambda r: model_page.models_list(project, _page_number(r)), "Models"),
            *self._page("/models/{model}", "model.html", self._model, "Versions of a model"),
            *self._page(sheet, "version.html", self._version, "Decision sheet of a version"),
            *self._page("/runs", "runs.html", self._runs, "Runs"),
            *self._page("/runs/{id}", "run.html", lambda r: run_pages.run_page(project, r.params["id"]), "One run"),
            *self._page("/data", "data.html", lambda _r: data_pages.data_list(project), "Data"),
            *self._page("/data/{dataset}/versions/{number}", "dataset.html", self._dataset, "One version of a dataset"),
            *self._page("/replays", "replays.html", lambda _r: replay_pages.replays_list(project), "Replays"),
            *self._page("/replays/{id}", "replay.html", lambda r: replay_pages.replay_page(project, r.params["id"]), "One replay"),
            *self._page("/lineage", "lineage.html", lambda r: lineage_page.lineage_page(project, r.query.get("node", "")), "Lineage"),
            *self._page("/alerts", "alerts.html", self._alerts, "Alerts"),
            *AlertForms(project, self._site).routes(),
            *self._page("/decisions", "decisions.html", self._timeline, "Decisions"),
            *self._page("/rollout", "rollout.html", lambda r: rollout_page(project, r), "Rollout"),
            *self._page("/audit", "audit.html", lambda r: audit_page(project, _page_number(r)), "Audit"),
            Route(method="GET", path="/login", needs=PUBLIC, summary="A form for a token.", handler=self._login),
            Route(
                method="POST",
                path=f"{sheet}/approve",
                needs=Permission.APPROVE,
                summary="Let a version out.",
                handler=self._decisions.approve,
            ),
            Route(
                method="POST",
                path=f"{sheet}/reject",
                needs=Permission.APPROVE,
                summary="Turn a version down.",
                handler=self._decisions.reject,
            ),
            _decision("/rollout/approve", "Let the candidate answer live rows.", self._rollout.approve),
            _decision("/rollout/promote", "Complete the rollout now.", self._rollout.promote),
            _decision("/rollout/rollback", "Take a release back.", self._rollout.roll_back),
        ]

    def _page(self, path: str, template: str, view: View, summary: str) -> list[Route]:
        """The page, and its twin: under a fixed path a route of its own, else the same route with ``.json`` at the end."""

        def show(request: Request) -> Response:
            asked, is_twin = _untwinned(request, self._names())
            found = view(asked)
            if is_twin:
                return twin(request, found)
            return self._site.page(
                request, template, {"problem": None, **found}, title=_title(summary, asked), twin=address(path, asked, suffix=".json")
            )

        declared = [Route(method="GET", path=path, needs=Permission.READ, summary=summary, handler=show)]
        if not path.endswith("}"):
            own = "/index.json" if path == "/" else f"{path}.json"
            declared.append(
                Route(method="GET", path=own, needs=Permission.READ, summary=f"{summary} as JSON.", handler=lambda r: twin(r, view(r)))
            )
        return declared

    def _names(self) -> frozenset[str]:
        return frozenset((self._project.name, *self._project.models.models()))

    def _overview(self, request: Request) -> Json:
        query = request.query
        return overview(self._project, search=query.get("search", ""), sort=query.get("sort") or "attention", page=_page_number(request))

    def _timeline(self, request: Request) -> Json:
        query = request.query
        return timeline(self._project, query.get("model", ""), kind=query.get("kind", ""), page=_page_number(request))

    def _model(self, request: Request) -> Json:
        return model_page.model_page(self._project, request.params["model"], _page_number(request))

    def _version(self, request: Request) -> Json:
        number = whole_number(request.params["number"])
        return version_sheet(self._project, request.params["model"], number, may_approve=may(request, Permission.APPROVE))

    def _alerts(self, request: Request) -> Json:
        return alerts_page(self._project, _page_number(request), may_acknowledge=may(request, Permission.CONTRIBUTE))

    def _runs(self, request: Request) -> Json:
        sort, order = request.query.get("sort") or None, request.query.get("order", "")
        descending = {"up": False, "down": True}.get(order)
        return run_pages.runs_table(self._project, sort=sort, descending=descending, page=_page_number(request))

    def _dataset(self, request: Request) -> Json:
        return data_pages.dataset_page(self._project, request.params["dataset"], whole_number(request.params["number"]))

    def _login(self, request: Request) -> Response:
        to = request.query.get("next", "/")
        safe = to.startswith("/") and not to.startswith(("//", "/\\")) and to.isascii() and to.isprintable()
        return self._site.page(request, "login.html", {"next": to if safe else "/"}, title="Log in")


def _decision(path: str, summary: str, handler: Handler) -> Route:
    return Route(method="POST", path=path, needs=Permission.APPROVE, summary=summary, handler=handler)


def _untwinned(request: Request, names: frozenset[str]) -> tuple[Request, bool]:
    """The request without ``.json`` at the end of its last value; a model that is named so keeps its name."""
    if not request.params or not request.path.endswith(".json"):
        return request, False
    name, value = list(request.params.items())[-1]
    if name == "model" and value in names:
        return request, False
    import msgspec

    params = {**request.params, name: value.removesuffix(".json")}
    return msgspec.structs.replace(request, params=params), True


def _title(summary: str, request: Request) -> str:
    params = request.params
    if "model" in params:
        return f"{params['model']} v{params['number']}" if "number" in params else params["model"]
    if "dataset" in params:
        return f"{params['dataset']} data v{params['number']}"
    return f"{summary.removeprefix('One ').capitalize()} {params['id'][-8:]}" if "id" in params else summary


def _page_number(request: Request) -> int:
    text = request.query.get("page", "1")
    if text.isascii() and text.isdecimal() and len(text) < 9 and 0 < int(text) <= MAX_PAGE:
        return int(text)
    raise InvalidInputError("'page' must be a whole number from 1.", found=text[:40], next_step=f"open {request.path}", field="page")
