"""``volant demo``."""

from pathlib import Path

import click

from volant.cli.session import Answer, Session
from volant.cli.verb import verb


@verb("demo", example="volant demo --keep", project=False)
@click.option("--keep", is_flag=True, help="Leave it running, server and traffic, until Ctrl-C.")
@click.option("--folder", type=click.Path(path_type=Path), metavar="DIR", help="Play in this new folder and leave the project there.")
@click.option("--seed", type=int, default=7, show_default=True, help="Of the simulation.")
def demo(session: Session, folder: Path | None, seed: int, *, keep: bool) -> Answer:
    """The wheel of a SIMULATED city of rental bikes turns by itself: the world changes, a better version is found and let out
    step by step, a bad one is refused by the gate, a broken one is rolled back in canary.

    Real commands and a real server on made-up data and a clock of their own, offline, in about a minute. Exits with 1 and
    says what is missing if its story did not happen.
    """
    from volant.cli.demo import tell

    return tell(session, folder=folder, keep=keep, seed=seed)
