"""What the windows of a model show, from stored rows alone: for ``volant monitor``, the API and the pages."""

import math
from pathlib import Path
from typing import Any

from volant.config.metric_text import in_all, metric_label
from volant.config.model import Amount
from volant.evidence.reading import raw_files
from volant.kernel.clock import HOUR_US, format_duration
from volant.kernel.codec import plain
from volant.loop.performance import LIMIT, performance_signal
from volant.monitoring.model import LiveReport, Reference, WindowPerformance
from volant.monitoring.summary import WindowSummary, total
from volant.wiring.drifted import drift_view
from volant.wiring.estimated import estimate_view
from volant.wiring.project import Project

Json = dict[str, Any]
CHAMPION_ARM = "champion"


def view(project: Project, *, limit: int = 20) -> Json:
    """The champion's newest windows with their performance, and what they say together."""
    model, state = project.name, project.registry.state(project.name)
    live = project.windows.live(model, state.epoch) if state.champion is not None else None
    summaries = project.windows.latest(model, state.epoch, CHAMPION_ARM, limit)
    return {
        "model": model,
        "version": state.champion,
        "epoch": state.epoch,
        "metric": metric_label(project.config.metric),
        "window": window_text(project.config.watch.window),
        "as_of": None if live is None else live.recorded_at,
        "reference": None if live is None or live.reference is None else plain(live.reference),
        "windows": _lines(summaries, live),
        "traffic": _traffic(summaries),
        "labels": _labels(live),
        "quality": _quality(total(summaries)),
        "slices": [] if live is None else [plain(part) for part in live.slices],
        "signal": _signal(live),
        "estimate": estimate_view(live),
        "drift": drift_view(project, limit=limit),
        "arms": _arms(project),
    }


def log_mark(project: Project) -> object:
    """What the windows depend on and is cheap to see; where it has not changed, they need not be looked at again.

    Time is part of it, by the hour: labels that do not come are late one day.
    """
    segments = len(project.segments.segments(project.name))
    files = tuple(_size(path) for path in raw_files(project.log_folder))
    if not segments and not any(files):
        return None
    seen = (segments, files, project.labels.revision(project.name), project.registry.state(project.name).epoch)
    return (*seen, project.clock.now() // HOUR_US)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0  # sealed meanwhile


def window_text(size: Amount) -> str:
    """``500 rows`` or ``1d``."""
    return f"{size.rows:,} rows" if size.rows is not None else format_duration(size.duration_us or 0)


def _lines(summaries: tuple[WindowSummary, ...], live: LiveReport | None) -> list[Json]:
    known = {window.number: window for window in (live.windows if live is not None else ())}
    return [_line(summary, known.get(summary.number), live) for summary in summaries]


def _in_all(found: WindowPerformance | None, live: LiveReport | None) -> Json:
    """What the rows with a label add up to, where the metric is shown as a sum."""
    if found is None or live is None:
        return {"in_all": None, "in_all_low": None, "in_all_high": None}
    values = {"in_all": found.value, "in_all_low": found.low, "in_all_high": found.high}
    return {name: in_all(live.metric, value, found.labelled) for name, value in values.items()}


def _line(summary: WindowSummary, found: WindowPerformance | None, live: LiveReport | None) -> Json:
    return {
        "number": summary.number,
        "from_us": summary.from_us,
        "to_us": summary.to_us,
        "event_from_us": summary.event_from_us,
        "event_to_us": summary.event_to_us,
        "rows": summary.rows,
        "requests": summary.requests,
        "errors": summary.errors,
        "invalid": summary.invalid,
        "latency_p50_us": summary.latencies.quantile(0.5),
        "latency_p99_us": summary.latencies.quantile(0.99),
        "breaks": summary.breaks,
        "broken_rows": max(summary.breaks.values(), default=0),
        "labelled": 0 if found is None else found.labelled,
        "answers": 0 if found is None else found.rows,
        "coverage": 0.0 if found is None else found.coverage,
        "label_delay_us": None if found is None else found.label_delay_us,
        "value": None if found is None else found.value,
        "low": None if found is None else found.low,
        "high": None if found is None else found.high,
        **_in_all(found, live),
        "waits": _nothing_new(live) if found is None else found.waits,
        "estimate": None if found is None or found.estimate is None else plain(found.estimate),
        "worse": found is not None and live is not None and surely_worse(found, live.reference),
    }


def _nothing_new(live: LiveReport | None) -> str:
    """Why a window of the log has no performance: its rows were answered before, or raised."""
    return "was not looked at yet" if live is None else "no new answers"


def surely_worse(window: WindowPerformance, reference: Reference | None) -> bool:
    """Whether a complete window's loss is over the reference's beyond what chance explains: two standard errors of the
    difference. One window in forty is by chance; the sequential test (``signal``) is what decides.
    """
    if reference is None or not window.ready or window.loss is None or window.loss_variance is None:
        return False
    spread = window.loss_variance + (reference.loss_variance or 0.0)
    return window.loss - reference.loss > 2.0 * math.sqrt(spread)


def _traffic(summaries: tuple[WindowSummary, ...]) -> Json:
    whole = total(summaries)
    if whole is None:
        return {"rows": 0, "requests": 0, "errors": 0, "invalid": 0, "latency_p50_us": None, "latency_p99_us": None, "sources": {}}
    return {
        "rows": whole.rows,
        "requests": whole.requests,
        "errors": whole.errors,
        "invalid": whole.invalid,
        "latency_p50_us": whole.latencies.quantile(0.5),
        "latency_p99_us": whole.latencies.quantile(0.99),
        "sources": whole.sources,
        "from_us": whole.from_us,
        "to_us": whole.to_us,
    }


def _labels(live: LiveReport | None) -> Json:
    windows = () if live is None else live.windows
    rows, labelled = sum(window.rows for window in windows), sum(window.labelled for window in windows)
    delays = sorted(window.label_delay_us for window in windows if window.label_delay_us is not None)
    return {
        "rows": rows,
        "labelled": labelled,
        "coverage": labelled / rows if rows else 0.0,
        "delay_us": delays[len(delays) // 2] if delays else None,
    }


def _quality(whole: WindowSummary | None) -> Json:
    if whole is None:
        return {"checked": 0, "rules": [], "columns": []}
    rules = [{"rule": rule, "rows": rows, "share": rows / whole.checked} for rule, rows in whole.breaks.items()]
    columns = [
        {
            "name": name,
            "rows": column.rows,
            "missing": column.missing,
            "mean": column.mean if column.numbers else None,
            "sd": column.sd,
            "minimum": column.minimum,
            "maximum": column.maximum,
            "values": column.values,
        }
        for name, column in {**whole.columns, "prediction": whole.prediction}.items()
    ]
    return {"checked": whole.checked, "rules": sorted(rules, key=lambda rule: (-rule["rows"], rule["rule"])), "columns": columns}


def _signal(live: LiveReport | None) -> Json | None:
    """The sequential test over the complete windows: what the trigger ``performance: worse`` hears."""
    if live is None or live.reference is None:
        return None
    evidence = [window.evidence() for window in live.windows if window.ready]
    found = performance_signal(evidence, live.reference.loss, live.reference.loss_variance, live.reference.df)
    return {**plain(found), "limit": LIMIT}


def _arms(project: Project) -> list[Json]:
    found = []
    for epoch, arm in project.windows.arms(project.name):
        extents = project.windows.extents(project.name, epoch, arm)
        found.append({"epoch": epoch, "arm": arm, "windows": len(extents), "rows": sum(extent.rows for extent in extents)})
    return found
