"""The worker's HTTP surface: one ASGI application over one loaded model.

Every route is declared in one table with the permission it needs; what is not in the table is refused. There is no
framework on the way to a prediction, because at this size it would cost more than the prediction.
"""

import sys
import traceback
from collections.abc import Awaitable, Callable
from enum import Enum
from http import HTTPStatus
from time import perf_counter_ns
from typing import NamedTuple

from volant import __version__
from volant.access.model import Permission
from volant.kernel.digests import digest
from volant.kernel.errors import InvalidInputError, VolantError
from volant.models.model import Signature
from volant.serving import invocations, v2
from volant.serving.guard import Guard
from volant.serving.metrics import WorkerMetrics
from volant.serving.predictor import Predictor
from volant.serving.replies import JSON, TEXT, Reply, error_reply, json_reply, refusal
from volant.serving.requests import Disconnected, Message, Receive, Request, Send, valid_request_id
from volant.serving.spec import WorkerSpec

PREDICTION_ID = b"x-volant-prediction-id"
_JSON_LENGTH = b"inference-header-content-length"


class Public(Enum):
    """Instead of a permission: anyone may ask."""

    ANYONE = "anyone"


class Route(NamedTuple):
    """One method of one path. ``name`` labels its metrics."""

    name: str
    permission: Permission | Public
    answer: Callable[[Request], Awaitable[Reply]]


class WorkerApp:
    """The ASGI application. ``ready`` turns false while the worker drains, ``staying`` where connections end with their answer."""

    def __init__(
        self,
        spec: WorkerSpec,
        signature: Signature,
        *,
        predictor: Predictor,
        guard: Guard,
        metrics: WorkerMetrics,
        state: Callable[[], tuple[int, int]],
    ) -> None:
        self._spec = spec
        self._signature = signature
        self._predictor = predictor
        self._guard = guard
        self._metrics = metrics
        self._state = state
        self._limit = spec.limits.max_body_bytes
        self._outputs = v2.output_names(signature)
        self.ready = True
        self.staying = True
        self.routes = self._table()

    def _table(self) -> dict[str, dict[str, Route]]:
        """Method and route by path."""
        model = f"/v2/models/{self._spec.model}"
        paths: dict[str, dict[str, Route]] = {
            "/invocations": {"POST": Route("invocations", Permission.PREDICT, self._invocations)},
            "/version": {"GET": Route("version", Public.ANYONE, self._version)},
            "/ready": {"GET": Route("ready", Public.ANYONE, self._ready)},
            "/metrics": {"GET": Route("metrics", Permission.READ, self._render_metrics)},
            "/v2": {"GET": Route("v2", Public.ANYONE, self._server_metadata)},
            "/v2/health/live": {"GET": Route("live", Public.ANYONE, self._live)},
            "/v2/health/ready": {"GET": Route("ready", Public.ANYONE, self._ready)},
        }
        for path in ("/health", "/ping"):
            paths[path] = {"GET": Route("health", Public.ANYONE, self._ping)}
        for path in (model, f"{model}/versions/{self._spec.version}"):
            paths[path] = {"GET": Route("metadata", Permission.PREDICT, self._metadata)}
            paths[f"{path}/ready"] = {"GET": Route("ready", Public.ANYONE, self._model_ready)}
            paths[f"{path}/infer"] = {"POST": Route("infer", Permission.PREDICT, self._infer)}
        return paths

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """ASGI entry. Only HTTP is spoken."""
        if scope["type"] != "http":
            return
        started_ns = perf_counter_ns()
        request = Request(scope, receive, started_ns)
        name = "none"
        try:
            route = self._route(request)
            if isinstance(route, Reply):
                reply = route
            else:
                name = route.name
                reply = await self._permitted(request, route)
        except Disconnected:
            return
        except VolantError as error:
            reply = error_reply(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer and the supervisor the trace
            traceback.print_exception(error, file=sys.stderr)
            reply = refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "The worker failed; its output has the traceback.")
        self._metrics.answered(name, reply.status, perf_counter_ns() - started_ns)
        await _send(send, reply, head_only=request.method == "HEAD", last=not self.staying)

    def _route(self, request: Request) -> Route | Reply:
        self._guard.check_names(request)
        methods = self.routes.get(request.path)
        if methods is None:
            if request.path.startswith("/v2/models/"):
                text = f"This worker serves {self._spec.model} version {self._spec.version} only."
                return refusal(HTTPStatus.NOT_FOUND, text)
            return refusal(HTTPStatus.NOT_FOUND, "There is no such route.")
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods:
            allow = ((b"allow", ", ".join(methods).encode()),)
            return refusal(HTTPStatus.METHOD_NOT_ALLOWED, "The route has no such method.", headers=allow)
        return methods[method]

    async def _permitted(self, request: Request, route: Route) -> Reply:
        if isinstance(route.permission, Permission):
            self._guard.check_permission(request, route.permission)
        return await route.answer(request)

    async def _invocations(self, request: Request) -> Reply:
        kind = request.content_type()
        refused = _refused_media(request, kind, ("application/json", "text/csv"))
        if refused is not None:
            return refused
        request_id = request.request_id()
        body = await request.body(self._limit)
        columns = invocations.parse_csv(body, self._predictor.rules) if kind == "text/csv" else invocations.parse_json(body)
        prediction = await self._predictor.predict(
            columns, request_id=request_id, fingerprint=lambda: _fingerprint(request, body), started_ns=request.started_ns
        )
        return Reply(200, invocations.render(prediction.values), JSON, ((PREDICTION_ID, prediction.id.encode()),))

    async def _infer(self, request: Request) -> Reply:
        refused = _refused_media(request, request.content_type(), ("", "application/json", "application/octet-stream"))
        if refused is not None:
            return refused
        length = _json_length(request)
        body = await request.body(self._limit)
        wanted = v2.parse_infer(body, length, self._predictor.rules, self._outputs)
        request_id = request.request_id() if wanted.id is None else valid_request_id(wanted.id)
        prediction = await self._predictor.predict(
            wanted.columns, request_id=request_id, fingerprint=lambda: _fingerprint(request, body), started_ns=request.started_ns
        )
        answer, json_length = v2.render(prediction, wanted, self._signature)
        headers: tuple[tuple[bytes, bytes], ...] = ((PREDICTION_ID, prediction.id.encode()),)
        if json_length is None:
            return Reply(200, answer, JSON, headers)
        return Reply(200, answer, b"application/octet-stream", (*headers, (_JSON_LENGTH, str(json_length).encode())))

    async def _ping(self, _request: Request) -> Reply:
        return Reply(200, b"\n")

    async def _version(self, _request: Request) -> Reply:
        return Reply(200, __version__.encode(), b"text/plain; charset=utf-8")

    async def _live(self, _request: Request) -> Reply:
        return json_reply({"live": True})

    async def _ready(self, _request: Request) -> Reply:
        return json_reply({"ready": self.ready}, 200 if self.ready else 503)

    async def _model_ready(self, _request: Request) -> Reply:
        return json_reply({"name": self._spec.model, "ready": self.ready}, 200 if self.ready else 503)

    async def _server_metadata(self, _request: Request) -> Reply:
        return json_reply({"name": "volant", "version": __version__, "extensions": ["binary_tensor_data"]})

    async def _metadata(self, _request: Request) -> Reply:
        return json_reply(v2.model_metadata(self._spec.model, self._spec.version, self._signature))

    async def _render_metrics(self, _request: Request) -> Reply:
        log_failures, remembered = self._state()
        return Reply(200, self._metrics.render(log_failures=log_failures, remembered=remembered).encode(), TEXT)


