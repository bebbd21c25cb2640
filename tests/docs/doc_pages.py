"""Pages as tests read them: code blocks with the marks before them, headings, links."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]*?) -->\n+)?^(?P<indent> *)```(?P<language>\w*)\n(?P<body>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!`)!?\[[^\]]*\]\(([^)\s]+)\)")
_SOURCE = re.compile(r"""(?:src|srcset|href)="([^"]+)\"""")


class Block(NamedTuple):
    """A fenced block. ``mark`` is the text of the HTML comment right before it."""

    language: str
    body: str
    mark: str
    line: int


class Command(NamedTuple):
    """A line after ``$`` and what the page shows below it."""

    words: str
    shown: list[str]


def blocks(path):
    text = path.read_text(encoding="utf-8")
    return [
        Block(m["language"], m["body"], (m["mark"] or "").strip(), text.count("\n", 0, m.start("body")) + 1) for m in _BLOCK.finditer(text)
    ]


def is_open(words):
    """Whether a quotation goes on in the next line."""
    try:
        shlex.split(words)
    except ValueError as error:
        return "quotation" in str(error)
    return False


def commands(body):
    found = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append(Command(line[2:], []))
        elif found and is_open(found[-1].words):
            found[-1] = Command(f"{found[-1].words}\n{line}", [])
        elif found and found[-1].words.endswith("\\"):
            found[-1] = Command(f"{found[-1].words[:-1]}{line.strip()}", [])
        elif found:
            found[-1].shown.append(line)
    return found


def prose(path):
    """Without fenced blocks and code."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^ *```.*?^ *```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL))


def links(path):
    text = prose(path)
    return [*_LINK.findall(text), *_SOURCE.findall(text)]


def anchors(path):
    """GitHub's: lower case, punctuation gone, blanks as hyphens."""
    text = re.sub(r"^ *```.*?^ *```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ +(.+)$", text, re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in plain}
