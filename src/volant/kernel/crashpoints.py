"""Named places where a test may kill the process, to show that what was acknowledged survives.

``reach`` costs one comparison when no crash is asked for. The name of the point to die at comes from the
environment variable ``VOLANT_CRASH_AT`` (``name`` or ``name:2`` for the second time it is reached).
"""

import itertools
import os
import signal

_target, _, _count = os.environ.get("VOLANT_CRASH_AT", "").partition(":")
_passes = itertools.count(1)
_last_pass = int(_count or 1)

POINTS = (
    "objects.written",  # bytes are in tmp, not yet under their digest
    "objects.renamed",  # object in place, no row names it
    "events.appended",  # inside the transaction, before commit
    "events.committed",  # after commit, before effects
    "run.data_frozen",  # dataset version committed, no step has run
    "run.step_done",  # a step's result is committed
    "run.packaged",  # package objects in place, no model version row
    "run.gated",  # verdict committed, version not registered
    "run.registered",  # version registered, run not marked finished
    "approve.committed",  # champion changed, caller not yet told
    "rollback.committed",  # former champion serves again, caller not yet told
    "rollout.committed",  # a rollout's decision is committed, nothing was done about it
    "log.written",  # frame in the log file, reply not sent
    "log.before_write",  # prediction made, frame not written
    "labels.committed",  # labels committed, caller not yet told
    "seal.object_written",  # Parquet object in place, no segment row
    "loop.decided",  # a decision is kept, nothing has come of it
    "loop.turned",  # a decided cycle has finished, its end is not kept
    "windows.committed",  # window summaries committed, caller not yet told
    "alert.delivered",  # a target has taken a notice, the outbox does not say so
    "seal.committed",  # segment row committed, raw file still there
)


def reach(name: str) -> None:
    """Die here by SIGKILL if the environment asks for it."""
    if name == _target and next(_passes) >= _last_pass:
        os.kill(os.getpid(), signal.SIGKILL)
