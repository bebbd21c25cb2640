"""Plotly figures as plain JSON values, made without plotly: the page draws them.

Colours are readable on white and on near-black; backgrounds are transparent and text takes the page's colour, which the
page sets through ``layout.font.color``.
"""

from collections.abc import Sequence
from typing import Any

from volant.gates.model import CheckResult, Verdict
from volant.kernel.clock import iso
from volant.loop.replay_model import PolicyResult, ReplayResult

Figure = dict[str, Any]

GREY = "#8a8f98"
COLOURS = {"never": "#8a8f98", "every window": "#3b82c4", "every 2 windows": "#2a9d8f", "every 4 windows": "#c98a1b", "project": "#d1495b"}
CAPTIONS = {
    "over-time": "Triangles are retrains, filled where the new model was released. A click in the legend shows or hides a policy.",
    "against-retrains": "Full circles learn from a sliding window, open ones from all data, diamonds from all data with old rows "
    "counting less, squares from rows since a change. Whiskers are bounds at 95 %. "
    "No policy beats those on the dashed line with as few retrains. The ring marks the recommended one.",
}
DASHES = {"growing": "dot", "weighted": "dash", "since_change": "dashdot"}
SYMBOLS = {"growing": "circle-open", "weighted": "diamond", "since_change": "square"}
SPARE_COLOURS = ("#8e6bbf", "#5f8a3c", "#b0653a", "#4f9fb5")
VERDICT_COLOURS = {Verdict.PASS: "#2a9d5c", Verdict.FAIL: "#d1495b", Verdict.NOT_ENOUGH: "#c98a1b"}


def policy_colours(policies: Sequence[PolicyResult]) -> dict[str, str]:
    """A colour for each policy by what it does; sliding and growing of one policy share it."""
    colours: dict[str, str] = {}
    spare = iter(SPARE_COLOURS * len(policies))
    for policy in policies:
        kind = _kind(policy)
        if kind not in colours:
            colours[kind] = COLOURS.get(kind) or next(spare)
    return {policy.name: colours[_kind(policy)] for policy in policies}


def _kind(policy: PolicyResult) -> str:
    return policy.name.partition(",")[0]


def metric_over_time(result: ReplayResult) -> Figure:
    """One line per policy over the windows; a marker where a training began, filled where it was released.

    ``never``, the project's policies and the recommended one are shown at first, the others on a click in the legend.
    """
    colours = policy_colours(result.policies)
    row_us = result.row_us
    times = [iso(window.from_us) if row_us is None else window.from_us // row_us + 1 for window in result.windows]
    traces: list[dict[str, Any]] = []
    for policy in result.policies:
        advised = result.recommended is not None and result.recommended.policy == policy.name
        shown = advised or _kind(policy) in {"never", "project"} or len(result.policies) <= 4
        visible = True if shown else "legendonly"
        dash = DASHES.get(policy.retention or "", "solid")
        line = {"color": colours[policy.name], "width": 2, "dash": dash, "shape": "linear"}
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": policy.name,
                "legendgroup": policy.name,
                "x": times,
                "y": list(policy.window_metrics),
                "line": line,
                "visible": visible,
                "hovertemplate": "%{y:.4g}<extra>" + policy.name + "</extra>",
            }
        )
        traces.append(_retrain_marks(policy, times, colours[policy.name], visible))
    layout = _layout(f"{result.label} by window ({_direction(result)})")
    layout["xaxis"] |= {"type": "date"} if row_us is None else {"title": {"text": "row"}, "tickformat": ",d"}
    return {"data": traces, "layout": layout}


def _retrain_marks(policy: PolicyResult, times: Sequence[str | int], colour: str, visible: bool | str) -> dict[str, Any]:
    released = set(policy.promotion_windows)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{policy.name}: retrains",
        "legendgroup": policy.name,
        "showlegend": False,
        "x": [times[number] for number in policy.retrain_windows],
        "y": [policy.window_metrics[number] for number in policy.retrain_windows],
        "text": ["released" if number in released else "not released" for number in policy.retrain_windows],
        "marker": {
            "color": colour,
            "size": 8,
            "symbol": ["triangle-up" if number in released else "triangle-up-open" for number in policy.retrain_windows],
        },
        "visible": visible,
        "hovertemplate": "retrained, %{text}<extra>" + policy.name + "</extra>",
    }


def metric_against_retrains(result: ReplayResult) -> Figure:
    """Each policy as a point with bounds; the line joins those that none beats with as few retrains."""
    colours = policy_colours(result.policies)
    known = [policy for policy in result.policies if policy.metric is not None]
    front = sorted((policy for policy in known if policy.efficient), key=lambda policy: policy.retrains)
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "efficient front",
            "x": [policy.retrains for policy in front],
            "y": [policy.metric for policy in front],
            "line": {"color": GREY, "width": 1, "dash": "dash"},
            "hoverinfo": "skip",
        }
    ]
    if result.bound:
        traces.append(_bound_line(result))
    traces += [_policy_point(policy, colours[policy.name]) for policy in known]
    traces += [_ring(policy) for policy in known if result.recommended is not None and policy.name == result.recommended.policy]
    layout = _layout(f"{result.label} against retrains ({_direction(result)})")
    most = max((policy.retrains for policy in known), default=1)
    layout["xaxis"] |= {"range": [-0.04 * max(most, 1), 1.04 * max(most, 1)], "nticks": 6}
    return {"data": traces, "layout": layout}


