"""Is it alive, can it predict, what has it counted: routes for probes and scrapers."""

from collections.abc import Callable

from volant.access.model import Permission
from volant.access.routes import PUBLIC, Request, Response, Route, json_response
from volant.kernel.errors import UnavailableError, VolantError
from volant.server.errors import error_headers, error_json
from volant.server.metrics import ControlMetrics, Gauge
from volant.server.standing import Phase, Standing

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Health:
    """Answers from memory only, so that a busy store cannot make the server look dead."""

    def __init__(
        self,
        model: str,
        *,
        standing: Callable[[], Standing],
        why_not: Callable[[], VolantError],
        leads: Callable[[], bool],
        open_alerts: Callable[[], int],
        open_pages: Callable[[], int] = lambda: 0,
        metrics: ControlMetrics,
    ) -> None:
        self._model = model
        self._standing = standing
        self._why_not = why_not
        self._leads = leads
        self._open_alerts = open_alerts
        self._open_pages = open_pages
        self._metrics = metrics

    def routes(self) -> tuple[Route, ...]:
        """All declarations."""
        return (
            Route(method="GET", path="/health", needs=PUBLIC, summary="Whether this process is alive.", handler=self.health, inline=True),
            Route(method="GET", path="/ready", needs=PUBLIC, summary="Whether predictions are answered.", handler=self.ready, inline=True),
            Route(
                method="GET",
                path="/metrics",
                needs=Permission.READ,
                summary="Prometheus metrics of this process.",
                handler=self.metrics,
                inline=True,
            ),
        )

    def health(self, _request: Request) -> Response:
        """Alive."""
        return json_response({"live": True})

    def ready(self, _request: Request) -> Response:
        """200 while a worker answers; else 503 with the reason and the command that helps."""
        standing = self._standing()
        if standing.phase is Phase.SERVING:
            return json_response({"ready": True, "model": self._model, "version": standing.version, "epoch": standing.epoch})
        error = self._why_not()
        refused = error_json(error if isinstance(error, UnavailableError) else UnavailableError(error.what), 503)
        return Response(status=503, body=refused.body, headers=error_headers(error, 503))

    def metrics(self, _request: Request) -> Response:
        """Counters of this process; the worker's are at its own ``/metrics``."""
        standing = self._standing()
        gauges = (
            Gauge(name="volant_serving", text="1 while a worker answers.", value=standing.phase is Phase.SERVING),
            Gauge(name="volant_serving_version", text="The version that answers, 0 for none.", value=standing.version or 0),
            Gauge(name="volant_serving_epoch", text="Champion changes when it began to serve.", value=standing.epoch or 0),
            Gauge(name="volant_worker_restarts", text="Workers that ended by themselves since the start.", value=standing.restarts),
            Gauge(name="volant_leader", text="1 while this server holds the lease and decides.", value=self._leads()),
            Gauge(name="volant_open_pages", text="Open pages that are told what changes.", value=self._open_pages()),
            Gauge(name="volant_open_alerts", text="Alerts whose cause holds, looked after or not.", value=self._open_alerts()),
        )
        return Response(body=self._metrics.render(gauges).encode(), content_type=METRICS_TYPE)
