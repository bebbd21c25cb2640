import json
import re

import generate
import msgspec
import pytest
import yaml
from doc_pages import PAGES, ROOT, anchors, blocks, links, prose

LINKED = [path for path in PAGES if "decisions" not in path.parts]


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_link_and_anchor_leads_somewhere(path):
    for link in links(path):
        if "://" in link or link.startswith("mailto:"):
            continue
        place, _, anchor = link.partition("#")
        target = (path.parent / place).resolve() if place else path
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target), link


def test_every_page_can_be_reached_from_the_readme():
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        targets = [(path.parent / link.partition("#")[0]).resolve() for link in links(path) if "://" not in link]
        waiting += [target for target in targets if target.suffix == ".md"]
        waiting += [page for target in targets if target.is_dir() for page in target.glob("*.md")]
    assert set(PAGES) <= seen


@pytest.fixture(scope="module")
def generated():
    return generate.pages()


def test_generated_pages_are_current(generated):
    for path, text in generated.items():
        assert path.read_text(encoding="utf-8") == text, f"run `make docs`: {path.name} is not what the code says"


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_pages_name_nobodys_folder_and_close_their_blocks(path):
    text = path.read_text(encoding="utf-8")
    assert str(ROOT) not in text
    assert not re.search(r"(?<![\w.])/(home|root|Users)/\w", text)
    assert text.count("```") % 2 == 0
    assert not re.search(r"\bTODO\b|\bTBD\b", text)


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_snippets_of_data_can_be_read(path):
    for block in blocks(path):
        if block.language == "json":
            json.loads(block.body)
        elif block.language == "yaml":
            yaml.safe_load(block.body)


def test_whole_configurations_in_the_pages_are_accepted(tmp_path):
    from volant.config.load import load_project

    whole = [block.body for path in PAGES for block in blocks(path) if block.language == "yaml" and block.body.startswith("version:")]
    assert whole
    for body in whole:
        (tmp_path / "volant.yaml").write_text(body)
        assert isinstance(load_project(tmp_path / "volant.yaml", {}), msgspec.Struct)


def test_the_readme_is_short():
    assert len(prose(ROOT / "README.md").split()) < 450
