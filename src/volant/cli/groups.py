"""Groups whose commands are imported when they are called, and never for help or suggestions."""

import difflib
from collections.abc import Iterable
from importlib import import_module

import click

from volant.cli.table import VERBS, Command, Family, Line
from volant.kernel.errors import UsageError

HELP = ("-h", "--help")
SETTINGS = {"help_option_names": list(HELP), "max_content_width": 100}

Sections = tuple[tuple[str, tuple[Command, ...]], ...]


class LazyGroup(click.Group):
    """Commands from a table. ``default`` names the one that runs when none is named; with ``takes_words``, when the first word is none."""

    def __init__(
        self,
        name: str,
        about: str,
        sections: Sections,
        *,
        default: str | None = None,
        takes_words: bool = False,
        epilog: str | None = None,
    ) -> None:
        super().__init__(name, help=about, epilog=epilog, no_args_is_help=default is None, context_settings=SETTINGS)
        self.sections = sections
        self.default = default
        self.takes_words = takes_words
        self._lines = {line.name: line for _, lines in sections for line in lines}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the table's order."""
        del ctx
        return list(self._lines)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import it now."""
        del ctx
        line = self._lines.get(cmd_name)
        if isinstance(line, Family):
            below = (("Commands", line.lines),)
            return LazyGroup(line.name, f"{line.about}.", below, default=line.default, takes_words=line.takes_words)
        return None if line is None else loaded(line)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default's name in front where no command is named."""
        if self.default is not None and (not args or self._is_for_default(args[0])):
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def _is_for_default(self, word: str) -> bool:
        if word.startswith("-"):
            return word not in HELP
        return self.takes_words and word not in self._lines

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Say which command was probably meant."""
        if args[0] not in self._lines and not args[0].startswith("-"):
            raise no_such_command(ctx.command_path, args[0], self._lines)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table."""
        del ctx
        for title, lines in self.sections:
            with formatter.section(title):
                formatter.write_dl([(line.name.ljust(10), line.about) for line in lines])


def loaded(line: Line) -> click.Command:
    """The command behind a line."""
    module, _, attribute = line.place.partition(":")
    command: click.Command = getattr(import_module(f"{VERBS}.{module}"), attribute)
    return command


def no_such_command(path: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a command that does not exist."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    return UsageError(
        f"There is no command '{path} {name}'.",
        found=name,
        next_step=f"did you mean '{path} {close[0]}'?" if close else f"{path} --help lists what there is",
    )
