"""Whole servers in processes of their own, stopped by their own pid."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from server_parts import ask

ENTRY = Path(__file__).with_name("up_entry.py")


class Up:
    """A running server."""

    def __init__(self, process, started, stderr):
        self.process = process
        self.started = started
        self.stderr = stderr
        self.port = int(started["url"].rpartition(":")[2])
        self.worker_port = int(started["worker_url"].rpartition(":")[2])

    def ask(self, method, path, body=None, headers=None):
        return ask(self.port, method, path, body, headers)

    def ready(self):
        """Version and epoch that serve, or None."""
        status, _, body = self.ask("GET", "/ready")
        return (body["version"], body["epoch"]) if status == 200 else None

    def until(self, condition, seconds=90):
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.stderr.read_text()
            assert time.monotonic() < deadline, self.stderr.read_text()
            time.sleep(0.02)

    def worker_pid(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii").split()
        lines = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
        return next((pid for pid, line in lines.items() if b"serving_worker" in line), None)

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(90)

    def end(self):
        end(self.process)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        return self.process.wait(90)


def launch(folder, **options):
    """The process; it says where it listens in its first line, or ends."""
    stderr = folder.parent / f"stderr{time.monotonic_ns()}"
    with stderr.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, str(ENTRY), str(folder), json.dumps({"port": 0, **options})],
            stdout=subprocess.PIPE,
            stderr=file,
            env=dict(os.environ),
        )
    return process, stderr


@contextmanager
def up(folder, **options):
    process, stderr = launch(folder, **options)
    line = process.stdout.readline()
    try:
        assert line, stderr.read_text()
        yield Up(process, json.loads(line), stderr)
    finally:
        end(process)


def end(process):
    """Stop it in order, and if it does not stop, at once."""
    if process.poll() is None:
        os.kill(process.pid, signal.SIGTERM)
    try:
        process.wait(90)
    except subprocess.TimeoutExpired:
        process.kill()
    process.stdout.close()


def refused(folder, **options):
    """Exit code and standard error of a server that does not start."""
    process, stderr = launch(folder, **options)
    try:
        code = process.wait(90)
    finally:
        process.kill()
        process.stdout.close()
    return code, stderr.read_text()


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
