"""What all commands share: where they work, how they talk, and who is asking."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from volant.cli.blocks import Block
from volant.cli.plain import render
from volant.cli.progress import Progress

if TYPE_CHECKING:
    from volant.kernel.clock import Clock
    from volant.wiring.project import Project


class Answer(NamedTuple):
    """What a command found: JSON values, the same for people, and the exit code."""

    value: dict[str, Any]
    blocks: Sequence[Block]
    exit_code: int = 0


class Session:
    """One call of ``volant``. Options set the attributes before the command runs."""

    def __init__(self, environment: Mapping[str, str], *, out: IO[str] | None = None, err: IO[str] | None = None) -> None:
        self.environment = environment
        self.out = out or sys.stdout
        self.err = err or sys.stderr
        self.folder = Path()
        self.as_json = False
        self.quiet = False
        self.verbose = False
        self._project: Project | None = None

    @property
    def clock(self) -> "Clock":
        """The machine's, unless ``VOLANT_CLOCK`` names another."""
        from volant.kernel.steered_clock import clock_of

        return clock_of(self.environment)

    @property
    def project(self) -> "Project":
        """The project at or above ``--project`` or the working folder, opened once."""
        if self._project is None:
            from volant.wiring.project import open_project

            self._project = open_project(self.folder, environment=self.environment)
        return self._project

    @property
    def actor(self) -> str:
        """The person at the keyboard, as the machine knows them."""
        if name := self.environment.get("VOLANT_USER") or self.environment.get("USER"):
            return name
        import pwd

        try:
            return pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            return f"uid {os.getuid()}"

    @property
    def progress(self) -> Progress:
        """Where work says how far it is: standard error, or nowhere under ``--quiet``."""
        return Progress(self.err, silent=self.quiet, live=_is_terminal(self.err) and self.environment.get("TERM") != "dumb")

    def colour(self, stream: IO[str]) -> bool:
        """Whether a stream is a terminal that may be coloured (https://no-color.org)."""
        return not self.environment.get("NO_COLOR") and self.environment.get("TERM") != "dumb" and _is_terminal(stream)

    def show(self, schema: str, answer: Answer) -> None:
        """Print an answer: data go to standard output."""
        if self.as_json:
            self.out.write(json_text({"schema": schema, **answer.value}))
        elif _is_terminal(self.out):
            from volant.cli.fancy import show

            show(answer.blocks, self.out, colour=self.colour(self.out))
        else:
            self.out.write(render(answer.blocks))
        self.out.flush()


def json_text(value: object) -> str:
    """One object, indented, as UTF-8 text."""
    import orjson

    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE).decode()


def _is_terminal(stream: IO[str]) -> bool:
    return bool(getattr(stream, "isatty", lambda: False)())
