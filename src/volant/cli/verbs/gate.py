"""``volant gate`` and ``volant gate plan``."""

import click

from volant.cli.gatetext import gate_blocks, plan_blocks
from volant.cli.session import Answer, Session
from volant.cli.verb import verb
from volant.kernel.errors import EXIT_CODES


@verb("judge", example="volant gate judge bikes@3")
@click.argument("model", required=False)
def judge(session: Session, model: str | None) -> Answer:
    """Judge a version (default: the newest) against the champion and the baselines, on the data as they are now.

    Both models answer the same held-out rows, and the difference is judged row by row. Exit code 3 unless every check passes.
    """
    from volant.wiring import commands

    with session.progress as progress:
        found = commands.gate(session.project, model, progress=progress)
    report = found["report"]
    return Answer(found, gate_blocks(report), 0 if report["verdict"] == "pass" else EXIT_CODES["check_failed"])


@verb("plan", example="volant gate plan")
@click.argument("model", required=False)
def plan(session: Session, model: str | None) -> Answer:
    """How many labels a decision needs for a true gain of so much, at the variance and margins of the last report.

    Without a version, from the newest report. Labels are taken to come as in the last seven days; where none came, as the rows' own
    times say.
    """
    from volant.wiring import commands

    found = commands.gate_plan(session.project, model)
    return Answer(found, plan_blocks(found))
