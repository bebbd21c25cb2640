"""One time for many processes, steered through a file."""

import subprocess
import sys

import pytest

from volant.kernel.clock import HOUR_US, SystemClock
from volant.kernel.errors import UsageError
from volant.kernel.steered_clock import VARIABLE, SteeredClock, Steering, clock_of

NOON = 1_700_000_000_000_000


def test_it_stands_still_until_it_is_set(tmp_path):
    steering = Steering(tmp_path / "clock", NOON)
    clock = clock_of(steering.environment)
    assert [clock.now(), clock.now()] == [NOON, NOON]
    steering.set(NOON + HOUR_US)
    assert clock.now() == NOON + HOUR_US


def test_a_fast_one_runs_from_where_it_was_set(tmp_path):
    steering = Steering(tmp_path / "clock", NOON, rate=3600)
    clock = SteeredClock(steering.path)
    first = clock.now()
    machine = SystemClock()
    began = machine.now()
    while machine.now() - began < 20_000:
        pass
    assert clock.now() - first >= 3600 * 20_000
    steering.set(first + HOUR_US * 10_000)
    assert clock.now() == first + HOUR_US * 10_000


def test_a_process_never_sees_it_run_backwards_and_a_new_one_sees_the_jump(tmp_path):
    steering = Steering(tmp_path / "clock", NOON)
    clock = SteeredClock(steering.path)
    assert clock.now() == NOON
    steering.set(NOON - HOUR_US)
    assert clock.now() == NOON
    program = "import os; from volant.kernel.steered_clock import clock_of; print(clock_of(os.environ).now())"
    said = subprocess.run([sys.executable, "-c", program], env=steering.environment, capture_output=True, text=True, check=True)
    assert int(said.stdout) == NOON - HOUR_US


def test_a_new_hand_goes_on_steering_the_same_file(tmp_path):
    steering = Steering(tmp_path / "clock", NOON)
    clock = SteeredClock(steering.path)
    Steering(tmp_path / "clock", NOON + 5)
    assert clock.now() == NOON + 5


@pytest.mark.parametrize("content", [None, b"", b"noon"])
def test_a_file_that_is_no_clock_is_refused_by_its_name(tmp_path, content):
    path = tmp_path / "clock"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=VARIABLE) as error:
        clock_of({VARIABLE: str(path)})
    assert str(path) in str(error.value.found)


def test_without_one_the_machines_clock_is_used():
    assert isinstance(clock_of({}), SystemClock)
