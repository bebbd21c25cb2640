"""The file whose bytes become an object."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from volant.kernel.errors import UnavailableError


@contextlib.contextmanager
def source_file(path: Path) -> Iterator[BinaryIO]:
    """The file opened for reading. ``UnavailableError`` naming it if that cannot be done."""
    try:
        file = path.open("rb")
    except (OSError, ValueError) as error:
        raise UnavailableError(
            f"{path} cannot be read.", found=getattr(error, "strerror", None) or str(error), next_step="check its name and its rights"
        ) from error
    with file:
        yield file
