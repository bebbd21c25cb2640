"""What a user's own code raised, told with the lines of the user's files only."""

import sysconfig
import traceback
from pathlib import Path
from types import TracebackType

from volant.kernel.errors import UserCodeError

_OWN = str(Path(__file__).parents[1])
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_DEEPEST = 12


def user_error(what: str, error: BaseException, *, found: str | None = None, next_step: str | None = None) -> UserCodeError:
    """``error`` as a ``UserCodeError`` whose details are the user's part of the traceback and the error itself."""
    said = "".join(traceback.format_exception_only(error)).rstrip().splitlines()
    lines = [*_user_lines(error.__traceback__), *said[:20]]
    return UserCodeError(what, found=found or said[-1][:300], next_step=next_step, details=tuple(lines))


def _user_lines(trace: TracebackType | None) -> list[str]:
    frames = [frame for frame in traceback.extract_tb(trace) if not _foreign(frame.filename)][-_DEEPEST:]
    return [line for text in traceback.format_list(frames) for line in text.rstrip().splitlines()]


def _foreign(file: str) -> bool:
    return file.startswith((_OWN, *_INSTALLED, "<frozen")) or "site-packages" in file
