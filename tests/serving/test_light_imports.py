"""The control process starts workers, takes labels and counts predictions without numpy or polars."""

import subprocess
import sys

LIGHT = (
    "volant.serving.process",
    "volant.serving.spec",
    "volant.serving.sockets",
    "volant.serving.replies",
    "volant.evidence.labels",
    "volant.evidence.label_files",
    "volant.evidence.keys",
    "volant.evidence.predictions",
    "volant.evidence.sealing",
    "volant.evidence.batch",
    "volant.evidence.log",
)


def test_what_the_control_process_imports_is_light():
    heavy = ("numpy", "polars", "scipy", "sklearn", "uvicorn")
    script = f"import sys, {', '.join(LIGHT)}; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"


def test_predictions_are_counted_without_polars(tmp_path):
    script = f"""
import sys
from pathlib import Path
from volant.evidence.open_rows import OpenRows
assert OpenRows(Path({str(tmp_path)!r})).count() == 0
assert "polars" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
