"""Alerts of processes that are killed, and of several that see the same at once."""

import collections
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from volant.kernel.audit import verify
from volant.kernel.clock import SystemClock
from volant.kernel.ids import TimeOrderedIds
from volant.monitoring.alert_model import Severity
from volant.monitoring.alerts import Alerts
from volant.wiring.stores import sqlite_stores

TARGETS = ("log", "slack:env:URL")
SEE = {"severity": Severity.WARNING, "sentence": "Worse.", "facts": {}, "model": "bikes"}
DIES = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
from test_alerts_of_many import SEE, opened_alerts
alerts, _ = opened_alerts(Path(sys.argv[1]))
alerts.raise_("performance", **SEE)
print("raised", flush=True)
alerts.resolve("performance", model="bikes")
print("resolved", flush=True)
"""


def opened_alerts(folder):
    clock = SystemClock()
    ids = TimeOrderedIds(clock)
    stores = sqlite_stores(folder, clock, ids)
    return Alerts(stores.alerts, clock, ids, tx=stores.tx, events=stores.events, targets=TARGETS), stores


def killed_at(point, folder):
    words = [sys.executable, "-c", DIES.format(here=str(Path(__file__).parent)), str(folder)]
    done = subprocess.run(words, env={**os.environ, "VOLANT_CRASH_AT": point}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("point", "said", "changes"),
    [
        ("events.appended", [], 0),
        ("events.committed", [], 1),
        ("events.appended:2", ["raised"], 1),
        ("events.committed:2", ["raised"], 2),
    ],
)
def test_a_kill_leaves_event_row_and_deliveries_together_or_none_of_them(folder, point, said, changes):
    assert killed_at(point, folder) == said
    alerts, stores = opened_alerts(folder)
    kinds = [event.kind for event in stores.events.read("alert/bikes")]
    assert kinds == ["raised", "resolved"][:changes]
    assert len(alerts.open()) == (changes == 1)
    found = alerts.all("bikes")
    assert len(found) == min(changes, 1)
    assert sum(len(alerts.deliveries(alert.id)) for alert in found) == changes * len(TARGETS)
    assert verify(stores.events, []).intact
    assert alerts.raise_("performance", **SEE).number == {0: 1, 1: 1, 2: 2}[changes]
    stores.tx.close()


def test_several_that_see_the_same_raise_it_once_and_count_every_sight(folder):
    failures = []

    def look(times):
        alerts, stores = opened_alerts(folder)
        try:
            for _ in range(times):
                alerts.raise_("performance", **SEE)
        except Exception as error:  # noqa: BLE001 - shown below
            failures.append(error)
        finally:
            stores.tx.close()

    threads = [threading.Thread(target=look, args=(20,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    alerts, stores = opened_alerts(folder)
    (alert,) = alerts.all("bikes")
    assert (alert.count, alert.number) == (80, 1)
    assert len(stores.events.read("alert/bikes")) == 1
    assert collections.Counter(one.target for one in alerts.deliveries(alert.id)) == dict.fromkeys(TARGETS, 1)
    stores.tx.close()


def test_several_that_claim_the_same_tries_make_each_once(folder):
    alerts, stores = opened_alerts(folder)
    for number in range(30):
        alerts.raise_(f"cause {number}", **SEE)
    now = SystemClock().now() + 1
    claimed = []

    def claim():
        own = sqlite_stores(folder, SystemClock(), TimeOrderedIds(SystemClock()))
        claimed.extend(one.id for one in own.alerts.due(now, 100) if own.alerts.claim(one, now + 60_000_000))
        own.tx.close()

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(claimed) == len(set(claimed)) == 60
    assert stores.alerts.due(now) == ()
    stores.tx.close()
