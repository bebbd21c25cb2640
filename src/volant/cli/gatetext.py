"""A gate report as text: one line per check."""

from collections.abc import Callable, Sequence
from typing import Any

from volant.cli.blocks import Block, Cell, Hint, Mark, Style, Table, Text, bad, dim, good, strong, warn
from volant.cli.numbers import counted, interval, lasting, number, signed

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
    latency = check["check"]["kind"] == "latency"
    value = _latency if latency else number
    return [
        verdict(check["verdict"]),
        check["title"],
        value(check["candidate"]) if check["candidate"] is not None else "",
        _other(check, value),
        _relative(check),
        dim(interval(check["low"], check["high"])),
        dim("" if check["allowed"] is None else value(check["allowed"])),
    ]


def _other(check: dict[str, Any], value: Callable[[float | None], str]) -> str:
    """What it is compared with; a comparison with nobody passes and says so."""
    if check["other"] is not None:
        return value(check["other"])
    return "nobody" if check["candidate"] is None else ""


def _latency(value: float | None) -> str:
    return "-" if value is None else lasting(round(value))


def _relative(check: dict[str, Any]) -> str:
    difference, other = check["difference"], check["other"]
    if difference is None:
        return ""
    share = f" ({difference / abs(other):+.1%})" if other else ""
    return f"{signed(difference)}{share}"


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
