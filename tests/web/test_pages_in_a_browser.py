"""The pages in a real Chromium: what they load, how they fit, and what a person does with them."""

import pytest
from web_seed import EVIL, Seeding
from web_site import new_project, site_of

from volant.registry.model import VersionState

pytestmark = pytest.mark.browser
PAGES = (
    "/",
    "/models",
    "/models/bikes",
    "/models/bikes/versions/2",
    "/models/bikes/versions/4",
    "/models/bikes/versions/5",
    "/runs",
    f"/runs/{2:032x}",
    f"/runs/{15:032x}",
    "/data",
    "/data/bikes/versions/1",
    "/data/bikes/versions/3",
    "/replays",
    f"/replays/{14:032x}",
    "/lineage?node=bikes@2",
    "/alerts",
    "/decisions",
    "/rollout",
    "/audit",
    "/login",
)
DRAWN = ".plot[data-drawn]"


@pytest.fixture
def opened(chromium):
    """Opens pages; afterwards nothing may have gone wrong in any of them."""
    contexts, problems = [], []

    def open_(*, width=1440, scheme="light", **settings):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
        return page

    yield open_
    for context in contexts:
        context.close()
    assert problems == []


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def background(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 400])
def test_no_page_scrolls_sideways_or_complains(site, opened, width, scheme):
    page = opened(width=width, scheme=scheme)
    for path in PAGES:
        assert page.goto(site.url + path).status == 200
        assert overflow(page) <= 0, path


def test_a_hostile_name_runs_nothing_and_fits(site, opened):
    from urllib.parse import quote

    page = opened(width=400)
    for path in (f"/models/{quote(EVIL, safe='')}", f"/models/{quote(EVIL, safe='')}/versions/1", "/models"):
        page.goto(site.url + path)
        assert page.get_by_text(EVIL).first.is_visible()
        assert overflow(page) <= 0


def test_dark_and_light_follow_the_system_and_the_button_keeps_a_choice(site, opened):
    page = opened(scheme="dark")
    page.goto(site.url + "/")
    dark = background(page)
    page.emulate_media(color_scheme="light")
    light = background(page)
    assert dark != light
    page.get_by_role("button", name="Change to dark colours").click()
    assert background(page) == dark
    page.goto(site.url + "/runs")
    assert background(page) == dark


def luminance(colour):
    def linear(channel):
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(channel) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_text_can_be_read_on_every_ground(site, opened, scheme):
    page = opened(scheme=scheme)
    page.goto(site.url + "/")
    script = """names => names.map(name => {
        const probe = document.createElement("span"); probe.style.color = `var(--${name})`; document.body.append(probe);
        return getComputedStyle(probe).color.match(/[0-9.]+/g).slice(0, 3).map(Number) })"""
    grounds = page.evaluate(script, ["ground", "surface"])
    texts = ["ink", "quiet", "accent", "champion", "challenger", "baseline", "neutral", "pass", "fail", "open"]
    for name, colour in zip(texts, page.evaluate(script, texts), strict=True):
        for ground in grounds:
            high, low = sorted((luminance(colour), luminance(ground)), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= 4.5, (name, ground)


def test_both_plots_of_a_replay_are_drawn_in_the_colours_of_the_page(site, opened):
    page = opened()
    page.goto(f"{site.url}/replays/{14:032x}")
    for number in range(2):
        page.locator(".plot").nth(number).scroll_into_view_if_needed()
        page.locator(DRAWN).nth(number).wait_for(timeout=60_000)
    assert page.locator(".plot .main-svg").count() >= 2
    assert page.locator(".plot .legendtext").count() >= 6
    box = page.locator(".plot").first.bounding_box()
    drawn = page.locator(".plot .main-svg").first.bounding_box()
    assert abs(box["width"] - drawn["width"]) < 4
    title = "getComputedStyle(document.querySelector('.gtitle')).fill"
    before = page.evaluate(title)
    page.get_by_role("button", name="Change to dark colours").click()
    page.wait_for_function(f"{title} !== '{before}'")


def test_pages_that_need_no_plot_load_no_library(site, opened):
    page = opened()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(site.url + "/models/bikes/versions/5")
    page.wait_for_load_state("networkidle")
    assert not [url for url in asked if "plotly" in url]
    assert all(url.startswith(site.url) for url in asked)


def test_pages_can_be_read_without_scripts(site, opened):
    page = opened(java_script_enabled=False)
    page.goto(f"{site.url}/replays/{14:032x}")
    assert page.get_by_role("rowheader", name="never").is_visible()
    assert "Drawing needs a script" in page.locator("figcaption").first.text_content()


def test_a_person_approves_from_the_sheet_with_a_reason(opened, tmp_path):
    project = new_project(tmp_path)
    Seeding(project).everything()
    with site_of(project) as own:
        page = opened(width=400)
        page.goto(own.url + "/")
        page.get_by_role("link", name="Open its decision sheet").click()
        page.get_by_role("link", name="Decide here").click()
        approve = page.get_by_role("button", name="Approve v5")
        approve.click()
        assert project.registry.state("bikes").versions[5] is VersionState.PROPOSED  # the browser asks for a reason first
        page.locator("#approve-reason").fill("Better at every station.")
        approve.click()
        page.wait_for_url("**/versions/5#history")
        assert page.get_by_text("Better at every station.").is_visible()
        assert project.registry.state("bikes").champion == 5


def test_the_overview_shows_what_changed_without_being_loaded_again(opened, tmp_path):
    project = new_project(tmp_path)
    Seeding(project).everything()
    with site_of(project) as own:
        page = opened()
        page.goto(own.url + "/")
        project.registry.reject("bikes", 5, reason="Too slow.", actor="ada")
        page.get_by_text("Too slow.").wait_for(timeout=60_000)


def test_the_keyboard_reaches_the_content_and_every_control_has_a_name(site, opened):
    page = opened()
    page.goto(site.url + "/models/bikes/versions/5")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    unnamed = """[...document.querySelectorAll("a, button, input, textarea, summary, svg[role=img]")].filter(
        e => !e.textContent.trim() && !e.getAttribute("aria-label") && !e.labels?.length && e.type !== "hidden").length"""
    assert page.evaluate(unnamed) == 0
