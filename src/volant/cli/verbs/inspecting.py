"""``volant monitor slices``, ``skew``, ``drift`` and ``attribution``: closer looks at the champion."""

from typing import Any

import click

from volant.cli.blocks import Block, Text, good
from volant.cli.inspecttext import slices_blocks
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


def _looked(session: Session, kind: str, asked: Json) -> Json:
    from volant.wiring import commands

    with session.progress as progress:
        return commands.inspect(session.project, kind, asked, progress=progress)


def _own_model(session: Session, model: str | None) -> None:
    """A project has one model; naming another is a mistake."""
    name = session.project.name
    if model is not None and model not in {name, f"{name}@champion"}:
        raise NotFoundError("There is no model of that name in this project.", found=model[:100], next_step=f"this project has {name}")
