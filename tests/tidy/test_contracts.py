"""The contracts in `pyproject.toml` catch what they are for.

They are tried, word by word as they stand, on a small made-up tree of packages: first sound, then
with one import that must not be.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.tidy.source import ROOT

MODULES = (
    "fillbook",
    "fillbook.__main__",
    "fillbook.accounting.fifo",
    "fillbook.domain.money",
    "fillbook.doors.repository",
    "fillbook.errors",
    "fillbook.faces.cli.demo",
    "fillbook.faces.cli.stats",
    "fillbook.journal.store",
    "fillbook.ledger.facts",
    "fillbook.ledger.coverage",
    "fillbook.reports.equity",
    "fillbook.settings",
    "fillbook.sync.engine",
    "fillbook.venues.bybit.pages",
    "fillbook.wiring",
    "papervenues.market",
)
SOUND_IMPORTS = (
    ("fillbook.__main__", "fillbook.faces.cli.stats"),
    ("fillbook.faces.cli.stats", "fillbook.wiring"),
    ("fillbook.faces.cli.demo", "papervenues.market"),
    ("fillbook.wiring", "fillbook.settings"),
    ("fillbook.wiring", "fillbook.sync.engine"),
    ("fillbook.sync.engine", "fillbook.ledger.facts"),
    ("fillbook.sync.engine", "fillbook.venues.bybit.pages"),
    ("fillbook.ledger.facts", "fillbook.accounting.fifo"),
    ("fillbook.accounting.fifo", "fillbook.domain.money"),
    ("fillbook.accounting.fifo", "numpy"),
    ("fillbook.domain.money", "fillbook.errors"),
)
SECONDS_MAX = 60
BROKEN = re.compile(r"^(.+) BROKEN\b", re.MULTILINE)


def plant(place: Path, imports: Iterable[tuple[str, str]]) -> None:
    """Writes the made-up packages, each module with its imports and nothing else."""
    for module in MODULES:
        parts = module.split(".")
        for depth in range(1, len(parts) + 1):
            _module_file(place, parts[:depth]).touch()
    for importer, imported in imports:
        with _module_file(place, importer.split(".")).open("a", encoding="utf-8") as file:
            file.write(f"import {imported}\n")


def _module_file(place: Path, parts: list[str]) -> Path:
    name = ".".join(parts)
    if any(module.startswith(f"{name}.") for module in MODULES):
        folder = place.joinpath(*parts)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / "__init__.py"
    return place.joinpath(*parts[:-1], f"{parts[-1]}.py")


def broken(place: Path) -> list[str]:
    """The names of the contracts that this tree breaks."""
    done = subprocess.run(
        [
            Path(sys.executable).with_name("lint-imports"),
            "--no-logo",
            "--no-cache",
            "--config",
            ROOT / "pyproject.toml",
        ],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(place)},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
    )
    assert "Contracts:" in done.stdout, done.stdout + done.stderr
    return BROKEN.findall(done.stdout)


def test_a_sound_tree_keeps_every_contract(tmp_path: Path) -> None:
    """Arrows that point down break nothing."""
    plant(tmp_path, SOUND_IMPORTS)

    assert broken(tmp_path) == []


FLOORS = "Floors: arrows only point down"
CYCLES = "No package imports itself in a circle"
SETTINGS = "Configuration is read by the wiring and the faces only"
PAPER_APART = "The paper venues know nothing of Fillbook"
PAPER_COMMANDS = "Only the commands demo and paper know the paper venues"
PURE = "Nouns and pure verbs do no input or output"


@pytest.mark.parametrize(
    ("importer", "imported", "contract"),
    [
        ("fillbook.ledger.facts", "fillbook.sync.engine", FLOORS),
        ("fillbook.domain.money", "fillbook.accounting.fifo", FLOORS),
        ("fillbook.reports.equity", "fillbook.sync.engine", FLOORS),
        ("fillbook.venues.bybit.pages", "fillbook.ledger.facts", FLOORS),
        ("fillbook.journal.store", "fillbook.ledger.facts", FLOORS),
        ("fillbook.doors.repository", "fillbook.faces.cli.stats", FLOORS),
        ("fillbook.ledger.facts", "fillbook.settings", SETTINGS),
        ("fillbook.doors.repository", "fillbook.settings", SETTINGS),
        ("papervenues.market", "fillbook.domain.money", PAPER_APART),
        ("fillbook.faces.cli.stats", "papervenues.market", PAPER_COMMANDS),
        ("fillbook.sync.engine", "papervenues.market", PAPER_COMMANDS),
        ("fillbook.domain.money", "asyncio", PURE),
        ("fillbook.accounting.fifo", "msgspec", PURE),
        ("fillbook.errors", "pydantic", PURE),
    ],
)
def test_a_wrong_import_is_found(
    tmp_path: Path, importer: str, imported: str, contract: str
) -> None:
    """Each contract is broken by what it forbids."""
    plant(tmp_path, [*SOUND_IMPORTS, (importer, imported)])

    assert contract in broken(tmp_path)


def test_a_circle_is_found(tmp_path: Path) -> None:
    """Two files of one package that import each other are a knot."""
    circle = [
        ("fillbook.ledger.facts", "fillbook.ledger.coverage"),
        ("fillbook.ledger.coverage", "fillbook.ledger.facts"),
    ]
    plant(tmp_path, [*SOUND_IMPORTS, *circle])

    assert broken(tmp_path) == [CYCLES]


def test_a_package_without_a_floor_is_found(tmp_path: Path) -> None:
    """Whoever adds a package says where it stands."""
    plant(tmp_path, SOUND_IMPORTS)
    (tmp_path / "fillbook" / "attic.py").touch()

    assert broken(tmp_path) == [FLOORS]
