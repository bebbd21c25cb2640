"""What a run remembers of the machine and of git, and that git can never stop it."""

import json
import os
import subprocess
import sys
import time
from importlib import metadata

import pytest

from volant.tracking.capture import NO_GIT, capture_environment, git_state


def git(folder, *arguments):
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.c", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.c"}
    environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    return subprocess.run(["git", *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "pipeline.py").write_text("A = 1\n")
    (folder / ".gitignore").write_text(".volant/\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "start")
    return folder


def test_the_environment_is_canonical_and_names_what_is_installed():
    first = capture_environment()
    assert first == capture_environment()
    found = json.loads(first)
    assert found["distributions"]["numpy"] == metadata.version("numpy")
    assert found["python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")
    assert 1 <= found["cpus"] <= os.cpu_count()
    assert list(found["distributions"]) == sorted(found["distributions"])


def test_a_clean_repository_gives_its_commit_and_no_patch(repository):
    assert git_state(repository) == (git(repository, "rev-parse", "HEAD").strip(), False, None)


def test_the_patch_on_the_commit_gives_the_files_back(repository, tmp_path):
    (repository / "pipeline.py").write_text("A = 2\n")
    (repository / "lib").mkdir()
    (repository / "lib" / "new file é.py").write_bytes("B = 'ä'".encode())
    (repository / "script.sh").write_text("echo\n\nend\n")
    (repository / "script.sh").chmod(0o755)
    (repository / "data.csv").write_text("a\n1\n")
    (repository / ".volant").mkdir()
    (repository / ".volant" / "x.py").write_text("no\n")
    state = git_state(repository)
    assert state.dirty
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(repository), str(other))
    (tmp_path / "patch").write_bytes(state.patch)
    git(other, "apply", str(tmp_path / "patch"))
    assert (other / "pipeline.py").read_text() == "A = 2\n"
    assert (other / "lib" / "new file é.py").read_text() == "B = 'ä'"
    assert (other / "script.sh").read_text() == "echo\n\nend\n"
    assert os.access(other / "script.sh", os.X_OK)
    assert not (other / "data.csv").exists()
    assert b".volant" not in state.patch


def test_a_project_in_a_subfolder_sees_its_own_changes_only(repository):
    below = repository / "projects" / "bikes"
    below.mkdir(parents=True)
    (below / "pipeline.py").write_text("X = 1\n")
    (repository / "pipeline.py").write_text("A = 3\n")
    state = git_state(below)
    assert b"projects/bikes/pipeline.py" in state.patch
    assert b"A = 3" not in state.patch


def test_a_repository_without_a_commit_still_gives_its_source(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "pipeline.py").write_text("A = 1\n")
    state = git_state(tmp_path)
    assert (state.commit, state.dirty) == (None, True)
    assert b"+A = 1" in state.patch


def test_a_patch_over_five_megabytes_is_left_out(repository):
    (repository / "pipeline.py").write_text("".join(f"x{number} = {number * 7919}\n" for number in range(300_000)))
    state = git_state(repository)
    assert state.dirty
    assert state.patch is None


def test_outside_a_repository_and_without_git_there_is_nothing(tmp_path, repository, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    plain = tmp_path / "plain"
    plain.mkdir()
    assert git_state(plain) == NO_GIT
    assert git_state(tmp_path / "nowhere") == NO_GIT
    monkeypatch.setenv("PATH", str(plain))
    assert git_state(repository) == NO_GIT


def test_a_git_that_hangs_is_given_up(tmp_path, repository, monkeypatch):
    slow = tmp_path / "bin"
    slow.mkdir()
    (slow / "git").write_text("#!/bin/sh\nexec sleep 30\n")
    (slow / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow}{os.pathsep}{os.environ['PATH']}")
    began = time.monotonic()
    assert git_state(repository, seconds=0.2) == NO_GIT
    assert time.monotonic() - began < 5


def test_a_damaged_repository_stops_nothing(repository):
    (repository / ".git" / "HEAD").write_text("garbage")
    assert git_state(repository) == NO_GIT
    (repository / ".git" / "HEAD").write_text("ref: refs/heads/none\n")
    (repository / ".git" / "index").write_bytes(b"\0" * 40)
    assert git_state(repository).patch is None