def _refused_media(request: Request, kind: str, allowed: tuple[str, ...]) -> Reply | None:
    if kind not in allowed:
        known = " or ".join(name for name in allowed if name)
        return refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Content-Type must be {known}. Found: {kind[:100] or 'none'}.")
    charset = (request.header(b"content-type") or "").lower().partition("charset=")[2].partition(";")[0].strip(' "')
    if charset not in {"", "utf-8", "utf8", "us-ascii"}:
        return refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Text must be UTF-8. Found: charset {charset[:40]}.")
    if request.headers.get(b"content-encoding", b"identity") != b"identity":
        return refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Compressed bodies are not taken: send without Content-Encoding.")
    return None


def _json_length(request: Request) -> int | None:
    value = request.header(_JSON_LENGTH)
    if value is None:
        return None
    if not value.isascii() or not value.isdecimal() or len(value) > 18:
        raise InvalidInputError(
            "Inference-Header-Content-Length must be a number of bytes.", found=repr(value)[:60], field=_JSON_LENGTH.decode()
        )
    return int(value)


def _fingerprint(request: Request, body: bytes) -> str:
    """What makes a repeated request the same: route and every byte of its body."""
    length = request.headers.get(_JSON_LENGTH, b"")
    return digest(b"\0".join((request.path.encode(), request.content_type().encode(), length, body)))[:32]


async def _send(send: Send, reply: Reply, *, head_only: bool, last: bool) -> None:
    """``last``: the connection ends with this answer, so that a client of a draining worker goes to its successor."""
    headers = [(b"content-type", reply.content_type), (b"content-length", str(len(reply.body)).encode()), *reply.headers]
    if last:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": int(reply.status), "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head_only else reply.body})
