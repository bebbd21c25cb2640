"""The command line's beginning and end: what runs, and what an error looks like."""

import os
import sys
from collections.abc import Sequence

import click

from volant import __version__
from volant.cli.groups import LazyGroup
from volant.cli.session import Session
from volant.cli.table import SECTIONS
from volant.cli.verb import shared_options
from volant.kernel.errors import UsageError, VolantError

INTERRUPTED, READER_GONE = 130, 141
ABOUT = """Keeps machine-learning models fresh by itself.

From a data file to a model that is tested, served, watched and retrained, with the evidence of every decision kept.
"""
EPILOG = """\b
Begin:
  $ volant init bikes --data rides.csv --target cnt
  $ cd bikes && volant run
  $ volant approve latest --reason "why" && volant up
"""


def application() -> LazyGroup:
    """The whole command line."""
    group = LazyGroup("volant", ABOUT, SECTIONS, epilog=EPILOG)
    group.params += shared_options(project=True)
    click.version_option(__version__, "-V", "--version", message="volant %(version)s")(group)
    return group


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say and return the exit code (0 ok, 1 failure, 2 usage, 3 gate or check failed, 4 waits for
    approval, 5 not found, 6 conflict, 130 interrupted, 141 the reader of the output is gone).
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    session = Session(os.environ)
    try:
        return _guarded(words, session)
    except BrokenPipeError:
        # What is still in the buffer would fail again, loudly, while the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE


def _guarded(words: list[str], session: Session) -> int:
    session.as_json = "--json" in words
    try:
        code = _run(words, session)
        session.out.flush()
    except BrokenPipeError:
        raise
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort):
        session.err.write("\ninterrupted\n")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last place to say what happened
        return _failed(error, session)
    return code


def _failed(error: Exception, session: Session) -> int:
    from volant.cli import failing

    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return 2
    if isinstance(error, click.ClickException):
        return failing.report(_usage(error), session)
    if isinstance(error, VolantError):
        return failing.report(error, session)
    return failing.crash(error, session)


def _run(words: list[str], session: Session) -> int:
    if "_VOLANT_COMPLETE" in session.environment:
        from click.shell_completion import shell_complete

        return shell_complete(application(), {}, "volant", "_VOLANT_COMPLETE", session.environment["_VOLANT_COMPLETE"])
    group = application()
    with group.make_context("volant", words, obj=session) as ctx:
        return int(group.invoke(ctx) or 0)


def _usage(error: click.ClickException) -> UsageError:
    """Click's complaint as one of ours; it suggests the nearest option by itself."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "volant"
    return UsageError(error.format_message(), next_step=f"{path} --help")
