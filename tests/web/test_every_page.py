import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from web_seed import EVIL, Seeding
from web_site import Page, crawl, new_project, site_of

from volant.access.model import Permission, Role
from volant.access.routes import PUBLIC

VALUES = {"model": "bikes", "dataset": "bikes", "number": "5"}
RUN, FAILED, REPLAY = f"{2:032x}", f"{15:032x}", f"{14:032x}"


def filled(path):
    values = {**VALUES, "id": REPLAY if path.startswith("/replays") else RUN}
    if path.startswith("/data/"):
        values["number"] = "3"
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], path)


def pages(site):
    return [route for route in site.table.routes if route.method == "GET" and route.needs is Permission.READ and not route.lasting]


def test_every_page_of_a_project_with_a_history_is_shown(site):
    declared = [route for route in pages(site) if not route.path.endswith(".json")]
    assert len(declared) >= 12
    for route in declared:
        answer = site.get(filled(route.path))
        assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8"), route.path
        page = Page(answer.text)
        assert page.tags.count("h1") == 1, route.path
        assert "main" in page.tags


def test_every_page_has_a_twin_that_says_the_same_in_json(site):
    for route in pages(site):
        if route.path.endswith(".json"):
            continue
        page = site.get(filled(route.path)).text
        twin = re.search(r'<link rel="alternate" type="application/json" href="([^"]+)">', page)
        answer = site.get(twin[1].replace("&amp;", "&"), accept="application/json")
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json"), route.path
        assert isinstance(answer.json, dict)


def test_every_link_on_every_page_leads_somewhere(crawled):
    assert len(crawled) > 60
    assert {path: answer.status for path, answer in crawled.items() if answer.status != 200} == {}


def test_pages_over_a_store_on_disk_say_the_same_as_over_one_in_memory(tmp_path):
    found = []
    for on_disk in (False, True):
        project = new_project(tmp_path / str(on_disk), on_disk=on_disk)
        Seeding(project).everything()
        with site_of(project) as own:
            found.append({path: answer.text for path, answer in crawl(own).items() if "json" in path})
    assert len(found[0]) > 25
    assert found[0] == found[1]


def test_every_page_of_a_new_project_says_what_to_do_next(empty_site):
    found = crawl(empty_site)
    assert {answer.status for answer in found.values()} == {200}
    for path in ("/", "/models/bikes", "/runs", "/data", "/lineage", "/audit"):
        assert "volant run" in Page(found[path].text).words, path
    assert "volant replay" in Page(found["/replays"].text).words


def test_hostile_names_are_shown_and_do_nothing(crawled):
    hostile = 0
    for path, answer in crawled.items():
        if "html" not in answer.headers["content-type"]:
            continue
        page = Page(answer.text)
        assert EVIL not in answer.text, path
        assert page.inline_scripts == [], path
        hostile += EVIL in page.words
    assert hostile >= 6


def test_no_page_holds_what_the_content_policy_refuses(crawled):
    for path, answer in crawled.items():
        assert "'unsafe" not in answer.headers["content-security-policy"]
        if "html" in answer.headers["content-type"]:
            page = Page(answer.text)
            assert not {name for name in page.attributes if name == "style" or name.startswith("on")}, path
            assert "style" not in page.tags


def test_addresses_outside_this_server_are_on_no_page(crawled):
    for path, answer in crawled.items():
        if "html" in answer.headers["content-type"]:
            assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', answer.text), path


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/models/boats",
        "/models/bikes/versions/99",
        "/models/bikes/versions/1e3",
        "/models/bikes/versions/-1",
        f"/models/bikes/versions/{'9' * 40}",
        f"/runs/{'0' * 31}9",
        "/runs/..%2F..%2Fetc%2Fpasswd",
        "/replays/none",
        "/data/bikes/versions/77",
        "/data/boats/versions/1",
        "/lineage?node=dataset:none@1",
    ],
)
def test_what_is_not_there_is_said_in_a_page_with_a_next_step(site, path):
    answer = site.get(path)
    assert answer.status == 404
    assert Page(answer.text).tags.count("h1") == 1
    assert site.get(path, accept="application/json").json["error"]["code"] == "not_found"


@pytest.mark.parametrize("page", ["0", "-1", "x", "1.5", "9" * 30, ""])
def test_a_page_number_that_is_none_is_refused(site, page):
    assert site.get(f"/runs?page={page}").status == 422


