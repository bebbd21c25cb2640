"""``volant gate``."""

import click

from volant.cli.gatetext import gate_blocks
from volant.cli.session import Answer, Session
from volant.cli.verb import verb
from volant.kernel.errors import EXIT_CODES


@verb("gate", example="volant gate bikes@3")
@click.argument("model", required=False)
def gate(session: Session, model: str | None) -> Answer:
    """Judge a version (default: the newest) against the champion and the baselines, on the data as they are now.

    Both models answer the same held-out rows, and the difference is judged row by row. Exit code 3 unless every check passes.
    """
    from volant.wiring import commands

    with session.progress as progress:
        found = commands.gate(session.project, model, progress=progress)
    report = found["report"]
    return Answer(found, gate_blocks(report), 0 if report["verdict"] == "pass" else EXIT_CODES["check_failed"])
