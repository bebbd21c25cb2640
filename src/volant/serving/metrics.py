"""A worker's counters in Prometheus text. Labels have few values: routes are names of the table, never paths."""

from bisect import bisect_left
from collections import defaultdict

from volant.evidence.model import Outcome
from volant.serving.spec import WorkerSpec

BOUNDS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_BOUNDS_NS = tuple(int(bound * 1e9) for bound in BOUNDS_SECONDS)


class WorkerMetrics:
    """Counts of one worker since it started; not thread-safe, used from the event loop."""

    def __init__(self, spec: WorkerSpec) -> None:
        self._model = _escaped(spec.model)
        self._labels = f'model="{self._model}",version="{spec.version}",arm="{_escaped(spec.arm)}"'
        self._own = (spec.arm, spec.version, Outcome.OK)
        self.epoch = spec.epoch
        self.answered_rows = 0  # by this worker's own model
        self._requests: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._rows: defaultdict[tuple[str, int, Outcome], int] = defaultdict(int)
        self._buckets: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(_BOUNDS_NS) + 1))
        self._seconds: defaultdict[str, int] = defaultdict(int)

    def answered(self, route: str, status: int, taken_ns: int) -> None:
        """Count a finished request."""
        self._requests[route, status] += 1
        self._buckets[route][bisect_left(_BOUNDS_NS, taken_ns)] += 1
        self._seconds[route] += taken_ns

    def predicted(self, arm: str, version: int, outcome: Outcome, rows: int) -> None:
        """Count rows whose outcome is in the log, for the arm that was asked."""
        self._rows[arm, version, outcome] += rows

    def _all_rows(self) -> dict[tuple[str, int, Outcome], int]:
        own = self.answered_rows + self._rows.get(self._own, 0)
        return {**self._rows, self._own: own} if own else dict(self._rows)

    def render(self, *, log_failures: int, remembered: int) -> str:
        """The text format, version 0.0.4."""
        labels = self._labels
        lines = ["# HELP volant_requests_total Requests by route and status code.", "# TYPE volant_requests_total counter"]
        lines += [
            f'volant_requests_total{{{labels},route="{route}",code="{code}"}} {count}'
            for (route, code), count in sorted(self._requests.items())
        ]
        lines += ["# HELP volant_predicted_rows_total Rows by logged outcome.", "# TYPE volant_predicted_rows_total counter"]
        lines += [
            f'volant_predicted_rows_total{{model="{self._model}",version="{version}",arm="{_escaped(arm)}",outcome="{outcome}"}} {count}'
            for (arm, version, outcome), count in sorted(self._all_rows().items())
        ]
        lines += ["# HELP volant_request_duration_seconds Time from a request's head to its answer."]
        lines += ["# TYPE volant_request_duration_seconds histogram"]
        for route in sorted(self._buckets):
            lines += self._histogram(route)
        lines += _single(
            "volant_log_write_failures_total", "counter", "Log writes that failed: their requests got 503.", labels, log_failures
        )
        lines += _single("volant_remembered_requests", "gauge", "Request ids whose answer would be repeated.", labels, remembered)
        lines += _single("volant_epoch", "gauge", "Champion changes when this worker was started.", labels, self.epoch)
        return "\n".join(lines) + "\n"

    def _histogram(self, route: str) -> list[str]:
        lines, total = [], 0
        own = f'{self._labels},route="{route}"'
        for bound, count in zip((*BOUNDS_SECONDS, "+Inf"), self._buckets[route], strict=True):
            total += count
            lines.append(f'volant_request_duration_seconds_bucket{{{own},le="{bound}"}} {total}')
        lines.append(f"volant_request_duration_seconds_sum{{{own}}} {self._seconds[route] / 1e9:.9f}")
        lines.append(f"volant_request_duration_seconds_count{{{own}}} {total}")
        return lines


def _single(name: str, kind: str, text: str, labels: str, value: int) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}", f"{name}{{{labels}}} {value}"]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
