"""``volant monitor``."""

from typing import Any

import click

from volant.cli.blocks import Block, Cell, Facts, Hint, Table, Text, bad, dim, good, strong, warn
from volant.cli.drifttext import drift_blocks, drift_concerns
from volant.cli.estimatetext import estimate_cells, estimate_concerns, estimate_standing
from volant.cli.numbers import bounds, counted, lasting, moment, number
from volant.cli.session import Answer, Session
from volant.cli.verb import verb

Json = dict[str, Any]
CHECK_FAILED = 3
_WINDOWS = click.option("--windows", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many of the newest windows.")


@verb("show", example="volant monitor show")
@_WINDOWS
def show(session: Session, windows: int) -> Answer:
    """How the champion does: traffic, errors, data quality, drift, and the metric as labels arrive, window by window."""
    found = _asked(session, windows)
    return Answer(found, [Facts(_facts(found)), _windows(found), *drift_blocks(found["drift"]), *_slices(found), *_quality(found)])


@verb("check", example="volant monitor check && echo fine\nvolant monitor check tomorrow.csv")
@click.argument("file", required=False)
@_WINDOWS
def check(session: Session, file: str | None, windows: int) -> Answer:
    """Exit with 3 if what the windows show needs attention: worse, errors, unusable answers, a broken contract, drift.

    With FILE: exit with 3 if its rows have moved away from what the champion learned; nothing is logged.
    """
    if file is not None:
        return _checked_file(session, file)
    found = _asked(session, windows)
    concerns = list(_concerns(found))
    if not concerns:
        return Answer({**found, "concerns": []}, [Text(good("nothing needs attention"))])
    blocks: list[Block] = [Text(bad(concern)) for concern in concerns]
    return Answer({**found, "concerns": concerns}, [*blocks, Hint("volant monitor")], exit_code=CHECK_FAILED)


def _checked_file(session: Session, file: str) -> Answer:
    from volant.wiring import commands

    with session.progress as progress:
        found = commands.file_drift(session.project, file, progress=progress)
    (window,), moved = found["strip"], found["drifting"]
    compared = f"{counted(window['rows'], 'row')} beside {found['reference_rows']:,} that version {found['version']} learned from"
    if not moved:
        return Answer(found, [Text(good(f"no column moved: {compared}")), *drift_blocks(found)])
    return Answer(found, [Text(bad(f"{counted(len(moved), 'column')} moved: {compared}")), *drift_blocks(found)], exit_code=CHECK_FAILED)


def _asked(session: Session, windows: int) -> Json:
    from volant.wiring import commands

    with session.progress as progress:
        return commands.monitor(session.project, windows=windows, progress=progress)


def _concerns(found: Json) -> list[str]:
    traffic, signal, name = found["traffic"], found["signal"], f"{found['model']}@{found['version']}"
    said = []
    if signal is not None and signal["fired"]:
        said.append(f"{name} has become worse: {_signal(found)}")
    if traffic["errors"]:
        said.append(f"{name} raised on {counted(traffic['errors'], 'row')} of {traffic['rows']:,}")
    if traffic["invalid"]:
        said.append(f"{name} gave {counted(traffic['invalid'], 'answer')} that cannot be used, of {traffic['rows']:,}")
    said += [f"live rows break {rule['rule']}: {rule['rows']:,} of {found['quality']['checked']:,}" for rule in found["quality"]["rules"]]
    return said + estimate_concerns(found["estimate"], name) + drift_concerns(found["drift"])


def _facts(found: Json) -> list[tuple[str, Cell]]:
    traffic, labels = found["traffic"], found["labels"]
    name = dim("no champion") if found["version"] is None else strong(f"{found['model']}@{found['version']}, epoch {found['epoch']}")
    p50, p99 = traffic["latency_p50_us"], traffic["latency_p99_us"]
    return [
        ("champion", name),
        ("windows", f"of {found['window']}"),
        ("rows", f"{traffic['rows']:,}" + (f" in {counted(traffic['requests'], 'request')}" if traffic["requests"] else "")),
        ("errors", _amount(traffic["errors"], traffic["rows"])),
        ("unusable", _amount(traffic["invalid"], traffic["rows"])),
        ("latency", dim("none by HTTP") if p50 is None else f"{lasting(p50)} half of all, {lasting(p99)} 99 %"),
        ("labels", _labels(labels)),
        ("reference", _reference(found)),
        ("standing", _standing(found)),
        ("estimate", estimate_standing(found["estimate"])),
        ("drift", _drift(found["drift"])),
    ]


def _amount(count: int, of: int) -> Cell:
    return good("0") if not count else bad(f"{count:,} ({count / max(of, 1):.2%})")


def _labels(labels: Json) -> Cell:
    if not labels["rows"]:
        return dim("nothing was answered yet")
    late = "" if labels["delay_us"] is None else f", half of them within {lasting(labels['delay_us'])}"
    return f"{labels['labelled']:,} of {labels['rows']:,} answers ({labels['coverage']:.0%}){late}"


def _reference(found: Json) -> Cell:
    reference = found["reference"]
    if reference is None:
        return dim("none: the champion has no holdout to compare with")
    span = bounds(reference["low"], reference["high"])
    return f"{found['metric']} {number(reference['value'])} {span} on {counted(reference['rows'], 'held-out row')}".replace("  ", " ")


def _standing(found: Json) -> Cell:
    signal = found["signal"]
    if signal is None:
        return dim("cannot be said without a reference")
    if not signal["windows"]:
        return dim("no complete window with enough labels yet")
    return bad(f"worse: {_signal(found)}") if signal["fired"] else good(f"not surely worse: {_signal(found)}")


def _drift(drift: Json | None) -> Cell:
    if drift is None:
        return dim("cannot be said without the champion's own rows")
    if not drift["strip"]:
        return dim(f"no full window yet, {counted(drift['waiting'], 'row')} so far")
    moved = drift["drifting"]
    compared = f"against {counted(drift['reference_rows'], 'row')} that it learned from"
    return warn(f"{counted(len(moved), 'column')} moved: {', '.join(moved[:4])}") if moved else good(f"none, {compared}")


def _signal(found: Json) -> str:
    signal = found["signal"]
    return f"evidence {number(signal['statistic'])} of {number(signal['limit'])} over {counted(signal['windows'], 'window')}"


def _windows(found: Json) -> Table:
    summed = any(window["in_all"] is not None for window in found["windows"])
    headings = (
        ">window",
        "until",
        ">rows",
        ">errors",
        ">p99",
        ">broken rules",
        ">labelled",
        f">{found['metric']}",
        "95 %",
        *((">in all", "95 %") if summed else ()),
        ">estimated",
        "95 %",
        "",
    )
    return Table(
        headings, [_row(window, summed=summed) for window in found["windows"]], empty="no predictions were logged in this epoch yet"
    )


def _row(window: Json, *, summed: bool) -> list[Cell]:
    p99 = window["latency_p99_us"]
    value: Cell = number(window["value"])
    note: Cell = dim(window["waits"]) if window["waits"] else ""
    if window["worse"]:
        value, note = warn(number(window["value"])), warn("worse than the reference")
    return [
        str(window["number"]),
        moment(window["to_us"] if window["event_to_us"] is None else window["event_to_us"]),
        f"{window['rows']:,}",
        str(window["errors"]) if not window["errors"] else bad(f"{window['errors']:,}"),
        "-" if p99 is None else lasting(p99),
        str(len(window["breaks"])) if not window["breaks"] else warn(str(len(window["breaks"]))),
        f"{window['coverage']:.0%}",
        value,
        bounds(window["low"], window["high"]),
        *((number(window["in_all"]), bounds(window["in_all_low"], window["in_all_high"])) if summed else ()),
        *estimate_cells(window["estimate"]),
        note,
    ]


def _slices(found: Json) -> list[Block]:
    if not found["slices"]:
        return []
    rows = [
        (part["column"], part["of"], f"{part['rows']:,}", number(part["value"]), bounds(part["low"], part["high"]))
        for part in found["slices"]
    ]
    return [Table(("column", "value", ">rows", f">{found['metric']}", "95 %"), rows)]


def _quality(found: Json) -> list[Block]:
    quality = found["quality"]
    if not quality["rules"]:
        return [Text(dim("no contract to hold live rows to"))] if found["windows"] and not quality["checked"] else []
    rows = [(rule["rule"], f"{rule['rows']:,}", f"{rule['share']:.1%}") for rule in quality["rules"]]
    return [Table(("broken rule", ">rows", ">share"), rows)]