def _bound_line(result: ReplayResult) -> dict[str, Any]:
    """The best in hindsight for each number of retrains; it goes on level to the right."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "best in hindsight (a bound)",
        "x": [point.retrains for point in result.bound],
        "y": [point.metric for point in result.bound],
        "line": {"color": GREY, "width": 1.5, "dash": "dot", "shape": "hv"},
        "hovertemplate": "%{y:.4g} with %{x} retrains<extra>best in hindsight</extra>",
    }


def _ring(policy: PolicyResult) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "recommended",
        "x": [policy.retrains],
        "y": [policy.metric],
        "marker": {"symbol": "circle-open", "size": 22, "color": GREY, "line": {"width": 2.5}},
        "hoverinfo": "skip",
    }


def _policy_point(policy: PolicyResult, colour: str) -> dict[str, Any]:
    value = policy.metric or 0.0
    symbol = SYMBOLS.get(policy.retention or "", "circle")
    return {
        "type": "scatter",
        "mode": "markers",
        "name": policy.name,
        "x": [policy.retrains],
        "y": [value],
        "error_y": _whisker([policy.high], [policy.low], [value], colour),
        "marker": {"color": colour, "size": 11, "symbol": symbol},
        "hovertemplate": "%{y:.4g} with %{x} retrains<extra>" + policy.name + "</extra>",
    }


def _whisker(highs: Sequence[float | None], lows: Sequence[float | None], values: Sequence[float], colour: str) -> dict[str, Any]:
    pairs = list(zip(highs, lows, values, strict=True))
    return {
        "type": "data",
        "symmetric": False,
        "array": [0.0 if high is None else high - value for high, _, value in pairs],
        "arrayminus": [0.0 if low is None else value - low for _, low, value in pairs],
        "color": colour,
        "thickness": 1.5,
        "width": 4,
    }


def gate_forest(checks: Sequence[CheckResult]) -> Figure:
    """Each comparison as its difference with bounds, in per cent of the other's metric so that one axis holds all.

    The bar on a line is what its margin allows; left is better whatever the metric's direction. Checks without a
    difference (floors, latency, skipped ones) are not drawn.
    """
    drawn = [c for c in checks if c.difference is not None and c.other]
    traces = [_forest_trace([c for c in drawn if c.verdict is verdict], verdict) for verdict in Verdict]
    allowed = {
        "type": "scatter",
        "mode": "markers",
        "name": "most that is allowed",
        "x": [_share(c, c.allowed or 0.0, flip=False) for c in drawn],
        "y": [c.title for c in drawn],
        "marker": {"symbol": "line-ns-open", "size": 14, "color": GREY, "line": {"width": 2}},
        "hovertemplate": "allowed: %{x:.3g} %<extra></extra>",
    }
    layout = _layout("difference to the other model (left is better)")
    layout["xaxis"] |= {"zeroline": True, "zerolinecolor": GREY, "zerolinewidth": 2, "ticksuffix": " %"}
    layout["yaxis"] |= {"autorange": "reversed", "automargin": True, "categoryorder": "array", "categoryarray": [c.title for c in drawn]}
    layout["height"] = 110 + 34 * max(len(drawn), 1)
    return {"data": [trace for trace in traces if trace["x"]] + ([allowed] if drawn else []), "layout": layout}


def _forest_trace(checks: Sequence[CheckResult], verdict: Verdict) -> dict[str, Any]:
    values = [_share(c, c.difference or 0.0) for c in checks]
    bounds = [sorted(_share(c, b) for b in (c.low, c.high) if b is not None) for c in checks]
    colour = VERDICT_COLOURS[verdict]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": verdict.value,
        "x": values,
        "y": [c.title for c in checks],
        "text": [c.sentence for c in checks],
        "error_x": _whisker([b[-1] if b else None for b in bounds], [b[0] if b else None for b in bounds], values, colour),
        "marker": {"color": colour, "size": 9},
        "hovertemplate": "%{x:.3g} %<br>%{y}<extra></extra>",
    }


def _share(check: CheckResult, amount: float, *, flip: bool = True) -> float:
    sign = -1.0 if flip and not check.lower_is_better else 1.0
    return 100 * sign * amount / abs(check.other or 1.0)


def _direction(result: ReplayResult) -> str:
    return "lower is better" if result.lower_is_better else "higher is better"


def _layout(title: str) -> dict[str, Any]:
    axis = {"gridcolor": "rgba(138,143,152,0.25)", "zeroline": False, "automargin": True}
    return {
        "title": {"text": title, "font": {"size": 14}, "x": 0, "xanchor": "left", "automargin": True, "yref": "container"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": GREY, "size": 12},
        "margin": {"l": 10, "r": 10, "t": 50, "b": 10},
        "legend": {"orientation": "h", "y": -0.18, "yanchor": "top"},
        "hovermode": "closest",
        "xaxis": dict(axis),
        "yaxis": dict(axis),
    }
