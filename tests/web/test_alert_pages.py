import pytest
from web_seed import EVIL
from web_site import Page

from volant.access.model import Role
from volant.monitoring.alert_model import Effect, Picture, Severity, Sight
from volant.monitoring.drift_model import Bar


def open_alert(site, cause="performance"):
    return next(alert for alert in site.project.alerts.open("bikes") if alert.cause == cause)


def posted(site, alert, note="Roadworks at the harbour.", **how):
    return site.post(f"/alerts/{alert.id}/acknowledge", {"note": note}, **{"role": Role.CONTRIBUTOR, **how})


def test_open_alerts_come_worst_first_and_those_that_are_over_below(site):
    page = Page(site.get("/alerts").text).words
    places = [page.index(text) for text in ("The error is 71.5", "Labels are 2 days late", "Data broke their contract")]
    assert places == sorted(places)
    assert "2 open" in page
    assert "ada looks after it" in page
    assert "seen 2 times" in page
    assert "The source holds to it again" in page


def test_what_was_told_and_what_was_not_taken_is_said(site):
    page = Page(site.get("/alerts").text).words
    assert "log has not taken it yet" in page
    assert "log took 0 of 2" in page
    assert "it answered 500" in page
    assert "the next in 1" in page


def test_the_overview_names_the_worst_alert_that_nobody_looks_after(site, empty_site):
    page = Page(site.get("/").text).words
    assert "Needs attention 2 open alerts" in page
    assert "The error is 71.5, above 30.1." in page
    assert "Labels are 2 days late" not in page
    assert "Needs attention" not in Page(empty_site.get("/").text).words


def test_without_alerts_the_page_says_who_would_be_told(empty_site):
    page = Page(empty_site.get("/alerts").text).words
    assert "Nothing needs attention." in page
    assert "log" in page
    assert "volant alerts test" in page


def test_acknowledging_shows_who_looks_after_it(fresh_site):
    alert = open_alert(fresh_site)
    answer = posted(fresh_site, alert, f"Roadworks {EVIL}")
    assert (answer.status, answer.headers["location"]) == (303, "/alerts")
    shown = fresh_site.get("/alerts", role=Role.VIEWER)
    page = Page(shown.text).words
    assert "contributor looks after it since" in page
    assert f"Roadworks {EVIL}" in page
    assert EVIL not in shown.text
    assert "Somebody looks after each of them." in Page(fresh_site.get("/", role=Role.VIEWER).text).words


def test_what_somebody_looks_after_already_is_refused_with_what_was_typed(fresh_site):
    alert = open_alert(fresh_site, "labels late")
    answer = posted(fresh_site, alert)
    assert answer.status == 409
    assert "by ada" in Page(answer.text).words
    long = posted(fresh_site, open_alert(fresh_site), "x" * 2001)
    assert long.status == 422
    assert "x" * 2001 in long.text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANNOTATOR, Role.SERVICE])
def test_who_may_not_acknowledge_gets_the_command_and_no_form(fresh_site, role):
    assert posted(fresh_site, open_alert(fresh_site), role=role).status == 403
    assert open_alert(fresh_site).acknowledged_at is None
    if role is not Role.SERVICE:
        page = Page(fresh_site.get("/alerts", role=role).text)
        assert "volant alerts ack" in page.words
        assert not [form for form in page.forms if "acknowledge" in form["action"]]


def test_a_form_on_another_site_acknowledges_nothing(fresh_site):
    assert posted(fresh_site, open_alert(fresh_site), origin="http://evil.example").status == 403
    assert open_alert(fresh_site).acknowledged_at is None


def test_an_alert_that_does_not_exist_is_not_found(fresh_site):
    assert fresh_site.post("/alerts/nobody/acknowledge", {"note": ""}, role=Role.CONTRIBUTOR).status == 404


