import shutil

import pytest
from bikes_project import opened, run_twice, write_bikes
from rollout_parts import write_rollouts
from server_parts import LoopThread


@pytest.fixture(scope="module")
def loop():
    thread = LoopThread()
    yield thread
    thread.close()


@pytest.fixture
def fresh(tmp_path):
    """A project in which nothing has been run."""
    return opened(write_bikes(tmp_path / "bikes"))


@pytest.fixture(scope="session")
def run_bikes(tmp_path_factory):
    """The folder of a project with two versions. Not to be changed: copy it."""
    return run_twice(write_bikes(tmp_path_factory.mktemp("run") / "bikes"))


@pytest.fixture
def project(run_bikes, tmp_path):
    """A project whose versions 1 and 2 wait for a person."""
    return opened(shutil.copytree(run_bikes, tmp_path / "bikes"))


@pytest.fixture(scope="session")
def versions(tmp_path_factory):
    """A project with four versions that behave differently. Not to be changed: copy it."""
    return write_rollouts(tmp_path_factory.mktemp("versions") / "bikes")


@pytest.fixture
def rolling(versions, tmp_path):
    """A copy of the project with four versions."""
    return opened(shutil.copytree(versions, tmp_path / "bikes"))
