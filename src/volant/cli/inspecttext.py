"""Closer looks at the champion as ``volant monitor`` prints them."""

from typing import Any

from volant.cli.blocks import Block, Cell, Facts, Hint, Table, Text, dim, good, warn
from volant.cli.numbers import bounds, number

Json = dict[str, Any]
_SHOWN = 15
_ALONE = {True: "moved", False: "has not moved", None: "is not judged"}


def slices_blocks(found: Json) -> list[Block]:
    """A line per slice, the one with the largest share of the loss first."""
    said = found["found"]
    if not said["slices"]:
        return [Text(dim(found["sentence"]) if said["why_not"] else good(found["sentence"])), *_unconfirmed(said)]
    rows = [_slice(place, one) for place, one in enumerate(said["slices"], 1)]
    loss = said["loss"]
    table = Table((">#", "slice", ">rows", ">of loss", f">{loss}", ">elsewhere", ">times", "95 %"), rows)
    return [
        Text(warn(found["sentence"])),
        table,
        Text(dim(f"searched on {said['searched']:,} {said['source']} rows, measured on the {said['confirmed']:,} others")),
        *_unconfirmed(said),
        Hint("volant monitor slices --gate 1"),
    ]


def _slice(place: int, one: Json) -> list[Cell]:
    return [
        str(place),
        one["text"],
        f"{one['share_of_rows']:.1%}",
        f"{one['share_of_loss']:.1%}",
        number(one["loss"]),
        number(one["elsewhere"]),
        "-" if one["ratio"] is None else f"{one['ratio']:.2f}",
        bounds(one["low"], one["high"]),
    ]


def _unconfirmed(said: Json) -> list[Block]:
    return [Text(dim(f"not confirmed: {'; '.join(said['unconfirmed'])}"))] if said["unconfirmed"] else []


def skew_blocks(found: Json) -> list[Block]:
    """Columns that differ row by row, then columns that were unlike right after the release."""
    said = found["found"]
    apart = [column for column in said["columns"] if column["differing"]]
    shifted = [shift for shift in said["shifts"] if shift["skewed"]]
    blocks: list[Block] = [Text(_toned(found, bad=bool(apart or shifted), known=said["why_not"] is None or said["why_no_shifts"] is None))]
    if apart:
        rows = [_differs(column) for column in apart]
        blocks.append(Table(("column", ">differ", "95 %", ">missing served", ">missing trained", "row", ">trained", ">served", ""), rows))
    if shifted:
        lines = [[one["name"], number(one["effect"]), bounds(one["low"], one["high"]), number(one["tolerance"])] for one in shifted]
        blocks.append(Table(("after the release", ">effect", "95 %", ">tolerance"), lines))
    return blocks


def _toned(found: Json, *, bad: bool, known: bool) -> Cell:
    return warn(found["sentence"]) if bad else good(found["sentence"]) if known else dim(found["sentence"])


def _differs(column: Json) -> list[Cell]:
    return [
        warn(column["name"]),
        f"{column['share']:.1%}",
        f"[{column['low']:.1%}, {column['high']:.1%}]",
        f"{column['missing_served']:,}",
        f"{column['missing_trained']:,}",
        column["row"],
        column["trained"],
        column["served"],
        dim(column["pattern"] or ""),
    ]


def multivariate_blocks(found: Json) -> list[Block]:
    """The AUC with what is usual, and the columns that carry it."""
    said = found["found"]
    if said["why_not"] is not None:
        return [Text(dim(found["sentence"]))]
    facts: list[tuple[str, Cell]] = [
        ("rows", f"{said['rows']:,} live, {said['reference_rows']:,} learned from"),
        ("AUC", f"{said['auc']:.3f}"),
    ]
    if said["usual"] is not None:
        facts.append(("usual", f"{said['usual']:.3f} over {said['stretches']} stretches of the reference"))
    blocks: list[Block] = [Text(warn(found["sentence"]) if said["drifted"] else good(found["sentence"])), Facts(facts)]
    if said["drivers"]:
        rows = [(driver["name"], f"{driver['lost']:.3f}", _ALONE[driver["alone"]]) for driver in said["drivers"]]
        blocks.append(Table(("column", ">AUC lost without it", "by itself"), rows))
    return blocks


def attribution_blocks(found: Json) -> list[Block]:
    """A line per column, those that changed most first."""
    said = found["found"]
    if said["why_not"] is not None:
        return [Text(dim(found["sentence"]))]
    moved = any(column["drifted"] for column in said["columns"])
    rows = [_attributed(column) for column in said["columns"][:_SHOWN]]
    table = Table(("column", ">before", ">now", ">change", "95 %", ">rank", ""), rows)
    hidden = len(said["columns"]) - len(rows)
    more = [Text(dim(f"and {hidden} more columns"))] if hidden > 0 else []
    return [Text(warn(found["sentence"]) if moved else good(found["sentence"])), table, *more]


def _attributed(column: Json) -> list[Cell]:
    ranks = (
        f"{column['rank_before']} -> {column['rank_after']}" if column["rank_before"] != column["rank_after"] else str(column["rank_after"])
    )
    span = f"[{column['low']:+.1%}, {column['high']:+.1%}]"
    name: Cell = warn(column["name"]) if column["drifted"] else column["name"]
    note: Cell = warn("changed") if column["drifted"] else ""
    return [name, f"{column['before']:.1%}", f"{column['after']:.1%}", f"{column['change']:+.1%}", span, ranks, note]