def test_many_alerts_that_are_over_come_page_by_page(fresh_site):
    alerts = fresh_site.project.alerts
    for number in range(60):
        alerts.raise_(f"cause {number}", severity=Severity.INFO, sentence=f"Sentence {number}.", facts={}, model="bikes")
        alerts.resolve(f"cause {number}", model="bikes")
    for number in range(3):
        alerts.raise_(f"open {number}", severity=Severity.INFO, sentence="Newer, and open.", facts={}, model="bikes")
    first = fresh_site.get("/alerts.json", role=Role.VIEWER, accept="application/json").json
    second = fresh_site.get("/alerts.json?page=2", role=Role.VIEWER, accept="application/json").json
    assert [len(view["over"]) for view in (first, second)] == [50, 11]
    assert (first["more"], second["more"]) == (True, False)
    numbers = [alert["number"] for view in (first, second) for alert in view["over"]]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 61


def muted(site, alert, **form):
    given = {"until": "1d", "reason": f"Roadworks {EVIL}", "about": "alert", **form}
    return site.post(f"/alerts/{alert.id}/mute", given, role=Role.CONTRIBUTOR)


def test_a_muted_alert_moves_below_says_why_and_comes_back_when_somebody_ends_the_mute(fresh_site):
    alert = open_alert(fresh_site)
    assert muted(fresh_site, alert).status == 303
    shown = fresh_site.get("/alerts", role=Role.CONTRIBUTOR)
    page = Page(shown.text)
    assert "1 muted" in page.words
    assert "The error is 71.5" not in Page(fresh_site.get("/", role=Role.VIEWER).text).words
    assert f"Roadworks {EVIL}" in page.words
    assert EVIL not in shown.text
    (end,) = [form for form in page.forms if form["action"].startswith("/mutes/")]
    answer = fresh_site.post(end["action"], {"model": "bikes"}, role=Role.CONTRIBUTOR)
    assert answer.status == 303
    assert "muted" not in Page(fresh_site.get("/alerts", role=Role.VIEWER).text).words
    assert fresh_site.post(end["action"], {"model": "bikes"}, role=Role.CONTRIBUTOR).status == 404


def test_a_cause_is_muted_for_what_comes_too(fresh_site):
    muted(fresh_site, open_alert(fresh_site), about="cause", pages="1")
    (mute,) = fresh_site.get("/alerts.json", role=Role.VIEWER, accept="application/json").json["mutes"]
    assert (mute["cause"], mute["pages"], mute["alert"]) == ("performance", True, None)


def test_a_mute_without_a_reason_or_with_an_odd_end_is_refused_with_what_was_typed(fresh_site):
    alert = open_alert(fresh_site)
    assert muted(fresh_site, alert, reason=" ").status == 422
    refused = muted(fresh_site, alert, until="soon", reason="Known.")
    assert refused.status == 422
    assert "It is not clear until when." in Page(refused.text).words
    assert "Known." in refused.text
    assert fresh_site.post(f"/alerts/{alert.id}/mute", {"until": "1d", "reason": "x"}, role=Role.VIEWER).status == 403


def test_an_alert_shows_its_first_window_its_columns_its_effect_and_them_before_and_now(fresh_site):
    bars = (Bar(text="0 to 5", before=0.7, after=0.1), Bar(text=f"5 to {EVIL}", before=0.3, after=0.9))
    sight = Sight(
        from_us=1_700_000_000_000_000,
        to_us=1_700_003_600_000_000,
        columns=("temp", EVIL),
        effect=Effect(name="temp moved by", value=0.42, low=0.35, high=0.49),
        pictures=(Picture(column="temp", numbers=True, bars=bars),),
    )
    fresh_site.project.alerts.raise_("drift", severity=Severity.WARNING, sentence="Moved.", facts={}, model="bikes", sight=sight)
    shown = fresh_site.get("/alerts", role=Role.VIEWER).text
    page = Page(shown).words
    for text in ("warning: a ticket", "2023-11-14 22:13 to 2023-11-14 23:13", "temp moved by: 0.42 [0.35, 0.49]", "volant retrain"):
        assert text in page
    assert 'class="overlay"' in shown
    assert EVIL not in shown
