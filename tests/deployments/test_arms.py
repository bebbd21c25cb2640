import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from volant.deployments.arms import is_canary, place

keys = st.text(max_size=40)


@given(key=keys)
def test_a_key_has_one_place_below_one(key):
    assert 0 <= place(key, "r1") < 1
    assert place(key, "r1") == place(key, "r1")


@given(key=keys, low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_key_of_the_canary_stays_there_when_its_share_grows(key, low, high):
    small, large = sorted((low, high))
    assert not is_canary(key, "r1", small) or is_canary(key, "r1", large)


def test_the_share_of_many_keys_is_the_share_and_rollouts_are_independent():
    names = [f'["s{n}"]' for n in range(20_000)]
    first = {name for name in names if is_canary(name, "r1", 0.1)}
    second = {name for name in names if is_canary(name, "r2", 0.1)}
    assert abs(len(first) / 20_000 - 0.1) < 0.01
    assert abs(len(first & second) / 20_000 - 0.01) < 0.004


def test_another_process_finds_the_same_place():
    code = "from volant.deployments.arms import place; print(place('key é', 'r1'))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert float(printed) == place("key é", "r1")
