"""``volant demo``."""

from pathlib import Path

import click

from volant.cli.session import Answer, Session
from volant.cli.verb import verb


@verb("demo", example="volant demo --keep /tmp/volant-demo", project=False)
@click.option("--keep", type=click.Path(path_type=Path), metavar="DIR", help="Keep the project in this new folder.")
@click.option("--seed", type=int, default=7, show_default=True, help="Of the simulation.")
def demo(session: Session, keep: Path | None, seed: int) -> Answer:
    """The whole wheel on a SIMULATED city of rental bikes: init, run, gate, approve, serve, labels, retrain, replay.

    It runs the real commands on made-up data, offline, in about a minute, and exits with 1 if its story did not happen.
    """
    from volant.cli.demo import tell

    return tell(session, keep, seed)
