"""Heavy work in a process of its own: the client side.

The child is ``python -m volant.wiring.worker``. Requests and answers are JSON lines over its standard input and
output: ``{"id", "verb", "request"}`` in; ``{"id", "progress": {"text", "share"}}`` any number of times and one
``{"id", "result"}`` or ``{"id", "error"}`` out. The child's own prints go to standard error.
"""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import orjson

from volant.kernel.errors import InternalError, UnavailableError, from_record

Progress = Callable[[str, float | None], None]

# Threads that wait for others sleep instead of spinning: on a machine with other work, spinning makes a small training
# twenty times slower.
PREFERRED = {"OMP_WAIT_POLICY": "PASSIVE"}
# Hash order must not decide anything that is stored.
PINNED = {"PYTHONHASHSEED": "0"}


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What a child that runs users' code is started with."""
    return {**PREFERRED, **environment, **PINNED}


def quiet(_text: str, _share: float | None) -> None:
    """A progress callback that says nothing."""


class Child:
    """A running child that answers one request at a time. Use as a context manager."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "volant.wiring.worker", str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=child_environment(environment),
        )
        self._requests = 0

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def call(self, verb: str, request: Mapping[str, object], progress: Progress = quiet) -> dict[str, Any]:
        """Do one verb and wait for it. Raises what the verb raised."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests += 1
        try:
            self._process.stdin.write(orjson.dumps({"id": self._requests, "verb": verb, "request": request}) + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._died(verb) from error
        for line in self._process.stdout:
            answer = orjson.loads(line)
            if "progress" in answer:
                progress(answer["progress"]["text"], answer["progress"]["share"])
            elif "error" in answer:
                raise from_record(answer["error"])
            else:
                result: dict[str, Any] = answer["result"]
                return result
        raise self._died(verb)

    def _died(self, verb: str) -> UnavailableError:
        code = self._process.wait()
        reason = f"signal {-code}" if code < 0 else f"exit code {code}"
        return UnavailableError(
            f"The process that was doing '{verb}' ended before it answered.",
            found=reason + (" (killed; often out of memory)" if code == -9 else ""),
            next_step="run the command again: finished steps are kept",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child: it stops by itself when its input closes, and is killed if it does not."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def call(
    root: Path, verb: str, request: Mapping[str, object], *, environment: Mapping[str, str], progress: Progress = quiet
) -> dict[str, Any]:
    """Do one verb in a fresh child."""
    if not root.is_dir():
        raise InternalError(f"{root} is not a folder.")
    with Child(root, environment) as child:
        return child.call(verb, request, progress)
