"""What is a known-bug mutant, and where are they kept?

Each record of the catalogue's files (``a_coverage.toml``, ...) is a small patch that puts back a
bug which other systems really had. It names the rows of the failure catalogue that tell of it, the
edits, and the tests that are the first to be asked. An edit replaces a text that stands exactly
once in its file.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


class NotApplicable(ValueError):
    """An edit that does not fit the tree as it is."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A text of one file, and what stands in its place."""

    file: str
    find: str
    replace: str

    def of(self, text: str) -> str:
        """The file's text with the edit made."""
        times = text.count(self.find)
        if times != 1:
            raise NotApplicable(f"{self.file}: found {times} times: {self.find[:80]!r}")
        return text.replace(self.find, self.replace)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug that is put back."""

    name: str
    rows: tuple[str, ...]
    title: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]
    quick: bool  # its tests take a few seconds: fit for a sample

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it changes."""
        return tuple(dict.fromkeys(edit.file for edit in self.edits))

    def texts(self, root: Path) -> dict[str, str]:
        """Each file that it changes, changed."""
        texts = {name: (root / name).read_text(encoding="utf-8") for name in self.files}
        for edit in self.edits:
            texts[edit.file] = edit.of(texts[edit.file])
        return texts


def all_mutants(folder: Path = HERE) -> tuple[Mutant, ...]:
    """Every record, in order of file and place."""
    return tuple(
        _read(record)
        for path in sorted(folder.glob("?_*.toml"))
        for record in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    )


def _read(record: dict[str, object]) -> Mutant:
    edits = record["edit"]
    assert isinstance(edits, list)
    return Mutant(
        name=str(record["name"]),
        rows=_words(record["rows"]),
        title=str(record["title"]),
        edits=tuple(Edit(**one) for one in edits),
        tests=_words(record["tests"]),
        quick=bool(record.get("quick", False)),
    )


def _words(value: object) -> tuple[str, ...]:
    assert isinstance(value, list)
    return tuple(str(one) for one in value)


def named(names: Iterable[str]) -> tuple[Mutant, ...]:
    """The mutants of these names, or of these rows of the catalogue; all of them without any."""
    known, asked = all_mutants(), list(names)
    chosen: set[str] = set()
    for name in asked:
        found = {one.name for one in known if one.name == name}
        found = found or {one.name for one in known if name in one.rows}
        if not found:
            raise NotApplicable(f"there is no mutant of {name}")
        chosen |= found
    return tuple(one for one in known if not asked or one.name in chosen)
