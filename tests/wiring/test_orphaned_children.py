"""Nobody's work goes on: a child ends when the command that asked was stopped or killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CONFIG = (
    "version: 1\nproject: bikes\ntask: regression\ntarget: y\nmetric: mae\ndata:\n  source: rows.csv\ntrain:\n  holdout: {last: 50 rows}\n"
)
SLEEPS = """
import os
import time
from pathlib import Path


def model(rows, target):
    Path("pid").write_text(str(os.getpid()))
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        try:
            time.sleep(1)
        except KeyboardInterrupt:
            {heard}
"""


@pytest.fixture
def running(tmp_path):
    """A function that starts ``volant run`` with a step that goes on for minutes; gives both processes once it does."""
    started = []

    def run(heard):
        (tmp_path / "volant.yaml").write_text(CONFIG)
        (tmp_path / "pipeline.py").write_text(SLEEPS.format(heard=heard))
        (tmp_path / "rows.csv").write_text("x,y\n" + "".join(f"{n},{n % 7}\n" for n in range(200)))
        command = [str(Path(sys.executable).with_name("volant")), "run"]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        started.append(process)
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), process)
        return process, int((tmp_path / "pid").read_text())

    yield run
    for process in started:
        process.kill()
        process.communicate()


def until(condition, process=None):
    deadline = time.monotonic() + 120
    while not condition():
        assert process is None or process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
@pytest.mark.parametrize(("number", "heard"), [(signal.SIGTERM, "raise"), (signal.SIGKILL, "pass")])
def test_work_ends_with_the_command_that_asked_for_it_whatever_it_hears(running, number, heard):
    process, child = running(heard)
    assert child != process.pid
    assert alive(child)
    os.kill(process.pid, number)
    try:
        until(lambda: not alive(child))
    finally:
        if alive(child):
            os.kill(child, signal.SIGKILL)
