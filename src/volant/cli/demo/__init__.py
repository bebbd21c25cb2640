"""``volant demo``: the wheel of a simulated city turns by itself, told as it happens, and every claim is checked."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from volant.cli.blocks import Text, bad, good
from volant.cli.demo.running import StoryError
from volant.cli.demo.story import Story
from volant.cli.demo.teller import Teller
from volant.cli.session import Answer, Session
from volant.kernel.errors import AlreadyExistsError


def tell(session: Session, *, folder: Path | None, keep: bool, seed: int) -> Answer:
    """Play the story in a new folder; exit code 1 if it did not happen as told. ``keep``: it goes on until Ctrl-C."""
    with _ended_in_order(), _stage(folder) as stage:
        teller = Teller(session)
        story = Story(session.environment, teller, stage, seed)
        try:
            facts = story.play(keep=keep)
        except StoryError as error:
            broke = f"the story broke at step {teller.step}: {error}"
            return Answer({"happened": False, "step": teller.step, "why": str(error)}, [Text(bad(broke))], 1)
    where = (
        f"the project is in {stage / story.home.name}" if folder else "the project is gone; leave one behind with: volant demo --folder DIR"
    )
    return Answer({"happened": True, **facts}, [Text(good("all of it happened as told")), Text(where)])


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """SIGTERM counts as Ctrl-C: the server is ended and the folder removed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _stage(folder: Path | None) -> Iterator[Path]:
    """The folder to play in: a temporary one unless one is named, which must be new."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="volant-demo-", ignore_cleanup_errors=True) as made:
            yield Path(made)
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise AlreadyExistsError(f"{folder} exists already.", next_step="name a new folder: volant demo --folder DIR")
    folder.mkdir(parents=True, exist_ok=True)
    yield folder.resolve()
