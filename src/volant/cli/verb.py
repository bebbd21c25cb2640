"""What every command has: an example, ``--json``, ``--project``, ``-q``, ``-v``, and one way of answering."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from volant.cli.groups import SETTINGS
from volant.cli.session import Answer, Session


class Verb(click.Command):
    """A command whose function takes the session first and returns an :class:`Answer` or an exit code."""

    def __init__(self, *args: Any, example: str, project: bool = True, **kwargs: Any) -> None:
        kwargs.setdefault("context_settings", SETTINGS)
        super().__init__(*args, **kwargs)
        self.example = example
        self.params += shared_options(project=project)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The example, as it would be typed."""
        del ctx
        with formatter.section("Example"):
            for line in self.example.splitlines():
                formatter.write(f"{'':>{formatter.current_indent}}$ {line}\n")

    def invoke(self, ctx: click.Context) -> int:
        """Run it and print its answer; returns the exit code."""
        session: Session = ctx.obj
        answer = ctx.invoke(self.callback, session, **ctx.params) if self.callback else None
        if isinstance(answer, Answer):
            words = ctx.command_path.split()[1:]
            session.show(f"volant.{'.'.join(words)}/1", answer)
            return answer.exit_code
        return int(answer or 0)


def verb(name: str, *, example: str, project: bool = True) -> Callable[[Callable[..., Answer | int]], Verb]:
    """Make a function a command; its docstring is the help text."""

    def decorate(function: Callable[..., Answer | int]) -> Verb:
        make = click.command(name, cls=Verb, example=example, project=project)
        return make(function)

    return decorate


def shared_options(*, project: bool) -> list[click.Parameter]:
    """Options that set attributes of the session."""
    options: list[click.Parameter] = []
    if project:
        place = click.Path(file_okay=False, path_type=Path)
        options.append(
            _option("--project", "folder", "The project's folder (default: this folder or one above).", type=place, metavar="DIR")
        )
    return [
        *options,
        _option("--json", "as_json", "Print JSON on standard output.", is_flag=True),
        _option("-q", "quiet", "No progress.", "--quiet", is_flag=True),
        _option("-v", "verbose", "Tracebacks of unexpected errors.", "--verbose", is_flag=True),
    ]


def _option(flag: str, attribute: str, about: str, *more: str, **kwargs: Any) -> click.Option:
    def keep(ctx: click.Context, _parameter: click.Parameter, value: Any) -> None:
        if value not in {None, False}:
            setattr(ctx.obj, attribute, value)

    return click.Option([flag, *more, f"_{attribute}"], expose_value=False, callback=keep, help=about, **kwargs)


def names(_ctx: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """``--drop a,b --drop c`` as ``(a, b, c)``."""
    return tuple(part.strip() for text in value for part in text.split(",") if part.strip())
