"""What holds for the whole suite."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is: nothing is held to it.
settings.register_profile("volant", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("volant")

MUST_RUN = ("browser", "data")
WHOLE_PROCESSES = ("docs", "journeys", "server", "serving", "wiring")
TESTS = Path(__file__).parent
LONG = {"test_playing_pages.py", "test_rollouts_end_to_end.py", "test_pages_in_a_browser.py", "test_live_pages_in_a_browser.py"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Under ``VOLANT_CI`` a test that needs a browser or the real data must not be skipped: CI has both."""
    report = yield
    if os.environ.get("VOLANT_CI") and report.skipped and any(item.get_closest_marker(mark) for mark in MUST_RUN):
        report.outcome = "failed"
        report.longrepr = f"skipped, but VOLANT_CI is set: {report.longrepr}"
    return report


def pytest_collection_modifyitems(config, items):
    """Files with slow tests first, so that no worker is left alone with them at the end.

    What starts whole processes is run once more when it fails, and the summary says so (RERUN): see docs/decisions/0012-reruns.md.
    """
    twice = config.pluginmanager.hasplugin("rerunfailures")
    for item in items:
        if twice and item.path.relative_to(TESTS).parts[0] in WHOLE_PROCESSES:
            item.add_marker(pytest.mark.flaky(reruns=1))
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow and item.path.name not in LONG)


def pytest_terminal_summary(terminalreporter):
    """Say why each test that was run once more failed first: it is a defect even if it passed then."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"failed first: {report.nodeid}", "-")
        terminalreporter.line(str(report.longrepr))
