"""A replay as one HTML file that needs no network, and as rows of a table."""

import importlib.util
import json
from html import escape
from pathlib import Path
from typing import Any

from volant.config.metric_text import in_all
from volant.kernel.clock import format_duration
from volant.kernel.errors import UnavailableError
from volant.loop.figures import CAPTIONS, metric_against_retrains, metric_over_time
from volant.loop.model import Decision
from volant.loop.replay_model import PolicyResult, ReplayResult, place_in_history

Cell = str | int | float | None


def replay_table(result: ReplayResult) -> list[dict[str, Cell]]:
    """One row per policy, best first; ``vs_never`` is negative where a loss fell (positive where a score rose)."""
    sign = 1 if result.lower_is_better else -1
    ordered = sorted(result.policies, key=lambda p: (p.metric is None, sign * (p.metric or 0.0), p.retrains))
    return [
        {
            "policy": policy.name,
            result.label: policy.metric,
            **_in_all(result, policy),
            "low": policy.low,
            "high": policy.high,
            "vs_never": policy.difference,
            "vs_never_low": policy.difference_low,
            "vs_never_high": policy.difference_high,
            "retrains": policy.retrains,
            "released": policy.promotions,
            "refused": policy.refusals,
            "undecided": policy.undecided,
            "worst_window": worst_window(policy, lower_is_better=result.lower_is_better),
            "efficient": "yes" if policy.efficient else "",
        }
        for policy in ordered
    ]


def _in_all(result: ReplayResult, policy: PolicyResult) -> dict[str, Cell]:
    total = in_all(result.metric, policy.metric, result.evaluated_rows)
    return {} if total is None else {"in_all": total}


def worst_window(policy: PolicyResult, *, lower_is_better: bool) -> float | None:
    """The policy's metric in its worst window."""
    known = [value for value in policy.window_metrics if value is not None]
    return None if not known else max(known) if lower_is_better else min(known)


def summary_sentence(result: ReplayResult) -> str:
    """What the replay found, in one or two sentences."""
    rows = replay_table(result)
    best, never = rows[0], next(row for row in rows if row["policy"] == "never")
    if best[result.label] is None:
        return f"{result.label} could not be computed over the replayed windows."
    retrains = f"{best['retrains']} retrain{'' if best['retrains'] == 1 else 's'}"
    text = f"{best['policy']} does best: {result.label} {_cell(best[result.label])} with {retrains}"
    if best is not never:
        low, high = _cell(best["vs_never_low"]), _cell(best["vs_never_high"])
        text += f", {_cell(best['vs_never'])} against never retraining ({_cell(never[result.label])}; bounds at 95 % {low} and {high})"
    return f"{text}." if result.partial is None else f"{text}. Partial: {result.partial}."


def recommendation_sentence(result: ReplayResult) -> str | None:
    """What the replay recommends and what that would have gained where it had no say; None without a recommendation."""
    found = result.recommended
    if found is None:
        return None
    chosen = f"chosen on the first {found.chosen_windows} windows"
    if found.policy == "never":
        cost = f", a cost of {_cell(found.cost)} for each retrain included" if found.cost else ""
        return f"Recommended: never by itself ({chosen}); no policy was surely better than the first model left alone{cost}."
    retrains = f"{found.retrains} retrain{'' if found.retrains == 1 else 's'}"
    gain = f"{_cell(found.difference)} {result.label} against never on the other {found.checked_windows}, with {retrains}"
    text = f"Recommended: {found.policy} ({chosen}); {gain} (bounds at 95 % {_cell(found.low)} and {_cell(found.high)})."
    worst = found.high if result.lower_is_better else found.low
    surely = worst is not None and (worst < 0) is result.lower_is_better
    return text if surely else f"{text} Those windows do not confirm it: look at the table before you take it."


def bound_sentence(result: ReplayResult) -> str | None:
    """The best that could have been, where it was asked for."""
    if not result.bound:
        return None
    least = result.bound[-1]
    text = f"Best in hindsight over the trained models, which nobody can follow: {result.label} {_cell(least.metric)}"
    return f"{text} with {least.retrains} retrains."


def plotly_javascript() -> str:
    """The library's text from the installed package, without importing it. ``UnavailableError`` if it is not there."""
    found = importlib.util.find_spec("plotly")
    path = Path(found.origin).parent / "package_data" / "plotly.min.js" if found and found.origin else None
    if path is None or not path.is_file():
        raise UnavailableError("the plots' JavaScript is not installed", next_step="reinstall the plotly package, or use --json")
    return path.read_text(encoding="utf-8")


