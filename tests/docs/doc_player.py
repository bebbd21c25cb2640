"""Plays a page: its marked files are written, its console blocks typed, and what they print is compared loosely."""

import http.client
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from doc_pages import blocks, commands

BIN = Path(sys.executable).parent
PORT = 8080
_LOOSE = [
    (re.compile(r"\b[0-9a-f]{12,64}\b(\.\d+)?|\b[0-9a-f]{16}\.\.\."), "HEX"),
    (re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?)?"), "DATE"),
    (re.compile(r"[-+]?\d[\d,.]*(e[-+]\d+)?( ?(ms|s|m|h|GiB|%))?"), "N"),
    (re.compile(r"\s+"), " "),
]


def loose(line):
    """Without what differs from run to run: digests, times, numbers, widths."""
    for pattern, word in _LOOSE:
        line = pattern.sub(word, line)
    return line.strip()


def agrees(line, wanted):
    return line.startswith(wanted[:-3]) if wanted.endswith("...") else line == wanted


def differences(shown, printed):
    """Lines of the page that the command did not print, in that order; ``...`` stands for any lines, or the rest of one."""
    lines, missing = [loose(line) for line in printed.splitlines()], []
    position = 0
    for line in shown:
        wanted = loose(line)
        if wanted in {"", "..."}:
            continue
        found = next((i for i in range(position, len(lines)) if agrees(lines[i], wanted)), None)
        if found is None:
            missing.append(line)
        else:
            position = found + 1
    return missing


class Player:
    """One page in one folder. ``volant up`` runs until the page ends or stops it."""

    def __init__(self, folder, at=None):
        self.folder = folder
        self.at = at or folder
        self.kept = {}
        self.server = None
        self.port = None
        self.wrong = []

    def play(self, path):
        try:
            for block in blocks(path):
                self._block(block)
        finally:
            self.stop()
        return self.wrong

    def _block(self, block):
        verb, _, rest = block.mark.partition(" ")
        if verb == "file":
            place = self.at / rest
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(block.body)
        elif verb == "python":
            self._say(block, [], self._type([sys.executable, "-c", self._here(block.body)], code=0))
        elif verb == "not-run":
            return
        elif block.language == "console":
            typed = commands(block.body)
            for command in typed:
                self._command(block, command, code=int(rest) if verb == "exit" and command is typed[-1] else 0)
            if verb == "keep":
                self.kept[rest] = copied(self.folder, self.folder.with_name(f"{self.folder.name}-{rest}"))

    def _command(self, block, command, code):
        if command.words.startswith("cd "):
            self.at = (self.at / command.words[3:]).resolve()
        elif command.words.startswith("volant up"):
            self._say(block, command.shown, self._up(command.words))
        elif command.words == "kill %1":
            self.stop()
        else:
            self._say(block, command.shown, self._type(["bash", "-c", self._here(command.words)], code))
            if command.words.startswith("volant init"):
                self._loosen_latency()

    def _loosen_latency(self):
        """How fast one row is answered says nothing on a machine that runs other tests."""
        for path in self.at.glob("*/volant.yaml"):
            path.write_text(path.read_text().replace("latency_p99: 100ms", "latency_p99: 60s"))

    def _here(self, text):
        return text.replace(f":{PORT}", f":{self.port}") if self.port else text

    def _environment(self):
        return {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "NO_COLOR": "1", "VOLANT_USER": "ana", "PYTHONDONTWRITEBYTECODE": "1"}

    def _type(self, words, code):
        done = subprocess.run(
            words, cwd=self.at, env=self._environment(), capture_output=True, text=True, check=False, timeout=240, stdin=subprocess.DEVNULL
        )
        if done.returncode != code:
            self.wrong.append(f"{' '.join(words)[:300]} ended with {done.returncode}, not {code}:\n{(done.stdout + done.stderr)[-1500:]}")
        return done.stdout + done.stderr

    def _say(self, block, shown, printed):
        for line in differences(shown, self._back(printed)):
            self.wrong.append(f"line {block.line}: not printed: {line!r}; printed was:\n{printed[-2500:]}")

    def _back(self, text):
        return text.replace(f":{self.port}", f":{PORT}") if self.port else text

    def _up(self, words):
        self.stop()
        self.port = free_port()
        typed = shlex.split(words.removesuffix("&"))
        assert "--port" not in typed
        log = self.folder / "up.log"
        with log.open("w") as out:
            self.server = subprocess.Popen(
                [str(BIN / "volant"), *typed[1:], "--port", str(self.port)], cwd=self.at, env=self._environment(), stdout=out, stderr=out
            )
        until = time.monotonic() + 60
        while not (ready(self.port) and "pages " in log.read_text()):
            if self.server.poll() is not None or time.monotonic() > until:
                self.wrong.append(f"{words} did not become ready: {log.read_text()}")
                break
            time.sleep(0.1)
        return log.read_text()

    def stop(self):
        if self.server is not None:
            self.server.terminate()
            self.server.wait(90)
            self.server = None


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ready(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def copied(source, target):
    shutil.copytree(source, target, symlinks=True)
    return target
