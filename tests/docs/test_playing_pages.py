"""Every page's commands are typed and its snippets run, as a reader would, in a folder of its own."""

import re
import shutil

import pytest
from doc_pages import PAGES, ROOT, blocks
from doc_player import Player, copied

TUTORIAL = ROOT / "docs" / "tutorial.md"
RUN = [path for path in PAGES if path != TUTORIAL and any(b.language == "console" and b.mark != "not-run" for b in blocks(path))]
_BEGIN = re.compile(r"<!-- begin (\w+) -->")


@pytest.fixture(scope="session")
def tutorial(tmp_path_factory):
    """The tutorial, played once: what went wrong, and the folders that other pages begin with."""
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("pages are typed into bash and ask with curl")
    player = Player(tmp_path_factory.mktemp("tutorial"))
    wrong = player.play(TUTORIAL)
    return wrong, player.kept


@pytest.mark.slow
def test_the_tutorial_happens_as_told(tutorial):
    wrong, _ = tutorial
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("path", RUN, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_happens_as_told(path, tutorial, tmp_path):
    begin = _BEGIN.search(path.read_text(encoding="utf-8"))
    folder, at = tmp_path / "page", None
    if begin:
        copied(tutorial[1][begin[1]], folder)
        at = folder / "bikes"
    else:
        folder.mkdir()
    wrong = Player(folder, at).play(path)
    assert not wrong, "\n\n".join(wrong)


def test_every_console_block_is_typed_or_says_why_not():
    for path in PAGES:
        for block in blocks(path):
            assert block.language != "console" or path == TUTORIAL or path in RUN or block.mark == "not-run"
            assert block.language != "python" or block.mark.partition(" ")[0] in {"file", "python"}, (path, block.line)
