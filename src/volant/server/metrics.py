"""The control process's own counters in Prometheus text. Routes are labelled by their declared path, never by what was asked."""

from collections import defaultdict
from collections.abc import Iterable

from volant.kernel.codec import Value


class Gauge(Value, frozen=True, kw_only=True):
    """A number as it stands now."""

    name: str
    text: str
    value: float


class ControlMetrics:
    """Requests by route, method and status, and the seconds spent on them. Used from the event loop."""

    def __init__(self) -> None:
        self._requests: defaultdict[tuple[str, str, int], int] = defaultdict(int)
        self._nanoseconds: defaultdict[tuple[str, str], int] = defaultdict(int)

    def answered(self, method: str, route: str, status: int, taken_ns: int) -> None:
        """Count a finished request."""
        self._requests[method, route, status] += 1
        self._nanoseconds[method, route] += taken_ns

    def render(self, gauges: Iterable[Gauge]) -> str:
        """Text format 0.0.4."""
        lines = ["# HELP volant_control_requests_total Requests to the control process.", "# TYPE volant_control_requests_total counter"]
        lines += [
            f'volant_control_requests_total{{method="{method}",route="{route}",code="{code}"}} {count}'
            for (method, route, code), count in sorted(self._requests.items())
        ]
        lines += ["# HELP volant_control_request_seconds_total Time spent on them.", "# TYPE volant_control_request_seconds_total counter"]
        lines += [
            f'volant_control_request_seconds_total{{method="{method}",route="{route}"}} {taken / 1e9:.6f}'
            for (method, route), taken in sorted(self._nanoseconds.items())
        ]
        for gauge in gauges:
            lines += [f"# HELP {gauge.name} {gauge.text}", f"# TYPE {gauge.name} gauge", f"{gauge.name} {gauge.value:g}"]
        return "\n".join(lines) + "\n"
