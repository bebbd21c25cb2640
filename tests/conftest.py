"""What holds for the whole suite."""

import os

import pytest

MUST_RUN = ("browser", "data")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Under ``VOLANT_CI`` a test that needs a browser or the real data must not be skipped: CI has both."""
    report = yield
    if os.environ.get("VOLANT_CI") and report.skipped and any(item.get_closest_marker(mark) for mark in MUST_RUN):
        report.outcome = "failed"
        report.longrepr = f"skipped, but VOLANT_CI is set: {report.longrepr}"
    return report
