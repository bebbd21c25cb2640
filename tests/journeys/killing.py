"""Killing processes of a disturbed project at moments drawn by chance."""

import contextlib
import os
import signal
import time


class Killer:
    """Kills by chance; the same seed draws the same kinds and pauses. ``kinds`` counts what was killed."""

    KINDS = ("control", "worker", "arm", "jobs", "jobs", "control")

    def __init__(self, world, random, *, mean_seconds=1.5, patience=12.0):
        self.world = world
        self.random = random
        self.mean_seconds = mean_seconds
        self.patience = patience
        self.kinds = {}

    def kill_one(self, kind=None):
        """One process, at a moment drawn, of the kind drawn or given; of another kind if there is none of it for long. Which it was."""
        kind = kind or self.random.choice(self.KINDS)
        pause, place, later = self.random.expovariate(1 / self.mean_seconds), self.random.random(), self.random.uniform(0, 0.7)
        time.sleep(min(pause, 4 * self.mean_seconds))
        deadline = time.monotonic() + self.patience
        while not (found := self._of_kind(kind)):
            if time.monotonic() > deadline:
                return self.kill_one("worker" if kind != "worker" else "control")
            time.sleep(0.02)
        if kind in {"jobs", "arm"}:  # it was just begun, most likely: anywhere in its work
            time.sleep(later)
        server, pids = found[int(place * len(found))]
        pid = pids[int(place * 7919) % len(pids)]
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        if kind == "control":
            server.end()
            self.world.start()
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        return kind

    def _of_kind(self, kind):
        live = self.world.live()
        assert live, self.world.said()
        return [(server, pids) for server in live if (pids := server.pids(kind))]
