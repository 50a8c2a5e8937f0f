"""Links between pages lead somewhere, and every page can be reached from the index."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tidy.source import ROOT, SourceFile, example, files

FLAGS = re.MULTILINE | re.DOTALL
# [text](target), without pictures and outside of code.
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\((?P<target>[^()\s]+)\)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", FLAGS)
ELSEWHERE = re.compile(r"[a-z]+:")
HEADING = re.compile(r"^#+ +(?P<title>.+)$", re.MULTILINE)


def pages() -> list[SourceFile]:
    """Every page of Markdown."""
    return files(suffixes=[".md"])


def links(source: SourceFile) -> Iterator[str]:
    """The targets in this checkout."""
    for match in LINK.finditer(CODE.sub("", source.text)):
        if not ELSEWHERE.match(match["target"]):
            yield match["target"]


def resolved(source: SourceFile, target: str) -> Path:
    """The file that a link means."""
    path, _, _ = target.partition("#")
    start = ROOT / source.path
    return (start.parent / path).resolve() if path else start


def anchors(path: Path) -> set[str]:
    """The headings of a page, as links name them."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=FLAGS)
    return {anchor(match["title"]) for match in HEADING.finditer(text)}


def anchor(title: str) -> str:
    """A heading as links name it: lower case, without signs, with hyphens for blanks."""
    kept = re.sub(r"[^\w\s-]", "", title.lower())
    return kept.strip().replace(" ", "-")


def broken(source: SourceFile) -> list[str]:
    """Links that lead nowhere."""
    found = []
    for target in links(source):
        path, _, heading = target.partition("#")
        file = resolved(source, target)
        if not file.exists():
            found.append(f"{source.path}: {path} does not exist")
        elif heading and heading not in anchors(file):
            found.append(f"{source.path}: {target} has no such heading")
    return found


def test_links_lead_somewhere() -> None:
    """Each relative link names a file that is there, and a heading that is in it."""

    assert [line for source in pages() for line in broken(source)] == []


def test_every_page_is_in_the_index() -> None:
    """docs/README.md leads to each page under docs/."""
    index = next(source for source in pages() if source.path == "docs/README.md")
    listed = {resolved(index, target) for target in links(index)}

    below = {ROOT / source.path for source in pages() if source.path.startswith("docs/")}

    assert sorted(below - listed - {ROOT / index.path}) == []


@pytest.mark.parametrize("target", ["nowhere.md", "README.md#no-such-heading", "#none"])
def test_a_broken_link_is_found(target: str) -> None:
    """A missing file and a missing heading, here or in another page."""

    assert len(broken(example(f"See [it]({target}).", path="CHANGELOG.md"))) == 1


def test_what_is_no_link_is_left_alone() -> None:
    """Code and other places are not looked at."""
    text = "`[a](b.md)` and [there](https://example.org/x)\n```\n[a](b.md)\n```\n"

    assert broken(example(text, path="CHANGELOG.md")) == []
