"""Suites and the plan of the next decision on the model's page."""

import msgspec
import pytest
from web_seed import CONFIG, Seeding
from web_site import Page, new_project, site_of

from volant.config.model import SuiteCheck, SuiteConfig
from volant.gates.model import Verdict
from volant.kernel.clock import DAY_US
from volant.kernel.codec import canonical
from volant.loop.suite_ledger import SuiteLedger
from volant.loop.suite_model import SuiteEnd, SuiteLine, SuiteReport

HOSTILE = "<script>alert(1)</script> said so."
NIGHTLY = SuiteConfig(name="nightly", every_us=DAY_US, checks=(SuiteCheck.FLOORS, SuiteCheck.DRIFT))


def line(check, verdict, sentence):
    return SuiteLine(check=check, title=f"{check.value} hold", verdict=verdict, sentence=sentence, cause=check.value, rows=100)


def ran(project, start):
    lines = (line(SuiteCheck.FLOORS, Verdict.FAIL, HOSTILE), line(SuiteCheck.DRIFT, Verdict.NOT_ENOUGH, "No window is full."))
    now = project.clock.now()
    report = SuiteReport(
        suite="nightly", model="bikes", version=1, recorded_at=now, dataset="bikes", dataset_version=1, rows=100, lines=lines
    )
    digest = project.objects.put(canonical(report))
    end = SuiteEnd(suite="nightly", start=start, verdict=report.verdict, version=1, lines=2, failed=1, report=digest)
    SuiteLedger(project.events, "bikes").end(end, "volant")


@pytest.fixture(scope="module")
def tested(tmp_path_factory):
    """A history with three runs: one that died, one that failed, one that came to nothing."""
    project = new_project(tmp_path_factory.mktemp("suites"), config=msgspec.structs.replace(CONFIG, suites=(NIGHTLY,)))
    Seeding(project).everything()
    ledger, now = SuiteLedger(project.events, "bikes"), project.clock.now()
    ledger.begin("nightly", "ann")
    ran(project, ledger.claim(NIGHTLY, now))
    ledger.end(SuiteEnd(suite="nightly", start=ledger.begin("nightly", "ann"), error="The source is gone."), "ann")
    with site_of(project) as running:
        yield running


def test_the_models_page_shows_what_each_suite_found_and_when_it_runs_next(tested):
    answer = tested.get("/models/bikes")
    page = Page(answer.text).words
    assert "nightly every 1 d: floors, drift; next 2" in page
    assert "did not end" in page
    assert "The source is gone." in page
    assert HOSTILE in page
    assert "<script>alert" not in answer.text
    assert "100 labelled rows that it did not learn from" in page


def test_its_twin_has_the_runs_newest_first(tested):
    (suite,) = tested.get("/models/bikes.json").json["suites"]
    assert [run["verdict"] for run in suite["runs"]] == [None, "fail", None]
    assert [run["error"] for run in suite["runs"]] == ["The source is gone.", None, None]
    assert [one["verdict"] for one in suite["newest"]["report"]["lines"]] == ["fail", "not enough evidence"]


def test_the_plan_of_the_next_decision_stands_beside_them(tested):
    view = tested.get("/models/bikes.json").json
    assert view["plan"]["checks"]
    page = Page(tested.get("/models/bikes").text).words
    assert "What the next decision takes" in page
    assert view["plan"]["checks"][0]["title"] in page


def test_a_project_without_suites_and_without_reports_shows_neither(empty_site):
    page = Page(empty_site.get("/models/bikes").text).words
    assert "Test suites" not in page
    assert "What the next decision takes" not in page


def test_runs_are_in_the_chain_and_other_pages_stand(tested):
    for path in ("/audit", "/decisions", "/", "/alerts", "/models/bikes/versions/1"):
        assert tested.get(path).status == 200
    assert "suite/bikes" in Page(tested.get("/audit").text).words