def replay_html(result: ReplayResult) -> str:
    """A whole page: sentence, table, both plots, decisions and notes. It loads nothing from anywhere."""
    figures = {"over-time": metric_over_time(result), "against-retrains": metric_against_retrains(result)}
    title = escape(f"{result.project}: replay")
    return _PAGE.format(
        title=title,
        style=_STYLE,
        sentence=escape(" ".join(filter(None, (summary_sentence(result), recommendation_sentence(result), bound_sentence(result))))),
        facts=_facts(result),
        table=_table(result),
        plots="".join(_plot(name) for name in figures),
        decisions=_decisions(result),
        notes="".join(f"<li>{escape(note)}</li>" for note in result.notes),
        plotly=plotly_javascript().replace("</script", "<\\/script"),
        figures=_json(figures),
        script=_SCRIPT,
    )


def _plot(name: str) -> str:
    return f'<figure><div class="plot" id="plot-{name}"></div><figcaption>{escape(CAPTIONS[name])}</figcaption></figure>'


def _json(value: Any) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _cell(value: Cell) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _facts(result: ReplayResult) -> str:
    first, last = (place_in_history(at, result.row_us) for at in (result.windows[0].from_us, result.windows[-1].to_us))
    facts = [
        ("rows answered", f"{result.evaluated_rows:,} in {len(result.windows)} windows, {first} to {last}"),
        ("warm-up", f"{result.warm_up_rows:,} rows ({result.warm_up_share:.0%} of the history)"),
        ("label delay", format_duration(result.label_delay_us)),
        ("a training takes", f"{format_duration(result.train_duration_us)} (declared)"),
        ("trainings", f"{result.trainings} distinct, {result.shared_trainings} shared, {sum(result.training_us) / 1e6:.1f} s in all"),
    ]
    facts += [(name, f"{result.label} {_cell(value)} on the same rows") for name, value in result.baselines.items()]
    if result.partial:
        facts.insert(0, ("partial", result.partial))
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in facts)


def _table(result: ReplayResult) -> str:
    rows = replay_table(result)
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in rows[0])
    body = "".join("<tr>" + "".join(_data_cell(value) for value in row.values()) + "</tr>" for row in rows)
    return f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"


def _data_cell(value: Cell) -> str:
    kind = ' class="number"' if not isinstance(value, str) else ""
    return f"<td{kind}>{escape(_cell(value))}</td>"


def _decision(decision: Decision, row_us: int | None) -> str:
    when = place_in_history(decision.at, row_us)
    return f"<li><time>{when}</time> <b>{escape(decision.action.value)}</b> {escape(decision.sentence)}</li>"


def _decisions(result: ReplayResult) -> str:
    parts = []
    for policy in result.policies:
        if not policy.name.startswith("project") or not policy.decisions:
            continue
        items = "".join(_decision(decision, result.row_us) for decision in policy.decisions)
        parts.append(f"<details><summary>Decisions of {escape(policy.name)} ({len(policy.decisions)})</summary><ol>{items}</ol></details>")
    return "".join(parts)


_STYLE = """
:root { color-scheme: light dark; --text: #1c2026; --quiet: #5d646e; --line: #d9dce1; --ground: #fff; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e8eb; --quiet: #9aa1ab; --line: #363b43; --ground: #14171b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 72rem; font: 15px/1.5 system-ui, sans-serif; }
body { color: var(--text); background: var(--ground); }
h1 { font-size: 1.4rem; margin: .2rem 0; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: .4rem 1.2rem; }
dt { color: var(--quiet); font-size: .85rem; } dd { margin: 0; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--quiet); font-weight: 600; } .number { text-align: right; font-variant-numeric: tabular-nums; }
figure { margin: 1.5rem 0; } figcaption { color: var(--quiet); font-size: .85rem; }
.plot { width: 100%; height: 28rem; } ol, ul { padding-left: 1.2rem; } li { margin: .3rem 0; overflow-wrap: anywhere; }
time { color: var(--quiet); }
"""

_SCRIPT = """
const figures = JSON.parse(document.getElementById('figures').textContent);
function draw() {
  const colour = getComputedStyle(document.body).color;
  for (const [name, figure] of Object.entries(figures)) {
    const layout = JSON.parse(JSON.stringify(figure.layout));
    layout.font.color = colour;
    Plotly.react('plot-' + name, figure.data, layout, {responsive: true, displaylogo: false, displayModeBar: false});
  }
}
draw();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
"""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{style}</style></head><body>
<h1>{title}</h1><p>{sentence}</p><dl>{facts}</dl>
<div class="wide"><table>{table}</table></div>
{plots}
{decisions}<h2>Read this with it</h2><ul>{notes}</ul>
<script type="application/json" id="figures">{figures}</script>
<script>{plotly}</script><script>{script}</script></body></html>
"""
