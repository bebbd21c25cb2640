"""``times`` and ``memory`` of a package, in the child, for gates."""

import resource
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from volant.kernel.scratch import scratch
from volant.wiring.project import Project
from volant.wiring.verbs.opened import opened
from volant.wiring.worker import Report

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from volant.wiring.child import Child

Json = dict[str, Any]


def times(root: Path, environment: dict[str, str], request: Json, _report: Report) -> Json:
    """Nanoseconds of one-row predictions of the rows of a scratch file, once each."""
    import polars as pl

    from volant.loop.measuring import one_row_round
    from volant.models.runner import load_runner

    project = opened(root, environment)
    runner = load_runner(project.objects, request["package"], project.scratch_folder)
    rows = pl.read_ipc(request["rows"])
    return {"took": one_row_round(runner, rows.to_dict(as_series=False), rows.height)().tolist()}


def memory(root: Path, environment: dict[str, str], request: Json, _report: Report) -> Json:
    """Resident bytes of this process once it has loaded the package and answered the rows of a scratch file one by one."""
    times(root, environment, request, _report)
    return {"bytes": resident_bytes()}


def resident_bytes() -> int:
    """Of this process now; where the system does not say, the most it ever had."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
    return pages * resource.getpagesize()


def ask_times(child: "Child", project: Project, package: str, rows: "pl.DataFrame") -> "np.ndarray":
    """The client side of ``times``: shape (n,), int64."""
    import numpy as np

    return np.array(_ask(child, "times", project, package, rows)["took"], dtype=np.int64)


def ask_memory(child: "Child", project: Project, package: str, rows: "pl.DataFrame") -> int:
    """The client side of ``memory``."""
    return int(_ask(child, "memory", project, package, rows)["bytes"])


def _ask(child: "Child", verb: str, project: Project, package: str, rows: "pl.DataFrame") -> Json:
    with scratch(project.scratch_folder / f"{verb}-{secrets.token_hex(8)}") as own:
        given = own / "rows.arrow"
        rows.write_ipc(given)
        return child.call(verb, {"package": package, "rows": str(given)})
