"""What the demo is made of: commands as subprocesses, a server, and requests over HTTP."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

VOLANT = (sys.executable, "-m", "volant.cli")
WAIT_SECONDS = 60.0


class StoryError(Exception):
    """Something that was told did not happen."""


def volant(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> str:
    """Run a command as a person would; what it printed. ``StoryError`` unless it ended with 0."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and package
        [*VOLANT, "--quiet", *words], cwd=folder, env=dict(environment), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise StoryError(f"volant {' '.join(words)} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


class Server:
    """``volant up`` on a free port; stopped when the block ends."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None
        self.started: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and package
            [*VOLANT, "up", "--port", "0", "--json"],
            cwd=self._folder,
            env=dict(self._environment),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.started = json.loads(_object(self._process.stdout))
        self._wait_until_ready()
        return self

    def __exit__(self, *_exc: object) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait_until_ready(self) -> None:
        self.wait_for(lambda: get(self.started["url"], "/ready")[0] == 200, "the server should have become ready")

    def wait_for_version(self, version: int) -> None:
        """Until the worker answers with this version."""

        def serves() -> bool:
            status, body = get(self.started["url"], "/ready")
            return status == 200 and json.loads(body)["version"] == version

        self.wait_for(serves, f"the server should have switched to version {version}")

    def wait_for(self, done: Callable[[], bool], otherwise: str) -> None:
        """Until it holds; ``StoryError`` if it does not in time, or the server ends."""
        until = time.monotonic() + WAIT_SECONDS
        while not done():
            if time.monotonic() > until or (self._process is not None and self._process.poll() is not None):
                raise StoryError(otherwise)
            time.sleep(0.1)


def _object(lines: Iterable[str]) -> str:
    """The first JSON object, however many lines it takes."""
    text = ""
    for line in lines:
        text += line
        if line.rstrip() == "}":
            return text
    raise StoryError(f"the server should have started, and said: {text[-1000:] or 'nothing'}")


def get(url: str, path: str) -> tuple[int, str]:
    """Status and body; status 0 while nobody listens."""
    connection = _connection(url)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


def ask(url: str, rows: Sequence[Mapping[str, Any]]) -> tuple[list[float], str]:
    """Predictions of rows, and the id of the answer."""
    connection = _connection(url)
    try:
        connection.request("POST", "/invocations", json.dumps({"dataframe_records": list(rows)}), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = answer.read().decode()
        if answer.status != 200:
            raise StoryError(f"a prediction should have been answered: {answer.status} {body[:500]}")
        return json.loads(body)["predictions"], answer.headers["x-volant-prediction-id"]
    finally:
        connection.close()


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=30)
