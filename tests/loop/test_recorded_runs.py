"""Runs that are going on, that ended, and whose process is gone."""

import subprocess
import sys

import pytest

from volant.kernel.errors import UserCodeError
from volant.loop.recording import PROCESS_TAG, close_orphans, is_gone, open_run, process_name
from volant.testing.clock import CountingIds, FakeClock
from volant.tracking.model import RunStatus
from volant.wiring.stores import memory_stores


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def runs(clock):
    return memory_stores(clock, CountingIds()).runs


@pytest.fixture
def begin(runs, clock):
    ids = CountingIds()
    return lambda: open_run(runs, clock, ids, project="bikes", source="volant run")


def test_a_run_names_its_process_and_every_change_is_a_revision(runs, begin):
    run = begin()
    run.change(dataset="bikes", dataset_version=1)
    run.finished()
    stored = runs.get(run.row.id)
    assert stored.run.status is RunStatus.FINISHED
    assert stored.run.revision == 3
    assert stored.tags[PROCESS_TAG] == process_name()


def test_a_failure_is_kept_as_a_person_would_read_it(runs, begin):
    run = begin()
    run.failed(UserCodeError("Step 'model' raised.", details=("pipeline.py, line 3",)))
    assert runs.get(run.row.id).run.status is RunStatus.FAILED
    assert "pipeline.py, line 3" in runs.get(run.row.id).run.error


def test_an_interrupted_run_is_killed_not_failed(runs, begin):
    run = begin()
    run.failed(KeyboardInterrupt())
    assert runs.get(run.row.id).run.status is RunStatus.KILLED


def test_a_run_whose_process_is_gone_is_closed_and_one_that_lives_is_not(runs, clock, begin):
    living, dead = begin(), begin()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = process_name(child.pid)
    assert not is_gone(name)
    child.communicate(b"\n")
    runs.set_tags(dead.row.id, {PROCESS_TAG: name})
    assert close_orphans(runs, clock) == (dead.row.id,)
    assert runs.get(dead.row.id).run.status is RunStatus.KILLED
    assert runs.get(living.row.id).run.status is RunStatus.RUNNING
    assert close_orphans(runs, clock) == ()


def test_processes_of_other_machines_are_not_judged():
    assert not is_gone("another-host:1:77")
