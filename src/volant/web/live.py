"""Live performance over all champions, with what happened to the model, from stored rows."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from volant.config.metric_text import metric_label
from volant.gates.model import Verdict
from volant.monitoring.model import LiveReport, WindowPerformance

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
MOST_POINTS = 240
_MARKED = {
    "decided to retrain": "retrain",
    "decided to refuse": "refuse",
    "rejected": "refuse",
    "rolled_back": "rollback",
    "rollback": "rollback",
}


def live_performance(project: "Project", model: str, events: Sequence[Json]) -> Json:
    """``series``: the windows of each champion in the order of its service; ``markers``: what happened between them.

    ``place`` counts windows along all series; a marker at place 3 stands before the fourth. ``events`` are lines of the
    model's history, newest first.
    """
    reports = [report for report in project.windows.lives(model) if report.windows and report.metric == project.config.metric]
    series, place = [], 0
    for report, windows in _newest(reports):
        series.append(_series(report, windows, place))
        place += len(windows)
    ends = [point["to_at"] for line in series for point in line["points"]]
    newest = reports[-1] if reports else None
    return {
        "metric": metric_label(project.config.metric),
        "lower_is_better": newest is None or newest.lower_is_better,
        "known_at": None if newest is None else newest.recorded_at,
        "windows": place,
        "series": series,
        "markers": _markers(series, events, ends) if series else [],
    }


def _newest(reports: Sequence[LiveReport]) -> list[tuple[LiveReport, tuple[WindowPerformance, ...]]]:
    """The newest windows of all, by report."""
    left, found = MOST_POINTS, []
    for report in reversed(reports):
        kept = report.windows[-left:] if left else ()
        left -= len(kept)
        if kept:
            found.append((report, kept))
    return list(reversed(found))


def _series(report: LiveReport, windows: Sequence[WindowPerformance], place: int) -> Json:
    reference = report.reference
    return {
        "epoch": report.epoch,
        "version": report.version,
        "reference": None if reference is None else {"value": reference.value, "low": reference.low, "high": reference.high},
        "points": [_point(window, place + number) for number, window in enumerate(windows)],
    }


def _point(window: WindowPerformance, place: int) -> Json:
    """One window. ``happened_at`` is the end of what it is about, where that is known."""
    return {
        "place": place,
        "window": window.number,
        "from_at": window.from_us,
        "to_at": window.to_us,
        "happened_at": window.event_to_us,
        "rows": window.rows,
        "labelled": window.labelled,
        "coverage": window.coverage,
        "value": window.value,
        "low": window.low,
        "high": window.high,
        "waits": window.waits,
        "estimate": _estimate(window),
    }


def _estimate(window: WindowPerformance) -> Json | None:
    """What was to be expected of a full window without labels."""
    found = window.estimated()
    if found is None or found.estimate.value is None:
        return None
    estimate = found.estimate
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high, "doubt": estimate.outside_column}


def _markers(series: Sequence[Json], events: Sequence[Json], ends: list[int]) -> list[Json]:
    """Champions by where their series starts, everything else by when it was recorded."""
    champions = [
        {"kind": "promotion", "place": line["points"][0]["place"], "version": line["version"], "text": f"v{line['version']} serves"}
        for line in series
    ]
    first = series[0]["points"][0]["from_at"]
    others = []
    for event in reversed(events):
        kind = _marked(event)
        if kind is not None and event["recorded_at"] >= first:
            place = bisect_right(ends, event["recorded_at"])
            text = event["reason"] or (f"the gate did not pass v{event['version']}" if kind == "refuse" else kind)
            others.append({"kind": kind, "place": place, "version": event["version"], "text": text, "recorded_at": event["recorded_at"]})
    return sorted([*champions, *others], key=lambda marker: marker["place"])


def _marked(event: Json) -> str | None:
    """The kind of marker that an event gets. A version whose gate said no was refused when it was registered."""
    if event["kind"] == "registered" and event["facts"].get("verdict") == Verdict.FAIL.value:
        return "refuse"
    return _MARKED.get(event["kind"])
