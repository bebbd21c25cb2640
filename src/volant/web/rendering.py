"""From a view (a plain dict) to a page or to its JSON twin."""

import gzip
import json
import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from volant.access.model import Permission
from volant.access.routes import HTML, JSON, Request, Response
from volant.access.tokens import LOCAL
from volant.kernel.clock import iso
from volant.web import assets, drawings, formats
from volant.web.drift_strip import drift_overlay, drift_strip
from volant.web.forest_plot import forest_plot
from volant.web.live_plot import live_plot

if TYPE_CHECKING:
    from jinja2 import Environment

Json = dict[str, Any]
TEMPLATES = Path(__file__).parent / "templates"
SMALLEST_COMPRESSED = 1024
FILTERS = (
    *("number", "signed", "interval", "span", "percent", "size", "lasting", "amount", "signed_amount", "ago", "moment", "stamp"),
    *("expected", "segment", "short", "run_short", "words", "breakable", "instant"),
)
NAVIGATION = (
    ("/", "Overview"),
    ("/models", "Models"),
    ("/rollout", "Rollout"),
    ("/decisions", "Decisions"),
    ("/runs", "Runs"),
    ("/data", "Data"),
    ("/replays", "Replays"),
    ("/lineage", "Lineage"),
    ("/alerts", "Alerts"),
    ("/audit", "Audit"),
)
# With "no-referrer" a browser sends "Origin: null" with a posted form, and the server would refuse its own pages.
PAGE_HEADERS = (("referrer-policy", "same-origin"), ("vary", "accept-encoding"))


@cache
def environment() -> "Environment":
    """Templates, escaping everything; made when the first page is asked for, because serving does not need it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    for name in FILTERS:
        made.filters[name] = getattr(formats, name)
        made.globals[name] = getattr(formats, name)
    made.globals |= {"asset": assets.url, "draw": drawings, "navigation": NAVIGATION, "embedded": embedded, "live_plot": live_plot}
    made.globals |= {"drift_strip": drift_strip, "drift_overlay": drift_overlay, "forest_plot": forest_plot}
    return made


def embedded(value: object) -> Any:
    """JSON that may stand inside a script element of type ``application/json``."""
    from markupsafe import Markup

    text = json.dumps(clean(value), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - as JSON allows


class Site:
    """What every page shows around its content."""

    def __init__(self, project: str, clock: Any) -> None:
        self.project = project
        self.clock = clock

    def page(self, request: Request, template: str, view: Json, *, title: str, status: int = 200, twin: str | None = None) -> Response:
        """The view as HTML. ``twin`` is where it is as JSON."""
        principal = request.principal
        shell = {
            "title": title,
            "project": self.project,
            "path": request.path,
            "user": None if principal is None or principal == LOCAL else principal.name,
            "role": None if principal is None else principal.role.value,
            "twin": twin,
        }
        text = environment().get_template(template).render(view=view, shell=shell, now=self.clock.now())
        return compressed(request, Response(body=text.encode("utf-8", "replace"), status=status, content_type=HTML, headers=PAGE_HEADERS))


def address(pattern: str, request: Request, *, suffix: str = "") -> str:
    """The address of a declared path with the request's own values, each one percent-encoded segment, and its query."""
    filled = pattern
    for name, value in request.params.items():
        filled = filled.replace(f"{{{name}}}", formats.segment(value))
    base = f"/index{suffix}" if filled == "/" and suffix else f"{filled}{suffix}"
    return base + (f"?{urlencode(request.query)}" if request.query else "")


def twin(request: Request, view: Json) -> Response:
    """The view as JSON; instants (``*_at``) as ISO texts, what is not finite as null."""
    body = json.dumps(_with_times(clean(view)), allow_nan=False).encode()
    return compressed(request, Response(body=body, content_type=JSON, headers=(("vary", "accept-encoding"),)))


def compressed(request: Request, response: Response) -> Response:
    """The answer in gzip where the client takes it and it pays."""
    if len(response.body) < SMALLEST_COMPRESSED or not assets.accepts_gzip(request):
        return response
    headers = (*response.headers, ("content-encoding", "gzip"))
    body = gzip.compress(response.body, 5, mtime=0)
    return Response(body=body, status=response.status, content_type=response.content_type, headers=headers)


def clean(value: object) -> Any:
    """The value with null for numbers that JSON has no word for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value


def _with_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _instant(item) if key.endswith("_at") else _with_times(item) for key, item in value.items()}
    return [_with_times(item) for item in value] if isinstance(value, list) else value


def _instant(value: Any) -> Any:
    if not isinstance(value, int):
        return _with_times(value)
    try:
        return iso(value)
    except OverflowError:
        return value


def may(request: Request, permission: Permission) -> bool:
    """Whether whoever asks holds a permission."""
    return request.principal is not None and request.principal.may(permission)
