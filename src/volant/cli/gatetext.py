"""A gate report as text: one line per check."""

from collections.abc import Callable, Sequence
from typing import Any

from volant.cli.blocks import Block, Cell, Hint, Mark, Style, Table, Text, bad, dim, good, strong, warn
from volant.cli.numbers import counted, interval, lasting, number, signed
from volant.kernel.clock import DAY_US

_COMPARING = {"champion", "baseline", "slices", "churn"}
VERDICTS = {"pass": good("PASS"), "fail": bad("FAIL"), "not enough evidence": warn("WAIT")}


def verdict(word: str) -> Mark:
    """The word that everybody looks for."""
    return VERDICTS.get(word, Mark(word, Style.DIM))


def gate_blocks(report: dict[str, Any]) -> list[Block]:
    """Head, checks and conclusion."""
    version = f"@{report['version']}" if report.get("version") is not None else ""
    against = f"the champion, {report['model']}@{report['champion']}" if report.get("champion") is not None else "no champion yet"
    head = f"{report['model']}{version} against {against}"
    facts = f"data {report['dataset']}@{report['dataset_version']}, holdout {counted(report['holdout_rows'], 'row')}, seed {report['seed']}"
    checks = report["checks"]
    headings = ["", "check", ">this", ">other", ">difference", "interval", "allowed"]
    blocks: list[Block] = [Text(strong(head)), Text(dim(facts)), Table(headings, [_row(check) for check in checks])]
    blocks += [Text(dim(f"  {check['sentence']}")) for check in checks if check["verdict"] != "pass"]
    return [*blocks, *_conclusion(report["verdict"], checks)]


def _row(check: dict[str, Any]) -> list[Cell]:
    unit = check.get("unit") or ("us" if check["check"]["kind"] == "latency" else None)
    value: Callable[[float | None], str] = number if unit is None else _VALUES[unit]
    return [
        verdict(check["verdict"]),
        check["title"],
        value(check["candidate"]) if check["candidate"] is not None else "",
        _other(check, value),
        _relative(check, value),
        dim(interval(check["low"], check["high"]) if value is number else _span(check, value)),
        dim("" if check["allowed"] is None else value(check["allowed"])),
    ]


def _other(check: dict[str, Any], value: Callable[[float | None], str]) -> str:
    """What it is compared with; a comparison with nobody passes and says so."""
    if check["other"] is not None:
        return value(check["other"])
    return "nobody" if check["candidate"] is None and check["check"]["kind"] in _COMPARING else ""


def _latency(value: float | None) -> str:
    return "-" if value is None else lasting(round(value))


def _bytes(value: float | None) -> str:
    if value is None:
        return "-"
    return next((f"{value / size:.3g} {unit}" for unit, size in _SIZES if abs(value) >= size), f"{value:.0f} B")


_SIZES = (("GB", 10**9), ("MB", 10**6), ("kB", 10**3))
_VALUES: dict[str, Callable[[float | None], str]] = {"us": _latency, "bytes": _bytes}


def _span(check: dict[str, Any], value: Callable[[float | None], str]) -> str:
    return "" if check["low"] is None or check["high"] is None else f"[{_sign(check['low'], value)}, {_sign(check['high'], value)}]"


def _sign(amount: float, value: Callable[[float | None], str]) -> str:
    return f"{'-' if amount < 0 else '+'}{value(abs(amount))}"


def _relative(check: dict[str, Any], value: Callable[[float | None], str]) -> str:
    difference, other = check["difference"], check["other"]
    if difference is None:
        return ""
    share = f" ({difference / abs(other):+.1%})" if other else ""
    return f"{signed(difference) if value is number else _sign(difference, value)}{share}"


def _conclusion(word: str, checks: Sequence[dict[str, Any]]) -> list[Block]:
    failed = sum(check["verdict"] == "fail" for check in checks)
    needed = [check["labels_needed"] for check in checks if check["labels_needed"] is not None]
    if word == "pass":
        return [Text(good(f"gate: passed ({counted(len(checks), 'check')})"))]
    if word == "fail":
        return [Text(bad(f"gate: FAILED ({failed} of {len(checks)})"))]
    text = (
        f"gate: not enough evidence; about {counted(max(needed), 'more label')} would decide it" if needed else "gate: not enough evidence"
    )
    return [Text(warn(text)), Hint("volant labels add FILE, or wait for labels to come in")]


def plan_blocks(plan: dict[str, Any]) -> list[Block]:
    """What each comparison can show now, and what smaller gains take."""
    version = f"@{plan['version']}" if plan["version"] is not None else ""
    rate = plan["labels_per_day"]
    pace = "no rate of labels is known" if rate is None else f"{number(float(rate))} labels a day"
    blocks: list[Block] = [Text(strong(f"{plan['model']}{version}, holdout {counted(plan['holdout_rows'], 'row')}, {pace}"))]
    if not plan["checks"]:
        return [*blocks, Text(warn("the last report compared nothing, so there is no variance to plan with"))]
    shares = [f">{gain['share']:.0%} better" for gain in plan["checks"][0]["gains"]]
    lines = [_planned(check) for check in plan["checks"]]
    blocks.append(Table(["check", ">rows", ">shows now", *shares], lines))
    note = "labels in all for a true gain of so much, and how long the missing ones take; 'shows now' is the least gain these rows show"
    ways = [Text(f"{check['title']}: {'; '.join(check['ways'])}.") for check in plan["checks"] if check["ways"]]
    return [*blocks, *ways, Text(dim(note)), Hint("more rows are held out with train.holdout in volant.yaml")]


def _planned(check: dict[str, Any]) -> list[Cell]:
    shown = f"{number(check['smallest_gain'])} ({check['smallest_gain'] / abs(check['other']):.1%})"
    return [check["title"], number(check["rows"]), shown, *(_labels(gain) for gain in check["gains"])]


def _labels(gain: dict[str, Any]) -> Cell:
    if gain["reach"] == "out of reach":
        return dim("out of reach")
    labels = f"{float(format(gain['labels'], '.2g')):,.0f}"
    if gain["further"] == 0:
        return good(labels)
    return labels if gain["takes_us"] is None else f"{labels} ({_days(gain['takes_us'] / DAY_US)})"


def _days(days: float) -> str:
    return f"{days:.0f} days" if days >= 10 else f"{days:.2g} days"
