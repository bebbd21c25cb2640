"""What a process holds in memory, as the gate on a model's memory takes it."""

import subprocess
import sys

COUNT = """
from volant.wiring.verbs.measuring import resident_bytes
before = resident_bytes()
held = bytearray(64_000_000)
held[::4096] = b"x" * len(held[::4096])
print(before, resident_bytes())
"""


def test_what_is_held_is_counted():
    found = subprocess.run([sys.executable, "-c", COUNT], check=True, capture_output=True, text=True).stdout
    before, after = map(int, found.split())
    assert before > 5_000_000
    assert 55_000_000 < after - before < 80_000_000
