"""The floors in their positive form, beside the contracts in `pyproject.toml`.

Contracts name what is forbidden, and their wildcards stand for whole names, so that "every public
module, but not the machinery" cannot be said there. Here it can, and a new venue or report is
covered on the day it appears.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from tests.tidy.source import PACKAGE, Finding, SourceFile, apply, example, files, imported_modules

FLOOR_0 = ("fillbook.domain", "fillbook.errors")
FLOOR_1 = "fillbook.accounting"
# Standard library, but it reaches outside the process, or waits.
NOT_PURE = frozenset(
    {
        "asyncio", "concurrent", "ftplib", "http", "io", "logging", "multiprocessing", "os",
        "pathlib", "random", "select", "selectors", "shutil", "signal", "smtplib", "socket",
        "socketserver", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "urllib",
    }
)  # fmt: skip
SIBLINGS_APART = ("venues", "reports")


def impure_imports(source: SourceFile) -> Iterator[Finding]:
    on_floor_1 = source.path.startswith(f"{PACKAGE}/accounting/")
    allowed_ours = (*FLOOR_0, FLOOR_1) if on_floor_1 else FLOOR_0
    for line, name in _absolute_imports(source):
        head = name.split(".")[0]
        ours = name.startswith(allowed_ours)
        library = head in sys.stdlib_module_names and head not in NOT_PURE
        if not (ours or library or (on_floor_1 and head == "numpy")):
            yield Finding(source.path, line, f"{name}: this floor is pure")


def sibling_imports(source: SourceFile) -> Iterator[Finding]:
    own = _public_sibling(_module_of(source))
    for line, name in _absolute_imports(source):
        other = _public_sibling(name)
        if own is not None and other is not None and own[0] == other[0] and own != other:
            what = f"{'.'.join(own)} imports its sibling {'.'.join(other)}"
            yield Finding(source.path, line, what)


def _absolute_imports(source: SourceFile) -> Iterator[tuple[int, str]]:
    """Imports by module, relative ones resolved, without the names taken from them.

    `from package import module` counts as both, because either may be meant.
    """
    package = _module_of(source).split(".")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and node.level > 0:
            start = ".".join(package[: len(package) - node.level])
            module = f"{start}.{node.module}" if node.module else start
            for alias in node.names:
                yield node.lineno, f"{module}.{alias.name}"
    yield from imported_modules(source.tree)


def _module_of(source: SourceFile) -> str:
    parts = PurePosixPath(source.path).with_suffix("").parts
    return ".".join(parts[1:])


def _public_sibling(module: str) -> tuple[str, str] | None:
    parts = module.split(".")
    if len(parts) < 3 or parts[0] != "fillbook" or parts[1] not in SIBLINGS_APART:
        return None
    return None if parts[2].startswith("_") else (parts[1], parts[2])


def test_the_lower_floors_are_pure() -> None:
    """Nouns use the standard library only, verbs NumPy too; neither reaches outside."""
    floors = files(f"{PACKAGE}/domain", f"{PACKAGE}/accounting")
    errors = [file for file in files(PACKAGE) if file.path == f"{PACKAGE}/errors.py"]

    assert len(errors) == 1
    assert apply(impure_imports, floors + errors) == []


@pytest.mark.parametrize(
    "text",
    [
        "import numpy",
        "import asyncio",
        "from pydantic import BaseModel",
        "from fillbook.ledger import facts",
        "from fillbook.accounting import fifo",
        "from ..ledger import facts",
        "def f():\n    import psycopg",
    ],
)
def test_an_impure_noun_is_found(text: str) -> None:
    """A noun knows neither libraries nor the floors above it."""

    assert len(apply(impure_imports, [example(text)])) >= 1


def test_verbs_may_use_numpy() -> None:
    """The kernel is vectorised; it still does no input or output."""
    path = f"{PACKAGE}/accounting/fifo.py"

    fine = example("import numpy as np\nfrom fillbook.domain.money import Money", path=path)
    assert apply(impure_imports, [fine]) == []
    assert len(apply(impure_imports, [example("import socket", path=path)])) == 1


def test_siblings_do_not_know_each_other() -> None:
    """No venue imports another venue, no report another report."""

    assert apply(sibling_imports, files(f"{PACKAGE}/venues", f"{PACKAGE}/reports")) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("venues/bybit/pages.py", "from fillbook.venues.ibkr import flex"),
        ("venues/bybit/pages.py", "from fillbook.venues import ibkr"),
        ("venues/bybit/pages.py", "from ..ibkr import flex"),
        ("reports/equity.py", "from fillbook.reports.summary import totals"),
        ("reports/equity.py", "from . import summary"),
    ],
)
def test_a_sibling_import_is_found(path: str, text: str) -> None:
    """Absolute or relative, from a file or a folder."""

    assert len(apply(sibling_imports, [example(text, path=f"{PACKAGE}/{path}")])) >= 1


def test_machinery_is_shared() -> None:
    """An underscore file is there for all of them, and a venue may be several files."""
    text = "from fillbook.venues._http import get\nfrom fillbook.venues.bybit.rows import Row"
    path = f"{PACKAGE}/venues/bybit/pages.py"

    assert apply(sibling_imports, [example(text, path=path)]) == []
