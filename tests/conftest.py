"""What holds for the whole suite."""

import os

import pytest

MUST_RUN = ("browser", "data")
LONG = {"test_playing_pages.py", "test_rollouts_end_to_end.py", "test_pages_in_a_browser.py", "test_live_pages_in_a_browser.py"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Under ``VOLANT_CI`` a test that needs a browser or the real data must not be skipped: CI has both."""
    report = yield
    if os.environ.get("VOLANT_CI") and report.skipped and any(item.get_closest_marker(mark) for mark in MUST_RUN):
        report.outcome = "failed"
        report.longrepr = f"skipped, but VOLANT_CI is set: {report.longrepr}"
    return report


def pytest_collection_modifyitems(items):
    """Files with slow tests first, so that no worker is left alone with them at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow and item.path.name not in LONG)
