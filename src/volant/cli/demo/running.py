"""Commands and a server as processes of their own, and requests over HTTP."""

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
WAIT_SECONDS = 180.0
PAUSE_SECONDS = 0.05


class StoryError(Exception):
    """Something that was told did not happen."""


def volant(words: Sequence[str], folder: Path, environment: Mapping[str, str], *, code: int | None = 0) -> str:
    """Run a command as a person would; what it printed. ``StoryError`` unless it ended with ``code`` (None: any)."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and package
        [*VOLANT, "--quiet", *words], cwd=folder, env=dict(environment), capture_output=True, text=True, check=False
    )
    if code is not None and done.returncode != code:
        raise StoryError(f"volant {' '.join(words)} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


class Server:
    """``volant up`` on a free port; stopped when the block ends. What it says goes into a file."""

    def __init__(self, folder: Path, environment: Mapping[str, str], log: Path) -> None:
        self._folder = folder
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[str] | None = None
        self.started: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """Of predictions, API and pages."""
        return str(self.started["url"])

    def __enter__(self) -> Self:
        with self._log.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and package
                [*VOLANT, "up", "--port", "0", "--json"],
                cwd=self._folder,
                env=dict(self._environment),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C is the demo's: it ends the server in order
            )
        try:
            assert self._process.stdout is not None
            self.started = json.loads(_object(self._process.stdout))
            self.wait_for(lambda: self._get("/ready")[0] == 200, "the server should have become ready")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop()

    def _stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def settle(self) -> None:
        """Until it has nothing to do before new facts arrive."""
        self.wait_for(self._settled, "the server should have come to rest")

    def _settled(self) -> bool:
        status, body = self._get("/api/v1/status")
        return status == 200 and bool(json.loads(body)["server"]["settled"])

    def wait_for(self, done: Callable[[], bool], otherwise: str) -> None:
        """Until it holds; ``StoryError`` if it does not in time, or the server ends."""
        until = time.monotonic() + WAIT_SECONDS
        while not done():
            if time.monotonic() > until or (self._process is not None and self._process.poll() is not None):
                said = self._log.read_text(encoding="utf-8", errors="replace")[-1000:]
                raise StoryError(f"{otherwise}; it said: {said or 'nothing'}")
            time.sleep(PAUSE_SECONDS)

    def post(self, path: str, content: object) -> None:
        """Send JSON. ``StoryError`` unless it is taken."""
        status, body = ask(self.url, "POST", path, json.dumps(content))
        if status != 200:
            raise StoryError(f"{path} should have been taken: {status} {body[:500]}")

    def _get(self, path: str) -> tuple[int, str]:
        """Status 0 while nobody listens."""
        try:
            return ask(self.url, "GET", path)
        except OSError:
            return 0, ""


def _object(lines: Iterable[str]) -> str:
    """The first JSON object, however many lines it takes."""
    text = ""
    for line in lines:
        text += line
        if line.rstrip() == "}":
            return text
    raise StoryError(f"the server should have started, and said: {text[-1000:] or 'nothing'}")


def ask(url: str, method: str, path: str, body: str | None = None) -> tuple[int, str]:
    """Status and body of an answer."""
    link = connection(url)
    try:
        link.request(method, path, body, {"Content-Type": "application/json"})
        answer = link.getresponse()
        return answer.status, answer.read().decode()
    finally:
        link.close()


def connection(url: str) -> http.client.HTTPConnection:
    """Not yet open."""
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=60)