def test_a_page_beyond_the_last_is_empty_and_not_an_error(site):
    assert "no run on this page" in Page(site.get("/runs?page=9").text).words


def test_runs_show_metrics_and_parameters_and_sort_best_first(site):
    page = Page(site.get("/runs").text).words
    assert "learning_rate" in page
    assert "21.12" in page
    by_mae = site.get("/runs.json?sort=mae", accept="application/json").json
    known = [run["metrics"]["mae"] for run in by_mae["runs"] if "mae" in run["metrics"]]
    assert known == sorted(known)
    by_r2 = site.get("/runs.json?sort=r2", accept="application/json").json
    known = [run["metrics"]["r2"] for run in by_r2["runs"] if "r2" in run["metrics"]]
    assert known == sorted(known, reverse=True)
    worst = site.get("/runs.json?sort=mae&order=down", accept="application/json").json
    assert worst["runs"][0]["metrics"]["mae"] == 24.91
    assert site.get(f"/runs?sort={EVIL.replace('/', '%2F')}").status == 200


def test_the_overview_has_a_row_per_model_with_what_it_waits_for(site):
    found = site.get("/index.json", accept="application/json").json
    bikes, other = found["models"]
    assert (bikes["model"], other["model"]) == ("bikes", EVIL)
    assert bikes["champion"]["version"] == 2
    assert bikes["gate"]["verdict"] == "pass"
    assert bikes["next"]["command"] == 'volant approve bikes@5 --reason "..."'
    assert bikes["labels"]["count"] > 1000
    assert bikes["predictions"]["last_day"] > 0
    page = Page(site.get("/").text).words
    assert "Version 5 passed its gate and waits for approval." in page


def test_a_decision_sheet_has_gate_lineage_data_environment_and_decisions(site):
    page = Page(site.get("/models/bikes/versions/4").text).words
    for text in (
        "champion v2",
        "last known value",
        "where station = market",
        "640 more labels",
        "Python 3.11.9",
        "bikes data v2",
        "learning_rate",
    ):
        assert text in page, text
    assert "3.1 ms" in page
    first = site.get("/models/bikes/versions/1.json", accept="application/json").json["report"]
    assert (first["passed"], first["skipped"], len(first["checks"])) == (3, 1, 4)
    overridden = Page(site.get("/models/bikes/versions/2").text).words
    assert "override: against the gate" in overridden
    assert "It serves already." in overridden


def test_a_version_whose_objects_are_lost_still_has_its_sheet(tmp_path):
    project = new_project(tmp_path)
    Seeding(project).everything()
    package = project.models.get("bikes", 5).package
    project.objects._rows.pop(package)
    project.objects._rows.pop(project.datasets.get("bikes", 3).profile)
    with site_of(project) as site:
        sheet, data = site.get("/models/bikes/versions/5"), site.get("/data/bikes/versions/3")
    assert (sheet.status, data.status) == (200, 200)
    assert "cannot be read" in Page(sheet.text).words
    assert "cannot be read" in Page(data.text).words


def test_a_failed_run_shows_its_traceback_its_steps_and_the_next_command(site):
    page = Page(site.get(f"/runs/{FAILED}").text).words
    for text in ("Traceback (most recent call last)", "ValueError", "failed", "from cache", "volant run"):
        assert text in page, text


def test_logs_that_a_run_kept_are_shown_with_it(site):
    page = Page(site.get(f"/runs/{RUN}").text).words
    assert "logs/model.txt" in page
    assert "iteration 200 of 200" in page


def test_a_dataset_shows_its_profile_and_the_rules_it_breaks(site):
    page = Page(site.get("/data/bikes/versions/1").text).words
    for text in (
        "214 of 12,960 values are missing",
        "nullable: true for temperature",
        "the same value in every row",
        "market",
        "not a feature",
    ):
        assert text in page, text
    assert f"Added: {EVIL}" in Page(site.get("/data/bikes/versions/2").text).words


def test_a_replay_shows_policies_and_figures_that_need_no_script_to_be_written(site):
    answer = site.get(f"/replays/{REPLAY}")
    page = Page(answer.text)
    for text in ("every window, sliding", "never", "last known value", "Whiskers are bounds"):
        assert text in page.words, text
    figures = re.findall(r'<script type="application/json" id="figure-[^"]+">(.*?)</script>', answer.text, re.DOTALL)
    assert [set(json.loads(text)) for text in figures] == [{"data", "layout"}] * 2


