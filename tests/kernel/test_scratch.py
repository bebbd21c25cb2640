"""Folders of living processes are kept, those of dead ones are swept."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from volant.kernel.scratch import claim, scratch, sweep

CLAIMING = """
import sys
from pathlib import Path
from volant.kernel.scratch import claim
kept = claim(Path(sys.argv[1]))
(kept.folder / "pipeline.py").write_text("X = 1")
print("claimed", flush=True)
sys.stdin.read()
"""


def test_a_claimed_folder_is_kept_until_its_last_claim_is_given_up(tmp_path):
    first, second = claim(tmp_path / "a"), claim(tmp_path / "a")
    (tmp_path / "a" / "file").write_text("x")
    assert sweep(tmp_path) == ()
    first.close()
    assert sweep(tmp_path) == ()
    second.close()
    assert sweep(tmp_path) == ("a",)
    assert list(tmp_path.iterdir()) == []


def test_a_claim_that_is_forgotten_holds_nothing(tmp_path):
    claim(tmp_path / "a")
    assert sweep(tmp_path) == ("a",)


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_uses_is_not(tmp_path):
    words = [sys.executable, "-c", CLAIMING, str(tmp_path / "unpacked")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"claimed\n"
        assert sweep(tmp_path) == ()
        assert (tmp_path / "unpacked" / "pipeline.py").read_text() == "X = 1"
        os.kill(process.pid, signal.SIGKILL)
    assert sweep(tmp_path) == ("unpacked",)


def test_a_folder_can_be_claimed_again_after_a_sweep(tmp_path):
    claim(tmp_path / "a").close()
    sweep(tmp_path)
    with claim(tmp_path / "a") as again:
        assert again.folder.is_dir()
        assert sweep(tmp_path) == ()


def test_a_folder_for_a_block_is_gone_behind_it_whatever_happens_in_it(tmp_path):
    def work():
        with scratch(tmp_path / "own") as own:
            (own / "rows").write_text("x")
            raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        work()
    assert list(tmp_path.iterdir()) == []


def test_a_socket_that_nobody_answers_is_swept(tmp_path):
    answered, deserted = tmp_path / "arm-1.sock", tmp_path / "arm-2.sock"
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as gone:
        listening.bind(str(answered))
        listening.listen()
        gone.bind(str(deserted))
        gone.listen()
        gone.close()
        assert sweep(tmp_path) == ("arm-2.sock",)
        assert answered.exists()


def test_files_that_are_no_folder_and_a_root_that_is_not_there_are_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert sweep(tmp_path) == ()
    assert sweep(tmp_path / "nowhere") == ()
    assert (tmp_path / "notes.txt").exists()
