"""Pages that stay up to date, in a real Chromium: told by the server, swapped part by part, and never in a reader's way."""

import pytest
from web_seed import Seeding
from web_site import new_project, site_of

from volant.kernel.events import NewEvent
from volant.monitoring.alert_model import Severity

pytestmark = pytest.mark.browser
SOON = 20_000  # milliseconds that a busy machine may take


@pytest.fixture
def city(tmp_path):
    """A site of its own with two models, and its project."""
    project = new_project(tmp_path)
    Seeding(project).everything().other_model()
    with site_of(project) as site:
        yield site


@pytest.fixture
def opened(chromium, city):
    """Opens pages that are told what changes; afterwards nothing may have gone wrong in any of them."""
    contexts, problems = [], []

    def open_(path, *, width=1440, **settings):
        context = chromium.new_context(viewport={"width": width, "height": 900}, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(city.url + path)
        if settings.get("java_script_enabled", True):
            page.get_by_role("status").get_by_text("live", exact=True).wait_for(timeout=SOON)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert problems == []


def raise_alert(project, sentence, model="bikes", cause="errors"):
    project.alerts.raise_(cause, severity=Severity.CRITICAL, sentence=sentence, facts={}, model=model)


def test_a_row_changes_without_the_page_being_loaded_again(city, opened):
    page = opened("/")
    page.evaluate("window.same = true; window.other = document.querySelectorAll('[data-live^=row-]')[1]")
    row = page.locator("[data-live=row-bikes]")
    assert "v5 passed" in row.inner_text()
    raise_alert(city.project, "The model raised on 40 of 500 rows.")
    row.get_by_text("answers fail").wait_for(timeout=SOON)
    page.get_by_text("The model raised on 40 of 500 rows.").first.wait_for(timeout=SOON)
    assert page.evaluate("window.same") is True
    assert "fresh" in row.get_attribute("class")


def test_parts_that_did_not_change_stay_the_same_elements(city, opened):
    page = opened("/models/bikes")
    page.evaluate("window.part = (name) => document.querySelector(`[data-live=${name}]`)")
    page.evaluate("window.kept = part('versions'); window.cell = part('cell-loop')")
    city.project.events.append("loop/bikes", 0, [NewEvent(kind="paused", data=b'{"reason":"holidays"}')], actor="ada")
    page.locator("[data-live=cell-loop]").get_by_text("paused").wait_for(timeout=SOON)
    page.get_by_text("The automation is paused by ada: holidays").first.wait_for(timeout=SOON)
    assert page.evaluate("window.cell.isConnected") is False
    assert page.evaluate("window.kept.isConnected") is True


def test_what_a_person_types_or_has_opened_is_left_alone(city, opened):
    page = opened("/alerts")
    page.get_by_text("Acknowledge").first.click()
    note = page.locator("textarea").first
    note.fill("I look into it")
    raise_alert(city.project, "Something else went wrong.")
    page.get_by_role("heading", name="Alerts").locator("..").get_by_text("3 open").wait_for(timeout=SOON)
    assert note.input_value() == "I look into it"
    assert note.is_visible()


def test_the_focus_stays_where_it_was(city, opened):
    page = opened("/")
    link = page.locator("[data-live=row-bikes] th a")
    link.focus()
    raise_alert(city.project, "The model raised on 40 of 500 rows.")
    page.locator("[data-live=row-bikes]").get_by_text("answers fail").wait_for(timeout=SOON)
    assert page.evaluate("document.activeElement.getAttribute('href')") == "/models/bikes"


def test_a_page_says_when_it_is_told_nothing_and_catches_up_afterwards(city, opened):
    page = opened("/")
    page.context.set_offline(True)
    page.evaluate("source.close(); source = null; away = true")  # what a broken connection comes to, without its waits
    city.project.registry.reject("bikes", 5, reason="Too slow.", actor="ada")
    page.context.set_offline(False)
    page.evaluate("listen()")
    page.get_by_text("Too slow.").wait_for(timeout=SOON)


def test_a_hidden_page_gives_its_connection_back(city, opened):
    page = opened("/")
    changed = "document.dispatchEvent(new Event('visibilitychange'))"
    page.evaluate(f"Object.defineProperty(document, 'hidden', {{value: true, configurable: true}}); {changed}")
    assert page.evaluate("source") is None
    city.project.registry.reject("bikes", 5, reason="Too slow.", actor="ada")
    page.evaluate(f"delete document.hidden; {changed}")
    page.get_by_text("Too slow.").wait_for(timeout=SOON)


def test_without_scripts_the_pages_say_the_same(opened):
    page = opened("/", java_script_enabled=False)
    row = page.locator("[data-live=row-bikes]")
    for text in ("v3 from the log", "v5 passed", "waits for approval", "performance", "needs attention"):
        assert text in row.inner_text(), text
    page.get_by_role("textbox", name="Search models by name").fill("script")
    page.get_by_role("button", name="Show").click()
    assert page.locator("tbody tr").count() == 1


def test_decisions_are_filtered_opened_and_linked_to(opened):
    page = opened("/decisions", width=400)
    assert page.locator(".timeline li").count() == 11
    page.get_by_role("link", name="to let out 3").click()
    page.wait_for_url("**kind=release")
    assert page.locator(".timeline li").count() == 3
    first = page.locator(".timeline li").first
    assert "ada turned version 3 down: Learned from the week" in first.inner_text()
    first.get_by_role("link", name="Link to this decision").click()
    assert page.evaluate("document.querySelector(':target').id").startswith("d-")
    page.get_by_role("link", name="version 3").click()
    page.wait_for_url("**/models/bikes/versions/3")


def test_decisions_can_be_walked_by_keyboard_alone(opened):
    page = opened("/decisions")
    names = []
    for _ in range(40):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.textContent.trim().replace(/\\\\s+/g, ' ')"))
    assert names[0] == "Skip to the content"
    assert names.index("all 11") < names.index("to retrain 0") < names.index("version 5") < names.index("What it rests on")
    page.get_by_text("What it rests on").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open] dt").first.is_visible()


@pytest.mark.parametrize("path", ["/", "/models/bikes", "/decisions"])
def test_the_wheel_fits_a_phone(opened, path):
    page = opened(path, width=400)
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    if path == "/models/bikes":
        assert page.locator(".wheel li").count() == 7
        boxes = [page.locator(".wheel li").nth(n).bounding_box() for n in range(7)]
        assert all(box["width"] > 150 for box in boxes)
