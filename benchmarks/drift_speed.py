"""What drift costs: 30 columns of a reference and of a window, ``python benchmarks/drift_speed.py``. One core.

*reference* makes bins, counts and design effects; *window* fills them; *judge* tests all columns, with intervals, pictures and the
numbers of other tools; *reopen* reads a stored reference. The target for the first three together is 0.35 s.
"""

import os

os.environ |= {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

from time import process_time

import numpy as np
import polars as pl
from drift_false_alarms import columns_of

from volant.kernel.codec import canonical, decode
from volant.monitoring.drift import judged_windows
from volant.monitoring.drift_model import DriftReference, WindowShape
from volant.monitoring.drift_reference import reference_of
from volant.monitoring.shaping import column_shapes


def timed(work):
    best, found = float("inf"), None
    for _ in range(5):
        began = process_time()
        found = work()
        best = min(best, process_time() - began)
    return best, found


def compared(before, after):
    made, known = timed(lambda: reference_of({name: before[name] for name in before.columns}, model="bench", version=1))
    rows = after.with_columns(pl.lit(0).alias("_window"))
    filled, shapes = timed(lambda: column_shapes(rows, known))
    columns = {name: found[0] for name, found in shapes.items()}
    shape = WindowShape(model="bench", epoch=1, arm="champion", number=0, version=1, from_us=0, to_us=1, rows=after.height, columns=columns)
    told, _ = timed(lambda: judged_windows([shape], known))
    stored = canonical(known)
    opened, _ = timed(lambda: decode(stored, DriftReference))
    total = made + filled + told
    print(
        f"{before.height:>9,} + {after.height:>9,}   reference {made:.3f}  window {filled:.3f}  judge {told:.3f}  together {total:.3f} s"
        f"   reopen {opened * 1000:.1f} ms, {len(stored) / 1000:.0f} kB"
    )


def main():
    random = np.random.default_rng(0)
    before = columns_of(200_000, random)
    compared(before, columns_of(200_000, random))
    compared(before, columns_of(1_000_000, random))


if __name__ == "__main__":
    main()
