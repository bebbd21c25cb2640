import shutil

import pytest
from web_seed import Seeding
from web_site import crawl, new_project, site_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def chromium():
    """A real browser; each test opens contexts of its own."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def seeded(tmp_path_factory):
    """A project with a history, and a second model whose name is an attack. Tests only read it."""
    project = new_project(tmp_path_factory.mktemp("seeded"))
    Seeding(project).everything().other_model()
    return project


@pytest.fixture(scope="session")
def site(seeded):
    with site_of(seeded) as running:
        yield running


@pytest.fixture(scope="session")
def crawled(site):
    """Every page that links lead to, by address."""
    return crawl(site)


@pytest.fixture(scope="session")
def empty_site(tmp_path_factory):
    with site_of(new_project(tmp_path_factory.mktemp("empty"))) as running:
        yield running


@pytest.fixture
def fresh_site(tmp_path):
    """A seeded site of its own, for tests that change it. It asks for tokens."""
    project = new_project(tmp_path)
    Seeding(project).everything()
    with site_of(project, asks=True) as running:
        yield running
