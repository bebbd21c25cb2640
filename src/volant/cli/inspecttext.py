"""Closer looks at the champion as ``volant monitor`` prints them."""

from typing import Any

from volant.cli.blocks import Block, Cell, Hint, Table, Text, dim, good, warn
from volant.cli.numbers import bounds, number

Json = dict[str, Any]


def head(found: Json) -> Block:
    """What was found in one sentence."""
    plain_words = found["found"].get("why_not") is not None
    return Text(dim(found["sentence"]) if plain_words else found["sentence"])


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
