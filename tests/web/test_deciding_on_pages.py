import pytest
from web_seed import EVIL
from web_site import Page

from volant.access.model import Role
from volant.registry.model import VersionState

SHEET = "/models/bikes/versions/5"
REASON = {"reason": "Better at every station."}


def standing(site, number=5):
    return site.project.registry.state("bikes").versions[number]


def test_approving_with_a_reason_makes_the_champion_and_shows_who_and_why(fresh_site):
    answer = fresh_site.post(f"{SHEET}/approve", REASON, role=Role.APPROVER)
    assert (answer.status, answer.headers["location"]) == (303, f"{SHEET}#history")
    assert standing(fresh_site) is VersionState.CHAMPION
    page = Page(fresh_site.get(SHEET, role=Role.VIEWER).text).words
    assert "approved by approver" in page
    assert "Better at every station." in page
    assert "It serves already." in page


def test_rejecting_with_a_reason_is_recorded(fresh_site):
    assert fresh_site.post(f"{SHEET}/reject", {"reason": f"No {EVIL}"}, role=Role.APPROVER).status == 303
    assert standing(fresh_site) is VersionState.REJECTED
    answer = fresh_site.get(SHEET, role=Role.VIEWER)
    assert f"No {EVIL}" in Page(answer.text).words
    assert EVIL not in answer.text


@pytest.mark.parametrize("verb", ["approve", "reject"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_form_on_another_site_decides_nothing(fresh_site, verb, origin):
    answer = fresh_site.post(f"{SHEET}/{verb}", REASON, role=Role.APPROVER, origin=origin)
    assert answer.status == 403
    assert standing(fresh_site) is VersionState.PROPOSED


def test_a_browser_that_calls_the_request_cross_site_decides_nothing(fresh_site):
    answer = fresh_site.post(f"{SHEET}/approve", REASON, role=Role.APPROVER, origin=None, **{"sec-fetch-site": "cross-site"})
    assert answer.status == 403
    assert standing(fresh_site) is VersionState.PROPOSED


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANNOTATOR, Role.CONTRIBUTOR, Role.SERVICE])
def test_who_may_not_approve_gets_no_form_and_no_decision(fresh_site, role):
    assert fresh_site.post(f"{SHEET}/approve", REASON, role=role).status == 403
    assert fresh_site.post(f"{SHEET}/reject", REASON, role=role).status == 403
    assert standing(fresh_site) is VersionState.PROPOSED
    if role is not Role.SERVICE:
        page = Page(fresh_site.get(SHEET, role=role).text)
        assert "Your role may not decide" in page.words
        assert not [form for form in page.forms if "/versions/" in form["action"]]


def test_nobody_known_decides_nothing(fresh_site):
    assert fresh_site.post(f"{SHEET}/approve", REASON).status == 401
    assert standing(fresh_site) is VersionState.PROPOSED


@pytest.mark.parametrize("reason", ["", "   ", "x" * 2001])
def test_without_a_usable_reason_the_sheet_comes_back_with_what_was_typed(fresh_site, reason):
    answer = fresh_site.post(f"{SHEET}/reject", {"reason": reason}, role=Role.APPROVER)
    assert answer.status == 422
    page = Page(answer.text).words
    assert "A decision needs a reason." in page
    assert not reason.strip() or reason in answer.text
    assert standing(fresh_site) is VersionState.PROPOSED


def test_a_version_that_did_not_pass_needs_the_override_to_be_ticked(fresh_site):
    sheet = "/models/bikes/versions/4"
    plain = fresh_site.post(f"{sheet}/approve", REASON, role=Role.APPROVER)
    assert plain.status == 409
    assert "did not pass its gate" in Page(plain.text).words
    assert standing(fresh_site, 4) is VersionState.REGISTERED
    assert fresh_site.post(f"{sheet}/approve", {**REASON, "override": "yes"}, role=Role.APPROVER).status == 303
    assert standing(fresh_site, 4) is VersionState.CHAMPION
    assert "override: against the gate" in Page(fresh_site.get(sheet, role=Role.VIEWER).text).words


def test_going_back_to_a_retired_version_is_possible(fresh_site):
    sheet = "/models/bikes/versions/1"
    assert "Go back to this version" in Page(fresh_site.get(sheet, role=Role.APPROVER).text).words
    fields = {"reason": "The new one is slower.", "override": "yes"}
    assert fresh_site.post(f"{sheet}/approve", fields, role=Role.APPROVER).status == 303
    assert fresh_site.project.registry.state("bikes").champion == 1


def test_deciding_twice_is_said_and_changes_nothing(fresh_site):
    assert fresh_site.post(f"{SHEET}/approve", REASON, role=Role.APPROVER).status == 303
    epoch = fresh_site.project.registry.state("bikes").epoch
    again = fresh_site.post(f"{SHEET}/approve", REASON, role=Role.APPROVER)
    assert again.status == 409
    assert "is the champion already" in Page(again.text).words
    assert fresh_site.project.registry.state("bikes").epoch == epoch


@pytest.mark.parametrize(
    "path", ["/models/boats/versions/1/approve", "/models/bikes/versions/99/approve", "/models/bikes/versions/x/reject"]
)
def test_deciding_on_what_is_not_there_is_not_found(fresh_site, path):
    assert fresh_site.post(path, REASON, role=Role.APPROVER).status == 404


def test_a_body_that_is_no_form_is_refused(fresh_site):
    answer = fresh_site.post(f"{SHEET}/approve", REASON, role=Role.APPROVER, **{"content-type": "text/plain"})
    assert answer.status == 422
    assert standing(fresh_site) is VersionState.PROPOSED