def test_lineage_leads_from_a_version_to_its_data_and_code(site):
    page = Page(site.get("/lineage?node=bikes@2").text).words
    for text in ("data bikes@1", "made run 00000002", "code pipeline", "environment"):
        assert text in page, text


def test_an_edited_event_shows_on_the_audit_page(tmp_path):
    import msgspec

    project = new_project(tmp_path)
    Seeding(project).everything()
    with site_of(project) as site:
        assert "The chain is whole" in Page(site.get("/audit").text).words
        streams = project.tx.table("event")
        streams["model/bikes"] = tuple(msgspec.structs.replace(e, actor="mallory") if e.seq == 3 else e for e in streams["model/bikes"])
        page = Page(site.get("/audit").text).words
    assert "The record was changed" in page
    assert "damaged" in page


def test_who_may_not_read_sees_no_page(fresh_site):
    for route in pages(fresh_site):
        path = filled(route.path)
        assert fresh_site.get(path, accept="application/json").status == 401, path
        assert fresh_site.get(path, role=Role.SERVICE, accept="application/json").status == 403, path
        assert fresh_site.get(path, role=Role.VIEWER).status == 200, path
    asked = fresh_site.get("/models/bikes")
    assert (asked.status, asked.headers["location"]) == (303, "/login?next=/models/bikes")
    refused = fresh_site.get("/", role=Role.SERVICE)
    assert refused.status == 403
    assert "read" in Page(refused.text).words


def test_only_style_scripts_and_the_login_form_are_open_to_all(fresh_site):
    open_ = {route.path for route in fresh_site.table.routes if route.needs is PUBLIC and not route.path.startswith("/static/")}
    assert open_ == {"/login", "/logout"}


@pytest.mark.parametrize("to", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", '"><script>'])
def test_the_login_form_leads_nowhere_else(site, to):
    from urllib.parse import quote

    assert 'name="next" value="/"' in site.get(f"/login?next={quote(to)}").text


def test_static_files_are_compressed_and_kept_for_good(site):
    page = site.get("/").text
    style = re.search(r'href="(/static/volant[^"]+\.css)"', page)[1]
    plain, packed = site.get(style), site.get(style, **{"accept-encoding": "gzip, br"})
    assert "immutable" in plain.headers["cache-control"]
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.body) < len(plain.body) / 2
    assert site.get(style.replace(".css", "0.css")).status == 404


def test_the_plots_library_comes_from_the_installed_package(site):
    import gzip

    from volant.web.assets import plotly_path

    address = re.search(r'data-library="([^"]+)"', site.get(f"/replays/{REPLAY}").text)[1]
    for _ in range(2):  # the second one from the cache
        answer = site.get(address, **{"accept-encoding": "gzip"})
        assert gzip.decompress(answer.body) == plotly_path().read_bytes()


def test_a_damaged_cache_of_the_library_is_not_used(tmp_path):
    import gzip

    from volant.web.assets import compressed_plotly, plotly_path, plotly_stamp

    kept = tmp_path / f"plotly.{plotly_stamp()}.js.gz"
    kept.write_bytes(compressed_plotly(plotly_path(), tmp_path)[:1000])
    assert gzip.decompress(compressed_plotly(plotly_path(), tmp_path)) == plotly_path().read_bytes()


def test_the_overview_is_small(site):
    answer = site.get("/", **{"accept-encoding": "gzip"})
    assert len(answer.body) < 60_000


PROBE = """
import pathlib, sys, tempfile
from web_seed import Seeding
from web_site import crawl, new_project, site_of
with tempfile.TemporaryDirectory() as folder:
    project = new_project(pathlib.Path(folder))
    Seeding(project).everything()
    with site_of(project) as site:
        assert len(crawl(site)) > 40
print(sorted({name.partition(".")[0] for name in sys.modules} & {"numpy", "polars", "scipy", "sklearn", "plotly", "pandas"}))
"""


def test_showing_every_page_imports_nothing_heavy():
    found = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=60, check=False
    )
    assert found.stdout.strip() == "[]", found.stderr
