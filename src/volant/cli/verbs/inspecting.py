"""``volant monitor slices``, ``skew``, ``drift`` and ``attribution``: closer looks at the champion."""

from pathlib import Path
from typing import Any

import click

from volant.cli.blocks import Block, Text, dim, good
from volant.cli.drifttext import drift_blocks
from volant.cli.inspecttext import attribution_blocks, multivariate_blocks, skew_blocks, slices_blocks
from volant.cli.session import Answer, Session
from volant.cli.verb import verb
from volant.kernel.errors import NotFoundError

Json = dict[str, Any]
_MODEL = click.argument("model", required=False)


@verb("slices", example="volant monitor slices\nvolant monitor slices --gate 1")
@_MODEL
@click.option("--on", type=click.Choice(["live", "holdout"]), help="Rows to look at (default: live ones if enough have labels).")
@click.option("--gate", type=click.IntRange(1), metavar="NUMBER", help="Hold candidates to a slice that was found: writes it under gates.")
@click.option("--margin", default="5%", show_default=True, help="With --gate: how much worse than the champion is allowed there.")
def slices(session: Session, model: str | None, on: str | None, gate: int | None, margin: str) -> Answer:
    """Where the champion is worse than elsewhere: slices found on half of the labelled rows and confirmed on the others."""
    _own_model(session, model)
    if gate is not None:
        from volant.wiring.slice_gates import accept_slice

        said = accept_slice(session.project, gate, margin=margin)
        lines: list[Block] = [Text(line) for line in said["diff"][2:]]
        return Answer(said, [Text(good(said["sentence"])), *lines])
    found = _looked(session, "slices", {"on": on})
    return Answer(found, slices_blocks(found))


@verb("skew", example="volant monitor skew\nvolant monitor skew --data ../offline.csv")
@_MODEL
@click.option("--data", metavar="FILE", help="Rows as they were made offline (default: the newest data read from the source).")
def skew(session: Session, model: str | None, data: str | None) -> Answer:
    """Whether what is served is what was trained on: the same rows value by value, and the first rows after the release."""
    _own_model(session, model)
    found = _looked(session, "skew", {"data": None if data is None else str(Path(data).absolute())})
    return Answer(found, skew_blocks(found))


@verb("drift", example="volant monitor drift --multivariate")
@_MODEL
@click.option("--multivariate", is_flag=True, help="Whether whole rows moved, though no column may have: a classifier is fitted.")
def drift(session: Session, model: str | None, multivariate: bool) -> Answer:
    """Which columns moved away from what the champion learned; with --multivariate also whether they moved together."""
    _own_model(session, model)
    if multivariate:
        found = _looked(session, "multivariate", {})
        return Answer(found, multivariate_blocks(found))
    from volant.wiring import commands

    with session.progress as progress:
        said = commands.monitor(session.project, progress=progress)["drift"]
    nothing = Text(dim("no full window was compared yet"))
    return Answer({"drift": said}, drift_blocks(said) or [nothing])


@verb("attribution", example="volant monitor attribution")
@_MODEL
def attribution(session: Session, model: str | None) -> Answer:
    """Whether the model leans on other columns than on the rows that it learned from: shares of its answers, column by column."""
    _own_model(session, model)
    found = _looked(session, "attribution", {})
    return Answer(found, attribution_blocks(found))


def _looked(session: Session, kind: str, asked: Json) -> Json:
    from volant.wiring import commands

    with session.progress as progress:
        return commands.inspect(session.project, kind, asked, progress=progress)


def _own_model(session: Session, model: str | None) -> None:
    """A project has one model; naming another is a mistake."""
    name = session.project.name
    if model is not None and model not in {name, f"{name}@champion"}:
        raise NotFoundError("There is no model of that name in this project.", found=model[:100], next_step=f"this project has {name}")
